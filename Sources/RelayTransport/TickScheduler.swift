// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import DequeModule
public import RelayCore
public import Scheduling

/// Something that has input for the hub: a connection, a listening socket, or a socket that many share.
protocol InputSource: AnyObject {
    /// Whether it waits for its place in a tick.
    var isQueued: Bool { get set }
    /// Passes waiting messages to the hub, at most `count` of them and none after the deadline; returns whether more
    /// may be waiting.
    func process(atMost count: Int, until deadline: Moment) -> Bool
    /// Looks for what has arrived meanwhile without waiting to be told; returns whether there was anything.
    func readAgain() -> Bool
}

/// A transport, which has its own work to do when a tick has ended.
protocol TickListener: AnyObject {
    /// Deals with what the clients of this transport were given, and with those who could not take it.
    func tickEnded()
}

/// Timers of scripts, which have a share of each tick.
public protocol TimedWork: AnyObject {
    /// When the next one is due; nil while there is none.
    var nextMoment: Moment? { get }
    /// Runs those that were due when the tick began, the oldest first, and begins none after the deadline but the first.
    func run(until deadline: Moment)
}

/// Gives everything that scripts see its share of a tick: timers, departures and input; then hands the output to each client.
///
/// A tick is about 10 ms of work at most, and a hook that is running then is finished: timers have 4 ms of it, 256 departures,
/// input the rest, and never less than 6 ms. Nobody's work can keep another kind from its share.
///
/// Confined to the script loop.
public final class TickScheduler: LoopWork {
    let hub: Hub
    let loop: ScriptLoop
    /// The scripts' timers, while they run.
    public var timers: (any TimedWork)?
    private var ready: Deque<any InputSource> = []
    private var listeners: [any TickListener] = []
    /// Sources whose input of this tick is used up.
    private var drainedSources: [any InputSource] = []
    /// Whether another tick is to follow though nothing waits that it knows of.
    private var isAnotherWanted = false
    /// Whether input was found in the tick that ran last.
    private(set) var hadInput = false
    /// Called at the end of each tick.
    var onTickEnd: (() -> Void)?

    /// Messages that one source may pass before the next has its turn.
    private static let messagesPerVisit = 64
    /// How long a tick may take before the loop looks at its sockets again.
    private static let tickTime = Duration.milliseconds(10)
    /// What timers get of it.
    private static let timerTime = Duration.milliseconds(4)
    /// What input gets at least, however long everything before it took.
    private static let inputTime = Duration.milliseconds(6)
    /// How long a tick may go on collecting what keeps arriving before it writes: what bounds the delay under load.
    private static let gatherTime = Duration.milliseconds(2)

    /// Makes the scheduler of a hub, which becomes its loop's work.
    public init(hub: Hub, loop: ScriptLoop) {
        self.hub = hub
        self.loop = loop
        loop.work = self
        hub.mayReportDeparture = { [unowned self] in Moment.now < self.departureDeadline }
    }

    /// When no further departure is reported in this tick.
    private var departureDeadline = Moment.past

    /// Has a transport told of the end of each tick.
    func add(_ listener: any TickListener) { self.listeners.append(listener) }

    /// Lets the transports and timers go, which hold on to their scheduler.
    public func end() {
        self.timers = nil
        self.onTickEnd = nil
        self.listeners.removeAll()
        self.ready.removeAll()
        self.drainedSources.removeAll()
        if self.loop.work === self { self.loop.work = nil }
        self.hub.mayReportDeparture = nil
    }

    /// Gives a source with input, or at its end, a place in the next tick.
    func enqueue(_ source: any InputSource) {
        guard !source.isQueued else { return }
        source.isQueued = true
        self.ready.append(source)
    }

    /// Has another tick run, which begins with a look at the sockets.
    public func wantAnotherTick() { self.isAnotherWanted = true }

    /// Ends the hub's tick and has the transports do their part.
    func endTick() {
        self.hub.endTick()
        for listener in self.listeners { listener.tickEnded() }
    }

    // MARK: The loop's work

    /// Now while anything waits for a tick, else when the next timer is due.
    public var nextMoment: Moment? {
        if self.isAnotherWanted || !self.ready.isEmpty || self.hub.hasDepartures { return .past }
        return self.timers?.nextMoment
    }

    /// Gives timers, departures and input their shares, and ends the hub's tick.
    public func tick(at start: Moment) {
        self.isAnotherWanted = false
        let end = start + Self.tickTime
        // What departs in the mailboxes' and deadlines' share is reported in this one.
        self.departureDeadline = end
        if let timers = self.timers, let next = timers.nextMoment, next <= start {
            timers.run(until: start + Self.timerTime)
        }
        self.hub.reportDepartures()
        self.takeInput(until: max(end, Moment.now + Self.inputTime))
        self.endTick()
        self.onTickEnd?()
    }

    private func takeInput(until deadline: Moment) {
        self.hadInput = !self.ready.isEmpty
        guard self.hadInput else { return }
        let gatherEnd = Moment.now + Self.gatherTime
        repeat {
            while let source = self.ready.popFirst() {
                self.visit(source, until: deadline)
                if Moment.now >= deadline { break }
            }
        } while self.readAgain(until: min(gatherEnd, deadline))
        self.drainedSources.removeAll(keepingCapacity: true)
    }

    private func visit(_ source: any InputSource, until deadline: Moment) {
        source.isQueued = false
        if source.process(atMost: Self.messagesPerVisit, until: deadline) {
            source.isQueued = true
            self.ready.append(source)
        } else {
            // Its input is used up: once a round, however many visits that took.
            self.drainedSources.append(source)
        }
    }

    /// Looks once more at the sources that were read in this tick: under load more has arrived meanwhile, and one write per
    /// client then carries that too.
    ///
    /// Costs a TCP connection one system call when nothing has.
    private func readAgain(until deadline: Moment) -> Bool {
        guard Moment.now < deadline else { return false }
        for source in self.drainedSources where !source.isQueued && source.readAgain() {
            source.isQueued = true
            self.ready.append(source)
        }
        self.drainedSources.removeAll(keepingCapacity: true)
        return !self.ready.isEmpty
    }
}
