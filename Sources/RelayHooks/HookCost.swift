// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Histogram
internal import LuaScripting
internal import RelayCore

/// What the calls of a hook cost, as far as they were measured.
///
/// Reading the clock of a thread costs as much as a short hook, so after the ``firstRuns`` only one run in ``measuredRuns``
/// is measured.
struct HookCost {
    /// How many runs there are for each one that is measured.
    static let measuredRuns = 64
    /// How many runs are all measured.
    static let firstRuns = 1_000

    /// Calls that were measured.
    private(set) var measured = 0
    /// CPU time, in nanoseconds; made with the first measured call.
    private var times: Histogram<UInt32>?
    /// The most memory that a call left behind, in bytes.
    private(set) var mostMemory = 0

    /// Longer calls count as this long, in nanoseconds: a second.
    private static let longest: UInt64 = 1_000_000_000

    /// Notes a call.
    ///
    /// - Parameters:
    ///   - nanoseconds: Its CPU time.
    ///   - memory: By how many bytes the state grew meanwhile.
    mutating func note(nanoseconds: Int64, memory: Int) {
        self.measured += 1
        self.mostMemory = max(self.mostMemory, memory)
        var times =
            self.times
            ?? Histogram<UInt32>(
                lowestDiscernibleValue: 1,
                highestTrackableValue: Self.longest,
                numberOfSignificantValueDigits: .one
            )
        self.times = nil
        _ = times.record(UInt64(max(1, min(nanoseconds, Int64(Self.longest)))))
        self.times = times
    }

    /// The CPU time that so many of a hundred calls do not pass, in microseconds; nil before the first.
    func microseconds(percentile: Double) -> Double? {
        guard let times = self.times, self.measured > 0 else { return nil }
        return Double(times.valueAtPercentile(percentile)) / 1_000
    }
}

/// What a hook has done so far, for people who run the relay.
public struct HookStatus: Sendable, Codable, Equatable {
    /// The event it handles; `timer` for a timer.
    public var event: String
    /// The script and line that registered it.
    public var place: String
    /// Calls so far.
    public var calls: Int
    /// Calls that failed.
    public var failures: Int
    /// For a repeating timer: calls that were left out, because the time for them had passed or because of a pause.
    public var missed: Int
    /// How often it was left out for a while because it wasted time.
    public var pauses: Int
    /// Whether it is left out now.
    public var isPaused: Bool
    /// CPU time in microseconds that half of the calls do not pass; nil before one was measured.
    public var p50: Double?
    /// CPU time in microseconds that 99 of a hundred calls do not pass.
    public var p99: Double?
    /// CPU time in microseconds that no measured call passed.
    public var max: Double?
    /// The most memory that a measured call left behind, in bytes.
    public var memory: Int
}

extension HookEngine {
    /// What each hook has done, in the order in which they run, and the timers of each place in the scripts.
    public var hookStatus: [HookStatus] {
        let time = self.environment.uptime()
        let events = HookEvent.allCases
        let hooks = self.loaded.registry.all.enumerated()
            .sorted { left, right in
                let leftEvent = events.firstIndex(of: left.element.event) ?? 0
                let rightEvent = events.firstIndex(of: right.element.event) ?? 0
                return (leftEvent, left.offset) < (rightEvent, right.offset)
            }
            .map(\.element)
        return (hooks + self.loaded.timers.places.all)
            .map { hook in
                HookStatus(
                    event: hook.event.rawValue,
                    place: hook.place,
                    calls: hook.calls,
                    failures: hook.failures,
                    missed: hook.missed,
                    pauses: hook.pause.count,
                    isPaused: hook.pause.isPaused(at: time),
                    p50: hook.cost.microseconds(percentile: 50),
                    p99: hook.cost.microseconds(percentile: 99),
                    max: hook.cost.microseconds(percentile: 100),
                    memory: hook.cost.mostMemory
                )
            }
    }

    /// Bytes that the Lua state holds.
    public var memory: Int { self.loaded.state.memory }
    /// How many timers there are.
    public var timerCount: Int { self.loaded.timers.count }
}
