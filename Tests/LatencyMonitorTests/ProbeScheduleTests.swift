// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Scheduling
import TestSupport
import Testing

@testable import LatencyMonitor

/// When pings are due.
@Suite struct ProbeScheduleTests {
    private static let start = Moment(nanoseconds: 5_000_000_123)

    private static func at(_ milliseconds: Int) -> Moment { Self.start + .milliseconds(milliseconds) }

    private static func schedule(burst: Int = 1, count: Int? = nil) -> Reference {
        Reference(
            ProbeSchedule(
                ProbePlan(interval: .milliseconds(100), timeout: .milliseconds(50), burst: burst, count: count),
                start: Self.start
            )
        )
    }

    /// A schedule that expectations may change.
    private final class Reference {
        private var schedule: ProbeSchedule
        init(_ schedule: ProbeSchedule) { self.schedule = schedule }
        var next: Moment? { self.schedule.next }
        func take(at now: Moment) -> ProbeSchedule.Due? { self.schedule.take(at: now) }
    }

    @Test func `slot n begins n intervals after the start, however late those before were sent`() {
        let schedule = Self.schedule()
        var late = SplitMix64(seed: 3)
        for slot in 0..<1_000 {
            #expect(schedule.next == Self.at(100 * slot))
            let delay = Duration.microseconds(Int(late.next() % 99_000))
            #expect(schedule.take(at: Self.at(100 * slot) + delay) == .init(slot: slot, missed: 0))
            #expect(schedule.take(at: Self.at(100 * slot) + delay) == nil)
        }
    }

    @Test func `a ping is not due before its moment`() {
        let schedule = Self.schedule()
        #expect(schedule.take(at: Self.start + .nanoseconds(-1)) == nil)
        #expect(schedule.take(at: Self.start) == .init(slot: 0, missed: 0))
        #expect(schedule.take(at: Self.at(100) + .nanoseconds(-1)) == nil)
        #expect(schedule.take(at: Self.at(100)) == .init(slot: 1, missed: 0))
    }

    @Test func `slots that went by are counted and left out`() {
        let schedule = Self.schedule()
        _ = schedule.take(at: Self.start)
        #expect(schedule.take(at: Self.at(499)) == .init(slot: 4, missed: 3))
        #expect(schedule.next == Self.at(500))
        #expect(schedule.take(at: Self.at(500)) == .init(slot: 5, missed: 0))
        #expect(schedule.take(at: Self.at(700)) == .init(slot: 7, missed: 1))
    }

    @Test func `the last slot is not left out`() {
        let schedule = Self.schedule(count: 3)
        _ = schedule.take(at: Self.start)
        #expect(schedule.take(at: Self.at(100_000)) == .init(slot: 2, missed: 1))
        #expect(schedule.next == nil)
        #expect(schedule.take(at: Self.at(200_000)) == nil)
    }

    @Test func `the pings of a burst are 10 ms apart`() {
        let schedule = Self.schedule(burst: 3)
        for slot in 0..<3 {
            for ping in 0..<3 {
                #expect(schedule.next == Self.at(100 * slot + 10 * ping))
                #expect(schedule.take(at: Self.at(100 * slot + 10 * ping)) == .init(slot: slot, missed: 0))
            }
        }
    }

    @Test func `a burst that would not fit into its interval is closer together`() {
        let schedule = Self.schedule(burst: 20)
        for _ in 0..<19 { _ = schedule.take(at: Self.at(95)) }
        #expect(schedule.next == Self.at(95))
        _ = schedule.take(at: Self.at(95))
        #expect(schedule.next == Self.at(100))
    }

    @Test func `a burst that was begun is sent to its end before the next slot is looked for`() {
        let schedule = Self.schedule(burst: 2)
        _ = schedule.take(at: Self.start)
        #expect(schedule.take(at: Self.at(350)) == .init(slot: 0, missed: 0))
        #expect(schedule.take(at: Self.at(350)) == .init(slot: 3, missed: 2))
        #expect(schedule.take(at: Self.at(350)) == .init(slot: 3, missed: 0))
        #expect(schedule.take(at: Self.at(399)) == nil)
    }

    @Test func `a plan says what is wrong with it`() {
        #expect(ProbePlan().problem == nil)
        #expect(ProbePlan(interval: .milliseconds(9), timeout: .milliseconds(9)).problem != nil)
        #expect(ProbePlan(interval: .milliseconds(10), timeout: .milliseconds(10)).problem == nil)
        #expect(ProbePlan(interval: .seconds(1), timeout: .milliseconds(1_001)).problem != nil)
        #expect(ProbePlan(timeout: .zero).problem != nil)
        #expect(ProbePlan(burst: 0).problem != nil)
        #expect(ProbePlan(burst: 257).problem != nil)
        #expect(ProbePlan(burst: 256).problem == nil)
        #expect(ProbePlan(sourcePort: 4_000).problem == nil)
        #expect(ProbePlan(burst: 2, sourcePort: 4_000).problem != nil)
    }

    @Test func `sockets stay open for a minute, and at most 256 of a target`() {
        #expect(ProbePlan().lateness == .seconds(60))
        #expect(ProbePlan().mostOpen == 256)
        #expect(ProbePlan(interval: .milliseconds(10), timeout: .milliseconds(10)).openSockets == 256 + 3)
        #expect(ProbePlan(interval: .seconds(10)).openSockets == 6 + 3)
    }
}
