// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Scheduling
import TestSupport
import Testing

@testable import LatencyMonitor

/// What a window holds, against a model that keeps every ping.
@Suite struct LatencyWindowTests {
    /// A ping, as the model keeps it.
    private struct Ping {
        var moment: Moment
        var time: Duration?
        var late: Duration?
    }

    /// A window that expectations may change.
    private final class Reference {
        private var window: LatencyWindow
        init(_ length: Duration?) { self.window = LatencyWindow(length) }
        func add(_ time: Duration?, at moment: Moment) { self.window.add(time, at: moment) }
        func addLate(_ time: Duration, at moment: Moment) { self.window.addLate(time, at: moment) }
        func summary(at moment: Moment) -> WindowSummary { self.window.summary(at: moment) }
    }

    private static func at(_ milliseconds: Int) -> Moment {
        Moment(nanoseconds: 7_000_000_000_000) + .milliseconds(milliseconds)
    }

    /// Whether a percentile of the window is that of the times, within 0.1 % and the microsecond it is counted in.
    private static func agrees(_ shown: Double?, _ rank: Int, _ times: [Duration]) -> Bool {
        guard !times.isEmpty else { return shown == nil }
        let exact = times[(rank * times.count + 99) / 100 - 1].milliseconds
        guard let shown else { return false }
        return abs(shown - exact) <= exact * 0.001 + 0.001
    }

    /// Whether a window says what the model says of the last 60 slices.
    private static func check(_ summary: WindowSummary, _ pings: [Ping]) {
        let times = pings.flatMap { [$0.time, $0.late].compactMap { $0 } }.sorted()
        #expect(summary.n == pings.count)
        #expect(summary.lost == pings.count { $0.time == nil })
        #expect(summary.late == pings.count { $0.late != nil })
        #expect(summary.loss == (pings.isEmpty ? nil : Double(summary.lost) / Double(pings.count)))
        #expect(summary.min == times.first?.milliseconds)
        #expect(summary.max == times.last?.milliseconds)
        #expect(Self.agrees(summary.p50, 50, times))
        #expect(Self.agrees(summary.p90, 90, times))
        #expect(Self.agrees(summary.p99, 99, times))
    }

    @Test(arguments: [(60, UInt64(1)), (300, 2), (3_600, 3), (86_400, 4)])
    func `n, loss, shortest, longest and percentiles are those of a model that keeps everything`(
        seconds: Int,
        seed: UInt64
    ) {
        var random = SplitMix64(seed: seed)
        let length = Duration.seconds(seconds)
        let slice = length.nanoseconds / 60
        let window = Reference(length)
        var pings: [Ping] = []
        var moment = Self.at(0)
        for step in 0..<2_000 {
            // About 600 pings a window, and now and then a pause in which some or all of them grow old.
            let pause =
                Int.random(in: 0..<250, using: &random) == 0
                ? Int.random(in: 0..<90, using: &random) * Int(slice)
                : Int.random(in: 0..<(Int(slice) / 5), using: &random)
            moment = moment + .nanoseconds(pause)
            let isLost = Int.random(in: 0..<10, using: &random) == 0
            // From 20 microseconds to some seconds: as many short ones as long ones.
            let span = Duration.nanoseconds(Int.random(in: 20_000..<(30_000 << (step % 18)), using: &random))
            pings.append(Ping(moment: moment, time: isLost ? nil : span))
            window.add(isLost ? nil : span, at: moment)
            if isLost, Bool.random(using: &random) {
                pings[pings.count - 1].late = span + .seconds(2)
                window.addLate(span + .seconds(2), at: moment)
            }
            guard step % 20 == 0 else { continue }
            let oldest = moment.nanoseconds / slice - 59
            pings.removeAll { $0.moment.nanoseconds / slice < oldest }
            Self.check(window.summary(at: moment), pings)
        }
        Self.check(window.summary(at: moment + length + length), [])
    }

    @Test func `a window without a length keeps everything`() {
        let window = Reference(nil)
        for hour in 0..<100 { window.add(.milliseconds(hour + 1), at: Self.at(3_600_000 * hour)) }
        let summary = window.summary(at: Self.at(3_600_000 * 1_000))
        #expect(summary.n == 100)
        #expect(summary.min == 1)
        #expect(summary.max == 100)
    }

    @Test func `what is as old as the window is let go, a sixtieth at a time`() {
        let window = Reference(.seconds(60))
        for second in 0..<60 { window.add(.milliseconds(second + 1), at: Self.at(1_000 * second)) }
        #expect(window.summary(at: Self.at(59_999)).n == 60)
        #expect(window.summary(at: Self.at(60_000)).n == 59)
        #expect(window.summary(at: Self.at(60_000)).min == 2)
        #expect(window.summary(at: Self.at(118_999)).n == 1)
        #expect(window.summary(at: Self.at(119_000)) == WindowSummary())
    }

