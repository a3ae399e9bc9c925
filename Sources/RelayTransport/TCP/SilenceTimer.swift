// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Scheduling

/// When nothing has come for so long that a text without its end is one.
///
/// A value without I/O: one timer serves a connection, however often more bytes come.
struct SilenceTimer {
    /// What a timer that has fired means.
    enum Verdict: Equatable {
        /// Nothing waits.
        case idle
        /// More has come meanwhile: set the timer for this moment.
        case early(next: Moment)
        /// Nothing has come for the time.
        case silent
    }

    private let time: Duration
    private var since = Moment.past
    private var isSet = false

    /// Makes a timer for silences of this length.
    init(_ time: Duration) { self.time = time }

    /// Notes that everything that has come was used up, and that a text waits for its end.
    ///
    /// - Returns: When the timer is to fire; nil if it is set already.
    mutating func start(at now: Moment) -> Moment? {
        self.since = now
        guard !self.isSet else { return nil }
        self.isSet = true
        return now + self.time
    }

    /// Notes that the timer that was set for a moment has fired.
    ///
    /// - Parameters:
    ///   - moment: The moment it was set for.
    ///   - isAwaited: Whether a text still waits for its end.
    /// - Returns: What that means.
    mutating func fired(at moment: Moment, isAwaited: Bool) -> Verdict {
        self.isSet = false
        guard isAwaited else { return .idle }
        let end = self.since + self.time
        guard end > moment else { return .silent }
        self.isSet = true
        return .early(next: end)
    }
}
