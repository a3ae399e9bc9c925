// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation

/// When a timer's function is called.
enum TimerSchedule: Equatable {
    /// Once, and never again.
    case once
    /// Again and again, so many seconds apart.
    case every(Double)
    /// Every day at this time of this machine's time zone.
    case daily(hour: Int, minute: Int)
}

/// A function that is called when its time has come.
final class ScriptTimer {
    let number: Int64
    let schedule: TimerSchedule
    let handler: Handler
    /// When to look at it, as uptime.
    fileprivate(set) var due: Double
    /// For a daily one: when it runs, in Unix seconds.
    fileprivate(set) var target: Double

    init(number: Int64, schedule: TimerSchedule, handler: Handler, due: Double, target: Double) {
        self.number = number
        self.schedule = schedule
        self.handler = handler
        self.due = due
        self.target = target
    }
}

/// The timers of scripts: which one is due, and when it is due again.
///
/// Two clocks: uptime for spans, which setting the machine's clock must not stretch, and Unix seconds for times of day.
struct TimerQueue {
    private var timers: [Int64: ScriptTimer] = [:]
    private var lastNumber: Int64 = 0

    /// How long a change of the machine's clock may go unnoticed by daily timers, in seconds.
    private static let clockPause = 60.0

    /// How many there are.
    var count: Int { self.timers.count }

    /// What they call, in the order in which they were made.
    var handlers: [Handler] { self.timers.values.sorted { $0.number < $1.number }.map(\.handler) }

    /// When the next one is to be looked at, as uptime.
    var next: Double? { self.timers.values.lazy.map(\.due).min() }

    /// Adds a timer.
    ///
    /// - Parameters:
    ///   - schedule: When it is called.
    ///   - delay: For ``TimerSchedule/once``: in how many seconds.
    ///   - handler: What is called.
    ///   - uptime: Seconds that only ever grow.
    ///   - time: Unix seconds.
    /// - Returns: The timer's number.
    mutating func add(
        _ schedule: TimerSchedule,
        after delay: Double = 0,
        _ handler: Handler,
        uptime: Double,
        time: Double
    ) -> Int64 {
        self.lastNumber += 1
        var (due, target) = (uptime + delay, 0.0)
        switch schedule {
        case .once: break
        case .every(let period): due = uptime + period
        case .daily(let hour, let minute):
            target = Self.next(hour, minute, after: time)
            due = uptime + min(target - time, Self.clockPause)
        }
        let timer = ScriptTimer(
            number: self.lastNumber,
            schedule: schedule,
            handler: handler,
            due: due,
            target: target
        )
        self.timers[timer.number] = timer
        return timer.number
    }

    /// Takes a timer out.
    ///
    /// - Returns: The timer, if it was still there.
    mutating func remove(_ number: Int64) -> ScriptTimer? { self.timers.removeValue(forKey: number) }

    /// What a timer calls; nil once it is cancelled.
    func handler(of number: Int64) -> Handler? { self.timers[number]?.handler }

    /// The numbers of those that are due, the longest due first.
    func due(at uptime: Double) -> [Int64] {
        self.timers.values.filter { $0.due <= uptime }
            .sorted { ($0.due, $0.number) < ($1.due, $1.number) }
            .map(\.number)
    }

    /// Takes up a timer that is due, and says when it is due again.
    ///
    /// - Parameters:
    ///   - number: The timer.
    ///   - uptime: Seconds that only ever grow.
    ///   - time: Unix seconds.
    /// - Returns: The timer if it is to be called now, and whether that was the last time.
    mutating func take(_ number: Int64, uptime: Double, time: Double) -> (timer: ScriptTimer, isLast: Bool)? {
        guard let timer = self.timers[number] else { return nil }
        switch timer.schedule {
        case .once:
            self.timers[number] = nil
            return (timer, true)
        case .every(let period):
            timer.due += period
            // What was missed is not made up for, and the beat stays.
            if timer.due <= uptime {
                timer.due += ((uptime - timer.due) / period).rounded(.down) * period + period
            }
            return (timer, false)
        case .daily(let hour, let minute):
            let isDue = time >= timer.target
            // Whoever sets the clock back gets the same time of day once.
            if isDue { timer.target = Self.next(hour, minute, after: max(time, timer.target)) }
            timer.due = uptime + min(max(timer.target - time, 0.001), Self.clockPause)
            return isDue ? (timer, false) : nil
        }
    }

    /// The next time it is that late, in Unix seconds; where a day lacks that time, as when summer begins, the next there is.
    private static func next(_ hour: Int, _ minute: Int, after time: Double) -> Double {
        let components = DateComponents(hour: hour, minute: minute, second: 0)
        let date = Calendar.current.nextDate(
            after: Date(timeIntervalSince1970: time),
            matching: components,
            matchingPolicy: .nextTime
        )
        return date?.timeIntervalSince1970 ?? time + 24 * 60 * 60
    }
}