    @Test func `a late reply counts where its ping does`() {
        let window = Reference(.seconds(60))
        window.add(nil, at: Self.at(0))
        window.add(.milliseconds(5), at: Self.at(30_000))
        window.addLate(.seconds(31), at: Self.at(0))
        #expect(window.summary(at: Self.at(30_000)).late == 1)
        #expect(window.summary(at: Self.at(30_000)).max == 31_000)
        #expect(window.summary(at: Self.at(30_000)).loss == 0.5)
        let later = window.summary(at: Self.at(60_000))
        #expect(later.late == 0)
        #expect(later.max == 5)
    }

    @Test func `a ping between two slices counts with the earlier one`() {
        let window = Reference(.seconds(60))
        for second in [0, 30, 15] { window.add(.milliseconds(second + 1), at: Self.at(1_000 * second)) }
        #expect(window.summary(at: Self.at(30_000)).n == 3)
        #expect(window.summary(at: Self.at(60_000)).n == 1)
        #expect(window.summary(at: Self.at(60_000)).min == 31)
    }

    @Test func `jitter is that of RFC 3550, over consecutive replies`() throws {
        var random = SplitMix64(seed: 11)
        let window = Reference(.seconds(3_600))
        var jitter = 0.0
        var last: Duration?
        for second in 0..<1_000 {
            guard Int.random(in: 0..<5, using: &random) > 0 else {
                window.add(nil, at: Self.at(second))
                // What is late is out of order, and no part of it.
                window.addLate(.seconds(5), at: Self.at(second))
                continue
            }
            let time = Duration.microseconds(Int.random(in: 100..<400_000, using: &random))
            window.add(time, at: Self.at(second))
            if let last { jitter += (abs(time.milliseconds - last.milliseconds) - jitter) / 16 }
            last = time
        }
        let shown = try #require(window.summary(at: Self.at(1_000)).jitter)
        #expect(abs(shown - jitter) < 1e-5)
    }

    @Test func `one reply has no jitter, and two have a sixteenth of their difference`() {
        let window = Reference(.seconds(60))
        window.add(.milliseconds(20), at: Self.at(0))
        #expect(window.summary(at: Self.at(0)).jitter == nil)
        window.add(.milliseconds(52), at: Self.at(1))
        #expect(window.summary(at: Self.at(1)).jitter == 2)
        #expect(window.summary(at: Self.at(120_000)).jitter == nil)
        window.add(.milliseconds(500), at: Self.at(120_000))
        #expect(window.summary(at: Self.at(120_000)).jitter == nil)
    }

    @Test func `percentiles are between the shortest and the longest time, which are exact`() throws {
        for nanoseconds in [50_400, 50_600, 1_999, 123_456_789, 2_000_000_001] {
            let window = Reference(.seconds(60))
            window.add(.nanoseconds(nanoseconds), at: Self.at(0))
            let summary = window.summary(at: Self.at(0))
            let exact = Double(nanoseconds) / 1e6
            #expect(summary.min == exact)
            #expect(summary.max == exact)
            #expect([summary.p50, summary.p90, summary.p99] == [exact, exact, exact])
        }
    }

    @Test func `what is longer than any wait is counted all the same`() {
        let window = Reference(.seconds(60))
        window.add(.seconds(500), at: Self.at(0))
        #expect(window.summary(at: Self.at(0)).n == 1)
        #expect(window.summary(at: Self.at(0)).max == 500_000)
    }

    // MARK: A target's windows

    @Test func `a target has a minute, five, an hour and a day, as of the last ping`() {
        let windows = LatencyWindows(decidedBy: 5)
        #expect(windows.summary(.m1) == WindowSummary())
        for (second, time) in [(0, 1), (7_200, 2), (86_600, 4)] {
            windows.add(.milliseconds(time), at: Self.at(1_000 * second + 30_000), time: 0)
        }
        for seconds in [-200, -30, 0] {
            windows.add(.milliseconds(8), at: Self.at(25 * 3_600_000 + 29_000 + 1_000 * seconds), time: 0)
        }
        let counts = LatencyWindows.Span.allCases.map { windows.summary($0).n }
        #expect(counts == [2, 3, 4, 5])
        #expect(windows.total.n == 6)
        #expect(LatencyWindows.Span.allCases.map(\.rawValue) == ["m1", "m5", "h1", "h24"])
    }

    @Test func `what was held ends where the next status begins, late replies too`() {
        let windows = LatencyWindows(decidedBy: 3)
        let add = { (second: Int, milliseconds: Int?) in
            windows.add(milliseconds.map { .milliseconds($0) }, at: Self.at(1_000 * second), time: Double(second))
        }
        for second in 0..<10 { add(second, 10) }
        // Lost, and late by so much that the held times would show it.
        for second in 10..<13 {
            add(second, nil)
            windows.addLate(.seconds(3), at: Self.at(1_000 * second), time: Double(second))
        }
        let before = windows.endHeld(at: 10)
        #expect(before.n == 10)
        #expect(before.lost == 0)
        #expect(before.late == 0)
        #expect(before.max == 10)
        // Of the status before: it is told of no other.
        windows.addLate(.seconds(9), at: Self.at(5_000), time: 5)
        for second in 13..<16 { add(second, 20) }
        let during = windows.endHeld(at: 13)
        #expect(during.n == 3)
        #expect(during.lost == 3)
        #expect(during.late == 3)
        #expect(during.max == 3_000)
        #expect(windows.total.late == 4)
    }
}
