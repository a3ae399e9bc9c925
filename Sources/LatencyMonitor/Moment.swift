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
        Moment(nanoseconds: moment.nanoseconds + span.nanoseconds)
    }
    /// The time between two.
    public static func - (later: Moment, earlier: Moment) -> Duration {
        .nanoseconds(later.nanoseconds - earlier.nanoseconds)
    }
}

extension Duration {
    /// The duration in whole nanoseconds.
    var nanoseconds: Int64 { self.components.seconds * 1_000_000_000 + self.components.attoseconds / 1_000_000_000 }

    /// The duration in milliseconds, with fractions.
    public var milliseconds: Double { Double(self.nanoseconds) / 1e6 }
}
