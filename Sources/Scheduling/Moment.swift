// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CSockets

/// A moment of the system's monotonic clock (clock_gettime(2), CLOCK_MONOTONIC): it never jumps, and stands still while the
/// machine sleeps.
public struct Moment: Sendable, Hashable, Comparable {
    /// Nanoseconds since some moment before the first one.
    public var nanoseconds: Int64

    /// Makes a moment.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// What the clock shows now.
    public static var now: Moment { Moment(nanoseconds: csockets_clock(CInt(CSOCKETS_MONOTONIC))) }

    /// Which of two comes first.
    public static func < (left: Moment, right: Moment) -> Bool { left.nanoseconds < right.nanoseconds }
    /// A later moment.
    public static func + (moment: Moment, span: Duration) -> Moment {
        let (sum, isTooLate) = moment.nanoseconds.addingReportingOverflow(span.nanoseconds)
        return Moment(nanoseconds: isTooLate ? .max : sum)
    }
    /// The time between two.
    public static func - (later: Moment, earlier: Moment) -> Duration {
        .nanoseconds(later.nanoseconds - earlier.nanoseconds)
    }
}

extension Moment {
    /// An earlier moment.
    public static func - (moment: Moment, span: Duration) -> Moment {
        Moment(nanoseconds: moment.nanoseconds - span.nanoseconds)
    }

    /// Before every moment that ``now`` gives: what is due then is due at once.
    public static var past: Moment { Moment(nanoseconds: 0) }

    /// The moment as seconds, as clocks for scripts count them.
    public var seconds: Double { Double(self.nanoseconds) / 1e9 }
}

extension Duration {
    /// The duration in whole nanoseconds; what is longer than 146 years is as long.
    public var nanoseconds: Int64 {
        let (seconds, attoseconds) = self.components
        let most = Int64.max / 2
        guard abs(seconds) < most / 1_000_000_000 else { return seconds < 0 ? -most : most }
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    /// The duration in milliseconds, with fractions.
    public var milliseconds: Double { Double(self.nanoseconds) / 1e6 }
}
