// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore

/// A function that waits for the result of storing something.
struct StorageWaiter {
    /// The most functions that wait at a time.
    static let most = 1_000

    var function: LuaFunction
    var record: CallRecord
}

/// Leads from other threads back to an engine, which they must not touch themselves.
private final class EngineReference: @unchecked Sendable {
    // Unchecked because the engine belongs to the script loop: it is read there only.
    weak var engine: HookEngine?

    init(_ engine: HookEngine) { self.engine = engine }
}

/// What an engine counts for itself.
struct HookCounts {
    /// Numbers the functions that wait for the result of storing something, of all loads.
    var lastWaiter: Int64 = 0
    /// Numbers what was asked about measurements, so that objects of an earlier one are told from those of the last.
    var lastMeasurement: Int64 = 0
    /// How many targets are measured.
    var targets = 0
    /// What became of the lines that scripts wrote to files.
    var fileLines = FileLineCounts()
}

extension HookEngine {
    /// Remembers a function until the result of storing something is known.
    ///
    /// The function is called as a timer is, in the next ``runTimers(until:)`` after the result. Functions of scripts that
    /// were replaced meanwhile are not called.
    ///
    /// - Parameters:
    ///   - function: What is called with the result.
    ///   - loaded: The scripts that it belongs to.
    /// - Returns: The number of the waiter, and what takes the result, on any thread; nil if too many wait.
    func wait(
        with function: LuaFunction,
        in loaded: LoadedScripts
    ) -> (number: Int64, done: @Sendable (Bool) -> Void)? {
        guard loaded.waiters.count + loaded.timers.resultCount < StorageWaiter.most else { return nil }
        let (script, line) = loaded.state.caller
        let record = loaded.timers.places.record(of: .stored, script: script, line: line)
        self.counts.lastWaiter += 1
        let number = self.counts.lastWaiter
        loaded.waiters[number] = StorageWaiter(function: function, record: record)
        let reference = EngineReference(self)
        let onLoop = self.observers.onLoop
        return (number, { isStored in onLoop { reference.engine?.finish(number, isStored) } })
    }

    private func finish(_ number: Int64, _ isStored: Bool) {
        let loaded = self.loaded
        guard let waiter = loaded.waiters.removeValue(forKey: number) else { return }
        _ = loaded.timers.add(
            .once,
            waiter.function,
            argument: isStored,
            record: waiter.record,
            uptime: self.environment.uptime(),
            time: self.hub.clock()
        )
        self.observers.onTimers?()
    }
}

extension HookBindings {
    /// What a function with a result to wait for says where too many wait.
    private static func tooMany(_ caller: String) -> LuaResult {
        .failure("\(caller): \(StorageWaiter.most) functions wait to learn what was stored, which is the limit")
    }

    /// `relay.mail(mail, fn)`: true if the mail was accepted, false where no mail is set up.
    func sendMail(_ arguments: LuaArguments, _ engine: HookEngine, _ loaded: LoadedScripts) -> LuaResult {
        // What is said while scripts are loaded is said again at each reload.
        guard !loaded.isLoading else {
            return .failure("relay.mail works once the relay has started, not while scripts are loaded")
        }
        guard case .table = arguments[0] else {
            return .failure("relay.mail takes a table with subject and text, not \(arguments[0].described)")
        }
        var function: LuaFunction?
        switch arguments[1] {
        case .nil: break
        case .function(let given): function = given
        default: return .failure("relay.mail takes a function second, not \(arguments[1].described)")
        }
        let mail: AlertMail
        switch AlertMail.read(arguments[0], limits: engine.hub.limits) {
        case .failure(let refusal): return .failure("relay.mail was given \(refusal.reason)")
        case .success(let read): mail = read
        }
        if let problem = engine.environment.alerts?.problem(with: mail) {
            return .failure("relay.mail was given \(problem)")
        }
        var waiter: (number: Int64, done: @Sendable (Bool) -> Void)?
        if let function, engine.environment.alerts != nil {
            waiter = engine.wait(with: function, in: loaded)
            if waiter == nil { return Self.tooMany("relay.mail") }
        }
        let isAccepted = engine.environment.alerts?.send(mail, about: nil, stored: waiter?.done) ?? false
        if !isAccepted, let function {
            if let waiter { loaded.waiters[waiter.number] = nil }
            loaded.state.release(function)
        }
        return .value(.boolean(isAccepted))
    }

    /// `relay.sync(state, fn)`.
    func syncState(_ arguments: LuaArguments, _ engine: HookEngine, _ loaded: LoadedScripts) -> LuaResult {
        if let refusal = self.refusal(ofEffect: "relay.sync") { return .failure(refusal) }
        guard case .object(let object) = arguments[0], object.type == loaded.types.state,
            let state = loaded.declaredState(object)
        else { return .failure("relay.sync takes a state first, not \(arguments[0].described)") }
        guard case .function(let function) = arguments[1] else {
            return .failure("relay.sync takes a function second, not \(arguments[1].described)")
        }
        guard let waiter = engine.wait(with: function, in: loaded) else { return Self.tooMany("relay.sync") }
        if state.table.isKept, let storage = engine.environment.states.storage {
            storage.sync(state.name, done: waiter.done)
        } else {
            waiter.done(false)
        }
        return .value(.nil)
    }
}
