// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import Scheduling

/// When and how targets are pinged.
public struct ProbePlan: Sendable {
    /// Between the starts of two slots of a target: slot n begins at the start plus n intervals.
    public var interval: Duration
    /// How long a reply may take; at most an interval, so that a slot is decided before the next one begins.
    public var timeout: Duration
    /// Pings in a slot, ``spacing`` apart.
    public var burst: Int
    /// Slots until the end; nil for no end.
    public var count: Int?
    /// The port that pings are sent from; nil for a fresh one each.
    public var sourcePort: UInt16?
    /// How long a ping's socket stays open after it was sent, for replies that are late.
    public var lateness = Duration.seconds(60)
    /// Sockets that stay open, for each target.
    public var mostOpen = 256

    /// Pings of a burst are sent this far apart, or closer where the interval would not hold them.
    public static let spacing = Duration.milliseconds(10)
    /// The shortest interval.
    public static let shortestInterval = Duration.milliseconds(10)

    /// Makes a plan.
    public init(
        interval: Duration = .seconds(10),
        timeout: Duration = .seconds(2),
        burst: Int = 1,
        count: Int? = nil,
        sourcePort: UInt16? = nil
    ) {
        self.interval = interval
        self.timeout = timeout
        self.burst = burst
        self.count = count
        self.sourcePort = sourcePort
    }

    /// The sockets that are open at a time for each target, at the most.
    public var openSockets: Int {
        let kept = self.lateness.nanoseconds / max(1, self.interval.nanoseconds) * Int64(self.burst)
        return min(self.mostOpen, Int(kept)) + self.burst + 2
    }

    /// What is wrong with the plan, or nil.
    public var problem: String? {
        if self.interval < Self.shortestInterval { return "an interval is at least 10ms" }
        if self.timeout <= .zero { return "a timeout is longer than nothing" }
        if self.timeout > self.interval { return "a timeout is no longer than the interval" }
        if !(1...self.mostOpen).contains(self.burst) { return "a burst has 1 to \(self.mostOpen) pings" }
        if self.sourcePort != nil, self.burst > 1 { return "from one port, one ping at a time can be told apart" }
        return nil
    }
}

/// What became of a ping.
public enum PingOutcome: Sendable, Hashable {
    /// It was answered in time; the round-trip time.
    case reply(Duration)
    /// It was not.
    case timeout
    /// Nothing listens at the target's port: an ICMP message said so (RFC 792, RFC 4443).
    case refused
    /// This machine was asleep, stopped or out of resources, so that nobody can know.
    case inconclusive
}

/// What the prober saw.
public struct ProbeEvent: Sendable, Equatable {
    /// What there is to see.
    public enum Kind: Sendable, Equatable {
        /// A ping was decided; each is once.
        case decided(PingOutcome)
        /// A ping that had timed out was answered after all; the round-trip time.
        case late(Duration)
        /// A ping was answered once more.
        case duplicate
        /// Something that is no reply came from where one was expected.
        case foreign
        /// Slots went by without a ping, because this process did not run.
        case missed(slots: Int)
        /// A slot was left out: from the one source port, the ping before may still be answered.
        case deferred
        /// A ping could not be sent; the system's error number.
        case unsent(code: Int32)
        /// The re-probes that were asked for are done: whether all of them were lost.
        case reprobed(isLost: Bool)
        /// The last slot of the target is decided.
        case finished
    }

    /// The target, by its place in the list the prober was given.
    public var target: Int
    /// The slot, from 0; of a re-probe, the slot that was being sent last.
    public var slot: Int
    /// When the ping was sent; of the other kinds, when they were seen.
    public var moment: Moment
    /// The same in Unix seconds.
    public var time: Double
    /// What it is.
    public var kind: Kind

    /// Makes an event.
    public init(target: Int, slot: Int, moment: Moment, time: Double, kind: Kind) {
        self.target = target
        self.slot = slot
        self.moment = moment
        self.time = time
        self.kind = kind
    }
}
