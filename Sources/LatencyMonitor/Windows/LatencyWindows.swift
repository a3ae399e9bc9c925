// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// The windows of a target.
///
/// Confined to whoever takes the prober's events.
public final class LatencyWindows {
    /// A window, by the name that scripts and JSON have for it.
    public enum Span: String, CaseIterable, Sendable {
        /// The last minute.
        case m1
        /// The last five minutes.
        case m5
        /// The last hour.
        case h1
        /// The last 24 hours.
        case h24

        var length: Duration {
            switch self {
            case .m1: .seconds(60)
            case .m5: .seconds(300)
            case .h1: .seconds(3_600)
            case .h24: .seconds(86_400)
            }
        }
    }

    private var windows = Span.allCases.map { LatencyWindow($0.length) }
    /// Since a status is held, and of the one before.
    private var held = LatencyWindow(nil)
    private var whole = LatencyWindow(nil)
    private var last: Moment?

    /// Makes empty windows.
    public init() {}

    /// What a window holds as of the last ping.
    public func summary(_ span: Span) -> WindowSummary {
        guard let last = self.last, let index = Span.allCases.firstIndex(of: span) else { return WindowSummary() }
        return self.windows[index].summary(at: last)
    }

    /// Everything since the start.
    public var total: WindowSummary { self.last.map { self.whole.summary(at: $0) } ?? WindowSummary() }

    /// Everything since ``startHeld()``.
    var sinceHeld: WindowSummary { self.last.map { self.held.summary(at: $0) } ?? WindowSummary() }

    /// Begins a status.
    func startHeld() { self.held = LatencyWindow(nil) }

    func add(_ time: Duration?, at moment: Moment) {
        self.last = max(self.last ?? moment, moment)
        for index in self.windows.indices { self.windows[index].add(time, at: moment) }
        self.held.add(time, at: moment)
        self.whole.add(time, at: moment)
    }

    func addLate(_ time: Duration, at moment: Moment) {
        for index in self.windows.indices { self.windows[index].addLate(time, at: moment) }
        self.held.addLate(time, at: moment)
        self.whole.addLate(time, at: moment)
    }
}
