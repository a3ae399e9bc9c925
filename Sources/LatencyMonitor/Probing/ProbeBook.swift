// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import DequeModule
internal import Scheduling

/// What is known of a target's pings: decides what each arrival, and each moment without one, means.
///
/// Every ping has a socket of its own, so what arrives is known to answer it. From one fixed port it is not: there the next
/// ping waits until nothing can answer the one before.
struct ProbeBook {
    /// A ping, by its number.
    typealias ID = UInt64

    private struct Ping {
        var slot: Int
        var isReprobe: Bool
        var moment: Moment
        var time: Double
        var isDecided = false
        /// Whether a late reply may still come: it timed out, and was not answered.
        var awaitsLate = false
        /// Whether a reply came, so that the next one is a duplicate.
        var isAnswered = false
        /// Arrivals beside the one that answered it.
        var surplus = 0
    }

    /// Of one ping, more duplicates and other bytes than these are nobody's mistake, and told no more.
    static let mostSurplus = 100
    /// From a fixed port, an unanswered ping may be answered until so many timeouts after it was sent; what comes later is
    /// taken for the next one's.
    static let quietTimeouts = 5

    private let target: Int
    private let timeout: Duration
    private var pings: [ID: Ping] = [:]
    /// Undecided ones, the oldest first: all have the same timeout.
    private var waiting: Deque<ID> = []
    /// Open ones, the oldest first.
    private var open: Deque<ID> = []
    /// When the last ping was sent to which no answer came, though one may.
    private var unanswered: Moment?

    init(target: Int, timeout: Duration) {
        self.target = target
        self.timeout = timeout
    }

    /// Whether a ping is undecided.
    var isWaiting: Bool { !self.waiting.isEmpty }

    /// Whether no ping waits for an answer, or may still be answered: what arrives next answers the next one.
    func isQuiet(at now: Moment) -> Bool {
        guard !self.isWaiting else { return false }
        return self.unanswered.map { now - $0 > self.timeout * Self.quietTimeouts } ?? true
    }

    /// When the oldest undecided ping times out.
    var nextDeadline: Moment? { self.waiting.first.flatMap { self.pings[$0] }.map { $0.moment + self.timeout } }

    /// When the oldest ping's socket has been open for long enough, unless that is undecided.
    func nextClosing(lateness: Duration) -> Moment? {
        self.open.first.flatMap { self.pings[$0] }.flatMap { $0.isDecided ? $0.moment + lateness : nil }
    }

    /// Notes a ping that was sent.
    mutating func sent(_ id: ID, slot: Int, isReprobe: Bool, at moment: Moment, time: Double) {
        self.pings[id] = Ping(slot: slot, isReprobe: isReprobe, moment: moment, time: time)
        self.waiting.append(id)
        self.open.append(id)
    }

    /// A ping's reply arrived, in time or not.
    mutating func reply(to id: ID, at moment: Moment) -> ProbeEvent? {
        guard var ping = self.pings[id] else { return nil }
        defer { self.pings[id] = ping }
        let span = max(.zero, moment - ping.moment)
        guard !ping.isDecided else {
            if ping.awaitsLate {
                ping.awaitsLate = false
                ping.isAnswered = true
                if self.unanswered == ping.moment { self.unanswered = nil }
                return self.event(ping, .late(span))
            }
            ping.surplus += 1
            guard ping.isAnswered, ping.surplus <= Self.mostSurplus else { return nil }
            return self.event(ping, .duplicate)
        }
        // It waited in the socket until its time was over; the two are told in order.
        guard span <= self.timeout else { return nil }
        self.decide(id, &ping)
        ping.isAnswered = true
        return self.event(ping, .decided(.reply(span)))
    }

    /// Whether a reply that arrived at a moment is too late for its ping, though that is undecided.
    func isOverdue(_ id: ID, at moment: Moment) -> Bool {
        guard let ping = self.pings[id], !ping.isDecided else { return false }
        return moment - ping.moment > self.timeout
    }

    /// Something else than a reply arrived.
    mutating func foreign(to id: ID) -> ProbeEvent? {
        guard let ping = self.pings[id] else { return nil }
        self.pings[id]?.surplus += 1
        return ping.surplus < Self.mostSurplus ? self.event(ping, .foreign) : nil
    }

    /// Whether a decided ping's socket does nothing any more but take what somebody floods it with.
    func isFlooded(_ id: ID) -> Bool { self.pings[id].map { $0.isDecided && $0.surplus > Self.mostSurplus } ?? false }

    /// A ping ends without a reply.
    mutating func end(_ id: ID, as outcome: PingOutcome) -> ProbeEvent? {
        guard var ping = self.pings[id], !ping.isDecided else { return nil }
        self.decide(id, &ping)
        if case .timeout = outcome { ping.awaitsLate = true }
        // Where nothing listens, nothing answers.
        if outcome != .refused { self.unanswered = ping.moment }
        self.pings[id] = ping
        return self.event(ping, .decided(outcome))
    }

    /// The undecided pings whose time is over.
    func overdue(at now: Moment) -> [ID] {
        self.waiting.prefix { id in self.pings[id].map { now - $0.moment > self.timeout } ?? true }.map { $0 }
    }

    /// All undecided pings.
    var undecided: [ID] { Array(self.waiting) }

    /// Whether a ping is a re-probe.
    func isReprobe(_ id: ID) -> Bool { self.pings[id]?.isReprobe ?? false }

    /// The oldest ping if its socket need not stay open: it is decided, and too old or one too many.
    func closable(at now: Moment, lateness: Duration, most: Int) -> ID? {
        guard let id = self.open.first, let ping = self.pings[id], ping.isDecided else { return nil }
        return self.open.count > most || now - ping.moment > lateness ? id : nil
    }

    /// Forgets a ping whose socket was closed.
    mutating func close(_ id: ID) {
        if self.open.first == id { self.open.removeFirst() } else { self.open.removeAll { $0 == id } }
        if self.pings[id]?.isDecided == false { self.waiting.removeAll { $0 == id } }
        self.pings[id] = nil
    }

    private mutating func decide(_ id: ID, _ ping: inout Ping) {
        ping.isDecided = true
        if self.waiting.first == id { self.waiting.removeFirst() } else { self.waiting.removeAll { $0 == id } }
    }

    private func event(_ ping: Ping, _ kind: ProbeEvent.Kind) -> ProbeEvent {
        ProbeEvent(target: self.target, slot: ping.slot, moment: ping.moment, time: ping.time, kind: kind)
    }
}
