// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CSockets
internal import Scheduling

/// What the system's clocks show at one moment, and how they stand to each other.
struct ClockReading {
    let now: Moment
    /// The wall clock minus the monotonic one, in nanoseconds: changes when somebody sets the wall clock.
    let offset: Int64
    /// Time that this machine has slept since it was started.
    let asleep: Duration

    /// Reads all three clocks, again where something came between the readings.
    static func take() -> ClockReading {
        var best: (span: Int64, offset: Int64, asleep: Duration) = (.max, 0, .zero)
        var now = Moment(nanoseconds: 0)
        for _ in 0..<4 {
            let before = csockets_clock(CInt(CSOCKETS_MONOTONIC))
            let wall = csockets_clock(CInt(CSOCKETS_REALTIME))
            let boot = csockets_clock(CInt(CSOCKETS_BOOTTIME))
            let after = csockets_clock(CInt(CSOCKETS_MONOTONIC))
            let span = after - before
            if span < best.span {
                let middle = before + span / 2
                best = (span, wall - middle, .nanoseconds(boot - middle))
            }
            // Of the offsets the best one counts, of the moments the last one: the others have passed.
            now = Moment(nanoseconds: after)
            if span < 5_000 { break }
        }
        return ClockReading(now: now, offset: best.offset, asleep: best.asleep)
    }

    /// The wall clock's time, in Unix seconds.
    var time: Double { Double(self.now.nanoseconds + self.offset) / 1e9 }

    /// What two readings of an offset may differ by: the clocks are read one after the other, and the wall clock may be
    /// slewed by 500 parts in a million (adjtimex(2)).
    private static func tolerance(over span: Duration) -> Int64 { 200_000 + span.nanoseconds / 1_000 }

    /// When the kernel received a datagram, by the monotonic clock: what it says itself where that can be, else now.
    ///
    /// - Parameters:
    ///   - stamp: The kernel's receive time by the wall clock, in nanoseconds; 0 if there is none.
    ///   - sent: When the ping was sent.
    ///   - sentOffset: ``offset`` then.
    /// - Returns: A moment between sending and now.
    func arrival(stamp: Int64, sent: Moment, sentOffset: Int64) -> Moment {
        guard stamp != 0, abs(self.offset - sentOffset) <= Self.tolerance(over: self.now - sent) else {
            return self.now
        }
        return min(max(Moment(nanoseconds: stamp - self.offset), sent), self.now)
    }
}

/// Notices that this process did not run for a while, though it had something to wait for.
struct StallDetector {
    /// Stops over this are told; nearly as long ones may be.
    static let longest = Duration.seconds(1)
    /// How often to look while pings are under way.
    static let heartbeat = Duration.milliseconds(50)

    private var last: Moment
    private var asleep: Duration

    init(_ reading: ClockReading) {
        self.last = reading.now
        self.asleep = reading.asleep
    }

    /// Notes that the process runs; true if it did not since the last note, or the machine slept.
    ///
    /// - Parameters:
    ///   - reading: The clocks now.
    ///   - wasAwaited: Whether it was to wake within a heartbeat.
    /// - Returns: Whether what waited meanwhile cannot be judged.
    mutating func wake(_ reading: ClockReading, wasAwaited: Bool) -> Bool {
        defer {
            self.last = reading.now
            self.asleep = reading.asleep
        }
        return (wasAwaited && reading.now - self.last > Self.longest) || reading.asleep - self.asleep > Self.longest
    }
}
