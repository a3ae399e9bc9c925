// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import Scheduling
import TestSupport
import Testing

@testable import LatencyMonitor

/// How exact round-trip times are, in numbers: a benchmark, which `Tests/Benchmarks/monitor-accuracy.sh` runs.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["MONITOR_ACCURACY"] != nil, "a benchmark"), .serialized)
struct MonitorAccuracy {
    /// Answers after so many milliseconds, and pings as many milliseconds apart, for about 20 seconds.
    private static let rows = [(0, 20), (1, 20), (20, 50), (50, 60), (150, 200), (350, 400), (101, 100), (301, 300)]

    private static func shown(_ nanoseconds: Int64) -> String { String(format: "%9.4f", Double(nanoseconds) / 1e6) }

    private static func line(_ name: String, _ errors: [Int64]) -> String {
        let sorted = errors.sorted()
        guard let last = sorted.last else { return "\(name) none" }
        let ranks = [50, 90, 99].map { Self.shown(sorted[($0 * sorted.count + 99) / 100 - 1]) }
        return ([name, String(format: "%6d", sorted.count)] + ranks + [Self.shown(last)]).joined(separator: " ")
    }

    /// By how much each measured round-trip time, late ones too, is not what its target took by its own clock.
    private static func errors(_ run: ProbeRun) -> [Int64] {
        let events = run.events.sorted { $0.moment < $1.moment }
        let decided = events.filter { if case .decided = $0.kind { true } else { false } }
        let pings = run.responders[0].pings
        guard decided.count == pings.count else { return [] }
        var spans: [Moment: Duration] = [:]
        for event in events {
            switch event.kind {
            case .decided(.reply(let span)), .late(let span): spans[event.moment] = span
            default: break
            }
        }
        return zip(decided, pings)
            .compactMap { event, ping in
                guard let span = spans[event.moment], let answer = ping.answers.first else { return nil }
                return abs(span.nanoseconds - (answer.before - ping.arrival))
            }
    }

    @Test func `error of the measured round-trip times`() async throws {
        try await onThread {
            let runs = try Self.rows.map { delay, interval in
                try ProbeRun(
                    [ImpairingResponder.Impairments(delays: [.milliseconds(delay)])],
                    ProbePlan(
                        interval: .milliseconds(interval),
                        timeout: .milliseconds(interval),
                        count: 20_000 / interval
                    )
                )
            }
            defer { for run in runs { run.stop() } }
            for run in runs { try? run.finishes() }
            for run in runs { try run.finishes() }
            var lines = [
                "Error of the measured round-trip times, in milliseconds:",
                "delay ms      n       p50       p90       p99       max",
            ]
            for (row, run) in zip(Self.rows, runs) {
                lines.append(Self.line(String(format: "%8d", row.0), Self.errors(run)))
            }
            let all = runs.flatMap { Self.errors($0) }
            lines.append(Self.line("     all", all))
            print(lines.joined(separator: "\n"))
            #expect(all.count > 2_000)
        }
    }

    @Test func `drift over a thousand slots`() async throws {
        try await onThread {
            let interval = Duration.milliseconds(20)
            let run = try ProbeRun([.init()], ProbePlan(interval: interval, timeout: interval, count: 1_000))
            defer { run.stop() }
            try? run.finishes()
            try run.finishes()
            let decided = run.events.filter { if case .decided = $0.kind { true } else { false } }
            let first = try #require(decided.first)
            let lateness = decided.sorted { $0.moment < $1.moment }
                .map { (($0.moment - first.moment) - interval * ($0.slot - first.slot)).nanoseconds }
            let middle = { (part: ArraySlice<Int64>) in part.sorted()[part.count / 2] }
            let drift = middle(lateness.suffix(100)) - middle(lateness.prefix(100))
            print("Drift over \(lateness.count) slots, in milliseconds: \(Self.shown(drift))")
            print("How late pings were sent, beside the first: p50, p90, p99, max:")
            print(Self.line("        ", lateness))
        }
    }
}
