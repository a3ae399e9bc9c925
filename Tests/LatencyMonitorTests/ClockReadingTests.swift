// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Scheduling
import Testing

@testable import LatencyMonitor

/// How kernel receive times become moments, and when nobody can know.
@Suite struct ClockReadingTests {
    private static let sent = Moment(nanoseconds: 50_000_000_000)
    /// The wall clock minus the monotonic one.
    private static let offset: Int64 = 1_700_000_000_000_000_000

    /// The clocks some time after the ping was sent.
    private static func reading(
        after span: Duration,
        offset: Int64 = Self.offset,
        asleep: Duration = .zero
    ) -> ClockReading {
        ClockReading(now: Self.sent + span, offset: offset, asleep: asleep)
    }

    /// The round-trip time of a reply that the kernel stamped some time after the ping was sent.
    private static func time(stamped span: Duration?, _ reading: ClockReading) -> Duration {
        let stamp = span.map { (Self.sent + $0).nanoseconds + Self.offset } ?? 0
        return reading.arrival(stamp: stamp, sent: Self.sent, sentOffset: Self.offset) - Self.sent
    }

    @Test func `a reply that waited in the socket has the time at which it came`() {
        #expect(Self.time(stamped: .milliseconds(50), Self.reading(after: .milliseconds(500))) == .milliseconds(50))
        #expect(Self.time(stamped: .nanoseconds(61_803), Self.reading(after: .seconds(2))) == .nanoseconds(61_803))
    }

    @Test func `without a kernel's word a reply came when it was read`() {
        #expect(Self.time(stamped: nil, Self.reading(after: .milliseconds(500))) == .milliseconds(500))
    }

    @Test func `nothing comes before it was sent, or after it was read`() {
        let reading = Self.reading(after: .milliseconds(500))
        #expect(Self.time(stamped: .milliseconds(-1), reading) == .zero)
        #expect(Self.time(stamped: .milliseconds(501), reading) == .milliseconds(500))
    }

    @Test func `a wall clock that was set meanwhile is not believed, forth or back`() {
        for jump in [Int64(1_000_000), -1_000_000, 3_600_000_000_000, -3_600_000_000_000] {
            let reading = Self.reading(after: .milliseconds(500), offset: Self.offset + jump)
            #expect(Self.time(stamped: .milliseconds(50), reading) == .milliseconds(500))
        }
    }

    @Test func `a wall clock that is slewed is believed`() {
        for slew in [Int64(100_000), -100_000] {
            let reading = Self.reading(after: .milliseconds(500), offset: Self.offset + slew)
            #expect(Self.time(stamped: .milliseconds(50), reading) == .milliseconds(50) - .nanoseconds(slew))
        }
        // 500 parts in a million of 2 s.
        let reading = Self.reading(after: .seconds(2), offset: Self.offset + 1_000_000)
        #expect(Self.time(stamped: .milliseconds(50), reading) == .milliseconds(49))
    }

    @Test func `clocks that are read in turn agree, and do not go back`() {
        var last = ClockReading.take()
        for _ in 0..<1_000 {
            let reading = ClockReading.take()
            #expect(reading.now >= last.now)
            #expect(reading.now <= .now)
            last = reading
        }
        #expect(last.offset > 0)
        #expect(last.asleep >= .milliseconds(-1))
        #expect(abs(last.time - Double(last.now.nanoseconds + last.offset) / 1e9) < 1e-6)
    }

    @Test func `moments are ordered, and durations keep their nanoseconds`() {
        let moment = Moment(nanoseconds: 10) + .seconds(3) + .nanoseconds(7)
        #expect(moment.nanoseconds == 3_000_000_017)
        #expect(moment - Moment(nanoseconds: 17) == .seconds(3))
        #expect(Moment(nanoseconds: 1) < moment)
        #expect(Duration.nanoseconds(-1_500_000).nanoseconds == -1_500_000)
        #expect(Duration.microseconds(1_250).milliseconds == 1.25)
    }

    // MARK: Stalls

    /// Whether a process that was to wake within a heartbeat, and did so after a while, did not run.
    private static func isStall(after span: Duration, asleep: Duration = .zero, wasAwaited: Bool = true) -> Bool {
        var stalls = StallDetector(Self.reading(after: .zero))
        return stalls.wake(Self.reading(after: span, asleep: asleep), wasAwaited: wasAwaited)
    }

    @Test func `a process that did not run for over a second is told, and for half a second is not`() {
        #expect(!Self.isStall(after: .milliseconds(500)))
        #expect(!Self.isStall(after: .seconds(1)))
        #expect(Self.isStall(after: .milliseconds(1_001)))
        #expect(StallDetector.heartbeat < StallDetector.longest)
    }

    @Test func `who waits for nothing may take his time`() {
        #expect(!Self.isStall(after: .seconds(3_600), wasAwaited: false))
    }

    @Test func `a machine that slept is told, whatever was waited for`() {
        #expect(Self.isStall(after: .milliseconds(1), asleep: .milliseconds(1_001), wasAwaited: false))
        #expect(Self.isStall(after: .milliseconds(1), asleep: .seconds(60)))
        #expect(!Self.isStall(after: .milliseconds(1), asleep: .milliseconds(999)))
    }

    @Test func `a stop is told once, and short ones do not add up`() {
        var stalls = StallDetector(Self.reading(after: .zero))
        for second in 1...10 {
            let reading = Self.reading(after: .milliseconds(900 * second), asleep: .milliseconds(900 * second))
            let isShort = !stalls.wake(reading, wasAwaited: true)
            #expect(isShort)
        }
        let isLong = stalls.wake(Self.reading(after: .seconds(20), asleep: .seconds(9)), wasAwaited: true)
        #expect(isLong)
        let isOver = !stalls.wake(Self.reading(after: .milliseconds(20_050), asleep: .seconds(9)), wasAwaited: true)
        #expect(isOver)
    }
}
