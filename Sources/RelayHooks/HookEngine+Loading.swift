// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore

extension HookEngine {
    /// How many handlers are registered.
    public var handlerCount: Int { self.registry.count }

    /// The files that were loaded or required, by path.
    var found: Set<String> { self.bindings.found }

    /// Opens a state and loads every file into it, and goes on after one that fails, so that all mistakes are told at once.
    func load() throws(ScriptError) {
        self.bindings.engine = self
        do {
            let state = try LuaState(limits: self.limits, host: self.bindings)
            self.state = state
            let types = try HookAPI.define(in: state, for: self.program, version: self.version)
            let shapes = AnswerShapes(limits: self.hub.limits, types: types)
            self.types = types
            self.shapes = shapes
            try self.loadFiles(into: state)
            guard self.program == .relay else { return }
            let message = MessageRun(
                self.hub,
                state,
                self.registry,
                types: types,
                shapes: shapes,
                console: self.console
            )
            message.hasOwnObjects = self.hasOwnMessages
            self.message = message
            self.bindings.message = message
        } catch {
            self.states.dropUnclaimed()
            switch error {
            case let error as ScriptError: throw error
            case let error as LuaError: throw ScriptError([ScriptProblem(error, in: "", self.limits)])
            default: throw ScriptError([ScriptProblem(file: "", line: nil, reason: "\(error)")])
            }
        }
    }

    private func loadFiles(into state: LuaState) throws(ScriptError) {
        var problems: [ScriptProblem] = []
        self.isLoading = true
        state.beginLoading()
        for source in self.scripts.toLoad(for: self.program) {
            self.bindings.nextSource = source
            do {
                try state.load(source.key)
            } catch let error as LuaError {
                let problem = ScriptProblem(error, in: source.name, self.limits)
                // Files that require the same broken module all fail with its error.
                if !problems.contains(problem) { problems.append(problem) }
                // What is used up stays used up: no later file had a chance.
                if error.kind != .error { break }
            } catch {
                problems.append(ScriptProblem(file: source.name, line: nil, reason: "\(error)"))
            }
        }
        self.isLoading = false
        problems += self.settings.unclaimed(by: self.program, areAllKnown: problems.isEmpty)
        guard problems.isEmpty else { throw ScriptError(problems) }
    }
}

/// Scripts that have been replaced: nothing calls them any more, and letting go of this closes their Lua state.
///
/// That takes a while where it is large, so it is better done on another thread.
public struct RetiredScripts: @unchecked Sendable {
    // Unchecked because a Lua state belongs to one thread at a time: whoever has this has the last reference to it.
    private let state: LuaState?
    private let bindings: HookBindings

    fileprivate init(_ loaded: HookEngine.Loaded) {
        self.state = loaded.state
        self.bindings = loaded.bindings
    }
}

extension HookEngine {
    /// What one load of the scripts made.
    fileprivate struct Loaded {
        let scripts: ScriptSet
        let bindings: HookBindings
        let state: LuaState?
        let types: HookAPI.Types?
        let shapes: AnswerShapes?
        let registry: HandlerRegistry
        let timers: TimerQueue
        let message: MessageRun?
        let settings: ScriptSettings
        let declaredStates: [DeclaredState]
        let declaredFiles: [DeclaredFile]
        let metrics: ScriptMetrics
    }

    private var loaded: Loaded {
        get {
            Loaded(
                scripts: self.scripts,
                bindings: self.bindings,
                state: self.state,
                types: self.types,
                shapes: self.shapes,
                registry: self.registry,
                timers: self.timers,
                message: self.message,
                settings: self.settings,
                declaredStates: self.declaredStates,
                declaredFiles: self.declaredFiles,
                metrics: self.metrics
            )
        }
        set {
            self.scripts = newValue.scripts
            self.bindings = newValue.bindings
            self.state = newValue.state
            self.types = newValue.types
            self.shapes = newValue.shapes
            self.registry = newValue.registry
            self.timers = newValue.timers
            self.message = newValue.message
            self.settings = newValue.settings
            self.declaredStates = newValue.declaredStates
            self.declaredFiles = newValue.declaredFiles
            self.metrics = newValue.metrics
        }
    }

    /// Puts other scripts in the place of those that run, between two events.
    ///
    /// What scripts keep in `client.data` and in states goes over; handlers, timers and metrics are those of the new scripts
    /// alone. Names, rooms, dialects and connections stay as they are, and `admit`, `name`, `connect`, `start` and `stop` do
    /// not run. If anything fails, the scripts that run go on as if nothing had been tried.
    ///
    /// - Parameters:
    ///   - scripts: The Lua files.
    ///   - values: What operators set for them.
    /// - Returns: The old scripts, to be let go of where that keeps nobody waiting.
    /// - Throws: ``ScriptError`` for scripts that do not load, and for what cannot go over.
    public func reload(_ scripts: ScriptSet, values: ScriptValues) throws(ScriptError) -> RetiredScripts {
        precondition(self.program == .relay && self.bindings.run == nil, "scripts are replaced between two events")
        let old = self.loaded
        // Before the new scripts run: what they do while they load is not to happen where the data cannot go over.
        let data = try self.packData(of: old)
        self.loaded = Loaded(
            scripts: scripts,
            bindings: HookBindings(),
            state: nil,
            types: nil,
            shapes: nil,
            registry: HandlerRegistry(),
            timers: TimerQueue(),
            message: nil,
            settings: ScriptSettings(values),
            declaredStates: [],
            declaredFiles: [],
            metrics: ScriptMetrics()
        )
        do throws(ScriptError) {
            try self.load()
            try self.unpack(data)
        } catch {
            self.states.dropUnclaimed()
            self.loaded = old
            throw error
        }
        self.takeOverStates()
        self.onTimers?()
        return RetiredScripts(old)
    }

    /// The clients' `data`, on its way to other scripts.
    private func packData(of old: Loaded) throws(ScriptError) -> LuaBaggage? {
        guard let state = old.state, let types = old.types else { return nil }
        do throws(LuaBaggage.Refusal) {
            return try state.pack(dataOf: types.client)
        } catch {
            throw Self.describe(error)
        }
    }

    private func unpack(_ data: LuaBaggage?) throws(ScriptError) {
        guard let data, let state = self.state, let types = self.types else { return }
        do throws(LuaError) {
            try state.unpack(data, as: types.client)
        } catch {
            throw Self.describe(error)
        }
    }

    private static func describe(_ error: any Error) -> ScriptError {
        let reasons =
            switch error {
            case LuaBaggage.Refusal.values(let reasons): reasons
            default: ["the clients' data does not fit into the new scripts' memory: \(error)"]
            }
        return ScriptError(reasons.map { ScriptProblem(file: "", line: nil, reason: $0) })
    }
}
