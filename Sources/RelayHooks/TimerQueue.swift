// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
internal import HeapModule
internal import LuaScripting

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
    let function: LuaFunction
    /// What the function is called with; nil for nothing.
    let argument: Bool?
    /// What its calls have done, together with those of the other timers of its place.
    let record: CallRecord
    /// When to look at it, as uptime.
    fileprivate(set) var due = 0.0
    /// For a daily one: when it runs, in Unix seconds.
    fileprivate(set) var target = 0.0
    /// Which entry of the queue is its own; 0 while it has none.
    fileprivate var sequence: Int64 = 0

    init(number: Int64, schedule: TimerSchedule, function: LuaFunction, argument: Bool?, record: CallRecord) {
        self.number = number
        self.schedule = schedule
        self.function = function
        self.argument = argument
        self.record = record
    }
}

/// The timers of scripts, ordered by when they are due.
///
/// Two clocks: uptime for spans, which setting the machine's clock must not stretch, and Unix seconds for times of day.
struct TimerQueue {
    /// A timer's place in the order; that of a cancelled timer stays until it comes to the top.
    private struct Entry: Comparable {
        let due: Double
        let sequence: Int64
        let number: Int64

        static func < (left: Entry, right: Entry) -> Bool { (left.due, left.sequence) < (right.due, right.sequence) }
    }

    /// How long a change of the machine's clock may go unnoticed by daily timers, in seconds.
    private static let clockPause = 60.0
    /// How many entries of cancelled timers are kept in any case.
    private static let spareEntries = 64

    private var timers: [Int64: ScriptTimer] = [:]
    /// The one at the top always belongs to a timer.
    private var entries = Heap<Entry>()
    private var lastNumber: Int64 = 0
    /// Counts how often a timer was given a time.
    private(set) var lastSequence: Int64 = 0
    /// The records of calls, by the place where their timers are made.
    var places = CallPlaces()

    /// How many timers scripts have made.
    var count: Int { self.timers.count - self.resultCount }
    /// How many functions wait to be called with a result: they are timers that no script has made.
    private(set) var resultCount = 0

    /// How many entries the order has, also those of cancelled timers.
    var entryCount: Int { self.entries.count }

    /// All timers, the next one first.
    var all: [ScriptTimer] { self.timers.values.sorted { ($0.due, $0.number) < ($1.due, $1.number) } }

    /// When the next one is to be looked at, as uptime.
    var next: Double? { self.entries.min?.due }

    /// Adds a timer.
    ///
    /// - Parameters:
    ///   - schedule: When it is called.
    ///   - delay: For ``TimerSchedule/once``: in how many seconds.
    ///   - function: What is called.
    ///   - argument: What it is called with: the result of storing something.
    ///   - record: Where its calls are counted.
    ///   - uptime: Seconds that only ever grow.
    ///   - time: Unix seconds.
    /// - Returns: The timer's number.
    mutating func add(
        _ schedule: TimerSchedule,
        after delay: Double = 0,
        _ function: LuaFunction,
        argument: Bool? = nil,
        record: CallRecord,
        uptime: Double,
        time: Double
    ) -> Int64 {
        self.lastNumber += 1
        if argument != nil { self.resultCount += 1 }
        let timer = ScriptTimer(
            number: self.lastNumber,
            schedule: schedule,
            function: function,
            argument: argument,
            record: record
        )
        self.timers[timer.number] = timer
        switch schedule {
        case .once: self.arm(timer, due: uptime + delay)
        case .every(let period): self.arm(timer, due: uptime + period)
        case .daily(let hour, let minute):
            timer.target = Self.next(hour, minute, after: time)
            self.arm(timer, due: uptime + min(timer.target - time, Self.clockPause))
        }
        return timer.number
    }

    /// Takes a timer out.
    ///
    /// - Returns: The timer, if it was still there.
    mutating func remove(_ number: Int64) -> ScriptTimer? {
        guard let timer = self.timers.removeValue(forKey: number) else { return nil }
        if timer.argument != nil { self.resultCount -= 1 }
        timer.sequence = 0
        self.prune()
        return timer
    }

    /// The timer that has been due longest, which has no time of its own until it is given one.
    ///
    /// - Parameters:
    ///   - uptime: Now.
    ///   - sequence: Timers that were given their time later are left alone.
    /// - Returns: The timer; nil if none is due.
    mutating func popDue(at uptime: Double, upTo sequence: Int64) -> ScriptTimer? {
        guard let entry = self.entries.min, entry.due <= uptime, entry.sequence <= sequence else { return nil }
        self.entries.removeMin()
        let timer = self.timers[entry.number]
        timer?.sequence = 0
        self.prune()
        return timer
    }

    /// Gives a timer its next time, unless it was cancelled.
    mutating func postpone(_ timer: ScriptTimer, until due: Double) {
        guard self.timers[timer.number] === timer else { return }
        self.arm(timer, due: due)
    }

    /// Gives a repeating timer its next time after a call; the beat stays.
    ///
    /// - Parameters:
    ///   - timer: The timer, which may have been cancelled meanwhile.
    ///   - uptime: Now.
    ///   - time: Unix seconds.
    /// - Returns: How many calls were left out because the time for them has passed.
    mutating func repeatTimer(_ timer: ScriptTimer, uptime: Double, time: Double) -> Int {
        guard self.timers[timer.number] === timer else { return 0 }
        switch timer.schedule {
        case .once: return 0
        case .every(let period):
            let passed = max(0, ((uptime - timer.due) / period).rounded(.down))
            self.arm(timer, due: timer.due + (passed + 1) * period)
            return Int(exactly: passed) ?? 0
        case .daily(let hour, let minute):
            // A clock that is set back brings the same time of day once.
            timer.target = Self.next(hour, minute, after: max(time, timer.target))
            self.watchClock(for: timer, uptime: uptime, time: time)
            return 0
        }
    }

    /// Looks at a daily timer again when its time has come, or after a while, as the machine's clock may be set.
    mutating func watchClock(for timer: ScriptTimer, uptime: Double, time: Double) {
        self.postpone(timer, until: uptime + min(max(timer.target - time, 0.001), Self.clockPause))
    }

    private mutating func arm(_ timer: ScriptTimer, due: Double) {
        self.lastSequence += 1
        timer.due = due
        timer.sequence = self.lastSequence
        self.entries.insert(Entry(due: due, sequence: timer.sequence, number: timer.number))
    }

    /// Removes entries without a timer from the top, and all of them where there are many.
    private mutating func prune() {
        while let entry = self.entries.min, self.timers[entry.number]?.sequence != entry.sequence {
            self.entries.removeMin()
        }
        guard self.entries.count > 2 * self.timers.count + Self.spareEntries else { return }
        self.entries = Heap(
            self.timers.values.lazy.filter { $0.sequence != 0 }
                .map { Entry(due: $0.due, sequence: $0.sequence, number: $0.number) }
        )
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
