// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore

extension HookBindings {
    /// The shortest time between two calls of a repeating timer, in seconds.
    private static let shortestPeriod = 0.01
    /// The longest time of a timer, in seconds: a year and a day.
    private static let longestPeriod = 366.0 * 24 * 60 * 60

    /// `relay.every(seconds, fn)`, `relay.after(seconds, fn)`, `relay.daily("HH:MM", fn)`.
    func addTimer(
        _ function: HookAPI.Function,
        _ arguments: LuaArguments,
        _ engine: HookEngine,
        _ loaded: LoadedScripts
    ) -> LuaResult {
        let caller = function.path
        guard case .function(let reference) = arguments[1] else {
            return .failure("\(caller) takes a function second, not \(arguments[1].described)")
        }
        let schedule: TimerSchedule
        var delay = 0.0
        if function == .daily {
            guard let text = arguments[0].text(upTo: 5), let time = text.wholeMatch(of: #/([01]?\d|2[0-3]):([0-5]\d)/#),
                let hour = Int(time.1), let minute = Int(time.2)
            else {
                let given = arguments[0].text.map { "'\($0)'" } ?? arguments[0].described
                return .failure("relay.daily takes a time of day like \"09:00\" first, not \(given)")
            }
            schedule = .daily(hour: hour, minute: minute)
        } else {
            guard let seconds = arguments[0].seconds else {
                return .failure("\(caller) takes a number of seconds first, not \(Self.shown(arguments[0]))")
            }
            let (least, shown) = function == .every ? (Self.shortestPeriod, "\(Self.shortestPeriod)") : (0, "0")
            guard seconds >= least, seconds <= Self.longestPeriod else {
                return .failure(
                    "\(caller) takes \(shown) to \(Int(Self.longestPeriod)) seconds, not \(Self.shown(arguments[0]))"
                )
            }
            schedule = function == .every ? .every(seconds) : .once
            delay = seconds
        }
        guard loaded.timers.count < engine.hub.limits.timers else {
            return .failure("\(caller): too many timers: the limit is \(engine.hub.limits.timers); cancel some")
        }
        let (script, line) = loaded.state.caller
        let number = loaded.timers.add(
            schedule,
            after: delay,
            reference,
            record: loaded.timers.places.record(of: .timer, script: script, line: line),
            uptime: engine.environment.uptime(),
            time: engine.hub.clock()
        )
        if !loaded.isLoading { engine.observers.onTimers?() }
        return .value(.object(LuaObject(type: loaded.types.timer, id: number)))
    }

    /// `timer:cancel()`: true if it would still have been called.
    func cancelTimer(_ arguments: LuaArguments, _ engine: HookEngine, _ loaded: LoadedScripts) -> LuaResult {
        guard case .object(let object) = arguments[0], object.type == loaded.types.timer else {
            return .failure("timer:cancel is called with a colon")
        }
        guard let timer = loaded.timers.remove(object.id) else { return .value(.boolean(false)) }
        loaded.state.release(timer.function)
        if !loaded.isLoading { engine.observers.onTimers?() }
        return .value(.boolean(true))
    }
}

extension LuaValue {
    /// A finite number.
    fileprivate var seconds: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .number(let number) where number.isFinite: number
        default: nil
        }
    }
}
