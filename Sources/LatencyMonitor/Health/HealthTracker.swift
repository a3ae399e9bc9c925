// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// What a sample means: a name that scripts choose, and how bad it is.
public struct HealthStatus: Sendable, Hashable {
    /// The worst level.
    public static let worst = 3

    /// What it is called.
    public var name: String
    /// From 0, good, to 3, down.
    public var level: Int

    /// Makes a status.
    public init(name: String, level: Int) {
        precondition((0...Self.worst).contains(level), "a level is checked before it is used")
        self.name = name
        self.level = level
    }
}

/// Decides when a status has lasted, so that one odd sample is no alert.
///
/// A status gets worse when enough of the last samples, or all re-probes after a lost ping, say so; and better, or another
/// of the same level, when enough samples in a row do.
public struct HealthTracker: Sendable {
    /// The numbers.
    public struct Rules: Sendable, Equatable {
        /// Samples that must be worse.
        public var worseSamples = 3
        /// Of how many last ones.
        public var worseWindow = 5
        /// Quick pings after a lost one that must be lost, too; 0 asks for none.
        public var reprobes = 3
        /// Samples in a row that must be better.
        public var betterSamples = 3

        /// The default numbers.
        public init() {}
    }

    /// A status and when it began.
    public struct Held: Sendable, Equatable {
        /// The status.
        public var status: HealthStatus
        /// The time of the first sample that had it, in Unix seconds.
        public var since: Double
    }

    private struct Entry {
        var status: HealthStatus
        var time: Double
    }

    private let rules: Rules
    private var recent: [Entry] = []
    /// The samples since the last one that was no better than what is held.
    private var streak: [Entry] = []
    /// What is held now; nil until the first status has lasted.
    public private(set) var held: Held?

    /// Starts with nothing held.
    public init(_ rules: Rules) { self.rules = rules }

    /// The level that is held; before any is, that of a target that nobody complained about.
    private var level: Int { self.held?.status.level ?? 0 }

    /// Takes a sample's status.
    ///
    /// - Parameters:
    ///   - status: What the sample means.
    ///   - time: When it was taken, in Unix seconds.
    /// - Returns: What is held from now on, if that has changed.
    public mutating func take(_ status: HealthStatus, at time: Double) -> Held? {
        let entry = Entry(status: status, time: time)
        self.recent.append(entry)
        self.recent.removeFirst(max(0, self.recent.count - self.rules.worseWindow))
        // What is good from the start needs no proof.
        if self.held == nil, status.level == 0 { return self.hold(entry, since: time) }
        return self.worse() ?? self.better(entry)
    }

    /// Takes the word of re-probes, all of which were lost, for the last sample's status.
    ///
    /// - Returns: What is held from now on, if that has changed.
    public mutating func confirmLost() -> Held? {
        guard let last = self.recent.last, last.status.level > self.level else { return nil }
        let since = self.recent.reversed().prefix { $0.status == last.status }.last?.time ?? last.time
        return self.hold(last, since: since)
    }

    /// Whether a lost ping with a status asks for re-probes.
    public func wantsReprobes(for status: HealthStatus) -> Bool {
        self.rules.reprobes > 0 && status.level > self.level
    }

    private mutating func worse() -> Held? {
        let worse = self.recent.filter { $0.status.level > self.level }
        let needed = max(1, min(self.rules.worseSamples, self.rules.worseWindow))
        guard worse.count >= needed else { return nil }
        // So many were at least this bad.
        let level = worse.map(\.status.level).sorted(by: >)[needed - 1]
        let those = worse.filter { $0.status.level >= level }
        guard let first = those.first, let last = those.last(where: { $0.status.level == level }) else { return nil }
        return self.hold(last, since: first.time)
    }

    private mutating func better(_ entry: Entry) -> Held? {
        guard let held = self.held, entry.status != held.status, entry.status.level <= held.status.level else {
            self.streak = []
            return nil
        }
        self.streak.append(entry)
        guard self.streak.count >= self.rules.betterSamples else { return nil }
        // No better than the worst of them.
        let level = self.streak.map(\.status.level).max() ?? 0
        guard let first = self.streak.first, let last = self.streak.last(where: { $0.status.level == level }) else {
            return nil
        }
        // What was bad before says nothing about getting bad again.
        self.recent = []
        return self.hold(last, since: first.time)
    }

    private mutating func hold(_ entry: Entry, since: Double) -> Held? {
        let held = Held(status: entry.status, since: since)
        self.streak = []
        self.held = held
        return held
    }
}
