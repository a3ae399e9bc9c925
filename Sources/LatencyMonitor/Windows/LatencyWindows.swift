// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import DequeModule
internal import Scheduling

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

    private struct Ping {
        var span: Duration?
        var moment: Moment
        var time: Double
        /// Of a lost one, the time of a late reply.
        var late: Duration?
    }

    private var windows = Span.allCases.map { LatencyWindow($0.length) }
    /// Since a status is held, but for the newest pings: these may turn out to be the next status's.
    private var held = LatencyWindow(nil)
    private var newest: Deque<Ping> = []
    /// When the status that is held began; what is late from before says nothing about it.
    private var heldSince = -Double.infinity
    private let newestCount: Int
    private var allTime = LatencyWindow(nil)
    private var last: Moment?

    /// Makes empty windows.
    ///
    /// - Parameter pings: The most pings by which a status may turn out to have begun.
    init(decidedBy pings: Int) { self.newestCount = pings }

    /// What a window holds as of the last ping.
    public func summary(_ span: Span) -> WindowSummary {
        guard let last = self.last, let index = Span.allCases.firstIndex(of: span) else { return WindowSummary() }
        return self.windows[index].summary(at: last)
    }

    /// Everything since the start.
    public var total: WindowSummary { self.last.map { self.allTime.summary(at: $0) } ?? WindowSummary() }

    /// Ends the status that was held when another has begun at a time, and says what there was until then.
    func endHeld(at time: Double) -> WindowSummary {
        while let first = self.newest.first, first.time < time { self.countOldest() }
        defer {
            self.held = LatencyWindow(nil)
            self.heldSince = time
        }
        return self.last.map { self.held.summary(at: $0) } ?? WindowSummary()
    }

    /// Counts the oldest of the newest with what is held.
    private func countOldest() {
        guard let ping = self.newest.popFirst() else { return }
        self.held.add(ping.span, at: ping.moment)
        if let late = ping.late { self.held.addLate(late, at: ping.moment) }
    }

    /// Adds a decided ping: its round-trip time, or nil if it was lost; and when it was sent, in Unix seconds as well.
    func add(_ span: Duration?, at moment: Moment, time: Double) {
        self.last = max(self.last ?? moment, moment)
        for index in self.windows.indices { self.windows[index].add(span, at: moment) }
        self.allTime.add(span, at: moment)
        self.newest.append(Ping(span: span, moment: moment, time: time))
        if self.newest.count > self.newestCount { self.countOldest() }
    }

    /// Adds the reply of a ping that counts as lost: its round-trip time, and when the ping was sent.
    func addLate(_ span: Duration, at moment: Moment, time: Double) {
        for index in self.windows.indices { self.windows[index].addLate(span, at: moment) }
        self.allTime.addLate(span, at: moment)
        if let index = self.newest.lastIndex(where: { $0.moment == moment }) {
            self.newest[index].late = span
        } else if time >= self.heldSince {
            self.held.addLate(span, at: moment)
        }
    }
}
