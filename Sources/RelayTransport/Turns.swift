// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import DequeModule
public import NIOCore
public import RelayCore

/// Something that has input for the hub: a connection, or a socket that many share.
protocol InputSource: AnyObject {
    /// Whether it waits for its place in a turn.
    var isQueued: Bool { get set }
    /// Passes waiting messages to the hub, at most `count` of them and none after the deadline; returns whether more
    /// may be waiting.
    func process(atMost count: Int, until deadline: NIODeadline) -> Bool
    /// Takes what has arrived meanwhile without waiting to be told; returns whether there was anything.
    func readAgain() -> Bool
}

/// A transport, which has its own work to do when a tick has ended.
protocol TickListener: AnyObject {
    /// Deals with what the clients of this transport were given, and with those who could not take it.
    func tickEnded()
}

/// Runs the ticks: input from all sources to the hub, output from the hub to each client.
///
/// Confined to the script loop. A turn takes waiting messages source by source, so that no client holds up the others,
/// and ends with one write per client.
public final class Turns {
    let hub: Hub
    let eventLoop: any EventLoop
    private var ready: Deque<any InputSource> = []
    private var isScheduled = false
    private var listeners: [any TickListener] = []
    /// Sources whose input of this turn is used up.
    private var spoke: [any InputSource] = []

    /// Messages that one source may pass before the next has its turn.
    private static let messagesPerVisit = 64
    /// How long a turn may take before the loop looks at its sockets again.
    private static let turnTime = TimeAmount.milliseconds(10)
    /// How long a turn may go on collecting what keeps arriving before it writes: what bounds the delay under load.
    private static let gatherTime = TimeAmount.milliseconds(2)

    /// Makes the turns of a hub.
    public init(hub: Hub, eventLoop: any EventLoop) {
        eventLoop.assertInEventLoop()
        self.hub = hub
        self.eventLoop = eventLoop
    }

    /// Has a transport told of the end of each tick.
    func add(_ listener: any TickListener) { self.listeners.append(listener) }

    /// Lets go of the transports, which hold on to their turns.
    public func end() {
        self.listeners.removeAll()
        self.ready.removeAll()
        self.spoke.removeAll()
    }

    /// Gives a source with input, or at its end, a place in the next turn.
    func enqueue(_ source: any InputSource) {
        guard !source.isQueued else { return }
        source.isQueued = true
        self.ready.append(source)
        self.schedule()
    }

    /// Has a turn run after the sockets that are ready now were read.
    public func schedule() {
        guard !self.isScheduled else { return }
        self.isScheduled = true
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.eventLoop.execute { bound.value.turn() }
    }

    /// Relays what has arrived already, but for no longer than until the deadline, and ends the tick.
    func drain(until deadline: NIODeadline) {
        while !self.ready.isEmpty, NIODeadline.now() < deadline { self.visitReady(until: deadline) }
        self.endTick()
    }

    /// Ends the hub's tick and has the transports do their part.
    func endTick() {
        self.hub.endTick()
        for listener in self.listeners { listener.tickEnded() }
    }

    private func turn() {
        self.isScheduled = false
        let start = NIODeadline.now()
        let deadline = start + Self.turnTime
        repeat {
            while !self.ready.isEmpty, NIODeadline.now() < deadline { self.visitReady(until: deadline) }
        } while self.readAgain(until: start + Self.gatherTime)
        self.endTick()
        self.spoke.removeAll(keepingCapacity: true)
        guard !self.ready.isEmpty, !self.isScheduled else { return }
        // A task that schedules its successor at once would keep the loop from its sockets.
        self.isScheduled = true
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.eventLoop.scheduleTask(in: .microseconds(20)) { bound.value.turn() }
    }

    /// Looks once more at the sources that spoke in this turn: under load more has arrived meanwhile, and one write per
    /// client then carries that too.
    ///
    /// Costs a TCP connection one system call when nothing has.
    private func readAgain(until deadline: NIODeadline) -> Bool {
        guard NIODeadline.now() < deadline else { return false }
        for source in self.spoke where !source.isQueued && source.readAgain() {
            source.isQueued = true
            self.ready.append(source)
        }
        self.spoke.removeAll(keepingCapacity: true)
        return !self.ready.isEmpty
    }

    private func visitReady(until deadline: NIODeadline) {
        guard let source = self.ready.popFirst() else { return }
        source.isQueued = false
        if source.process(atMost: Self.messagesPerVisit, until: deadline) {
            source.isQueued = true
            self.ready.append(source)
        } else {
            // Its input is used up: once a round, however many visits that took.
            self.spoke.append(source)
        }
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        self = .nanoseconds(
            duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000
        )
    }
}
