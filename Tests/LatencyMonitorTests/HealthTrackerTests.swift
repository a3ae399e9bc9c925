// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Testing

@testable import LatencyMonitor

/// When a status has lasted.
@Suite struct HealthTrackerTests {
    /// Feeds levels, a sample a second from 0 on, and notes what is held when it changes: `second level since`.
    private static func changes(_ levels: [Int], _ rules: HealthTracker.Rules = .init()) -> [String] {
        var tracker = HealthTracker(rules)
        return levels.enumerated()
            .compactMap { second, level in
                tracker.take(HealthStatus(name: "level \(level)", level: level), at: Double(second))
                    .map { "\(second): \($0.status.name) since \(Int($0.since))" }
            }
    }

    @Test func `what is good from the start is held at once, and what is bad must last`() {
        #expect(Self.changes([0]) == ["0: level 0 since 0"])
        #expect(Self.changes([2, 2]) == [])
        #expect(Self.changes([2, 2, 2]) == ["2: level 2 since 0"])
    }

    @Test func `three of the last five samples make it worse, from the first of them on`() {
        #expect(Self.changes([0, 1, 0, 1, 0, 1]) == ["0: level 0 since 0", "5: level 1 since 1"])
        #expect(Self.changes([0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1]) == ["0: level 0 since 0"])
    }

    @Test func `it is as bad as three of the five say at least`() {
        #expect(Self.changes([0, 1, 3, 2]).last == "3: level 1 since 1")
        #expect(Self.changes([0, 3, 2, 3]).last == "3: level 2 since 1")
        #expect(Self.changes([0, 1, 3, 3, 3]).last == "4: level 3 since 2")
    }

    @Test func `three in a row make it better, and no better than the worst of them`() {
        let bad = [0, 3, 3, 3]
        #expect(Self.changes(bad + [0, 0]).last == "3: level 3 since 1")
        #expect(Self.changes(bad + [0, 0, 0]).last == "6: level 0 since 4")
        #expect(Self.changes(bad + [0, 0, 3, 0, 0]).last == "3: level 3 since 1")
        #expect(Self.changes(bad + [0, 1, 0]).last == "6: level 1 since 4")
    }

    @Test func `what was bad before it got better does not count again`() {
        #expect(Self.changes([0, 3, 3, 3, 0, 0, 0, 3, 3]).last == "6: level 0 since 4")
        #expect(Self.changes([0, 3, 3, 3, 0, 0, 0, 3, 3, 3]).last == "9: level 3 since 7")
        var rules = HealthTracker.Rules()
        rules.worseWindow = 10
        #expect(Self.changes([0, 3, 3, 3, 0, 0, 0, 3, 3], rules).last == "6: level 0 since 4")
    }

    @Test func `the numbers are settings`() {
        var rules = HealthTracker.Rules()
        rules.worseSamples = 1
        rules.betterSamples = 1
        #expect(
            Self.changes([0, 1, 0, 2], rules) == [
                "0: level 0 since 0", "1: level 1 since 1", "2: level 0 since 2", "3: level 2 since 3",
            ]
        )
    }

    @Test func `another name of the same level must last, too`() {
        var tracker = HealthTracker(.init())
        for second in 0..<2 { _ = tracker.take(HealthStatus(name: "Normal", level: 0), at: Double(second)) }
        var held: [String] = []
        for second in 2..<6 {
            if let change = tracker.take(HealthStatus(name: "Good", level: 0), at: Double(second)) {
                held.append("\(second): \(change.status.name) since \(Int(change.since))")
            }
        }
        #expect(held == ["4: Good since 2"])
    }

    @Test func `re-probes confirm a lost ping at once, and nothing else`() {
        var tracker = HealthTracker(.init())
        let down = HealthStatus(name: "down", level: 3)
        _ = tracker.take(HealthStatus(name: "up", level: 0), at: 0)
        #expect(tracker.confirmLost() == nil)
        #expect(tracker.take(down, at: 1) == nil)
        #expect(tracker.wantsReprobes(for: down))
        #expect(tracker.confirmLost() == HealthTracker.Held(status: down, since: 1))
        #expect(!tracker.wantsReprobes(for: down))
        #expect(tracker.confirmLost() == nil)
    }
}
