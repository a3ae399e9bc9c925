// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import DequeModule

/// What is known of a target's pings: decides what each arrival, and each moment without one, means.
///
/// Every ping has a socket of its own, so what arrives is known to answer it. From one fixed port it is not: there the
/// reply after an unanswered ping may be either's, and decides nothing.
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
    }

    private let target: Int
    private let timeout: Duration
    private let isFixedPort: Bool
    private var pings: [ID: Ping] = [:]
    /// Undecided ones, the oldest first: all have the same timeout.
    private var waiting: Deque<ID> = []
    /// Open ones, the oldest first.
    private var open: Deque<ID> = []
    /// From a fixed port: whether a reply of an earlier ping may still come.
    private var isDoubtful = false

    init(target: Int, timeout: Duration, isFixedPort: Bool) {
        self.target = target
        self.timeout = timeout
        self.isFixedPort = isFixedPort
    }

    /// Whether a ping is undecided.
    var isWaiting: Bool { !self.waiting.isEmpty }

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
                self.isDoubtful = false
                return self.event(ping, .late(span))
            }
            guard ping.isAnswered else { return nil }
            return self.event(ping, .duplicate)
        }
        // It waited in the socket until its time was over; the two are told in order.
        guard span <= self.timeout else { return nil }
        self.decide(id, &ping)
        ping.isAnswered = true
        guard !self.isDoubtful else {
            self.isDoubtful = false
            return self.event(ping, .decided(.inconclusive))
        }
        return self.event(ping, .decided(.reply(span)))
    }

    /// Whether a reply that arrived at a moment is too late for its ping, though that is undecided.
    func isOverdue(_ id: ID, at moment: Moment) -> Bool {
        guard let ping = self.pings[id], !ping.isDecided else { return false }
        return moment - ping.moment > self.timeout
    }

    /// Something else than a reply arrived.
    func foreign(to id: ID) -> ProbeEvent? { self.pings[id].map { self.event($0, .foreign) } }

    /// A ping ends without a reply.
    mutating func end(_ id: ID, as outcome: PingOutcome) -> ProbeEvent? {
        guard var ping = self.pings[id], !ping.isDecided else { return nil }
        self.decide(id, &ping)
        if case .timeout = outcome {
            ping.awaitsLate = true
            self.isDoubtful = self.isFixedPort
        }
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
