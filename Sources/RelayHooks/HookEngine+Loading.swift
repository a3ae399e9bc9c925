// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore

extension HookEngine {
    /// How many hooks are registered.
    public var hookCount: Int { self.loaded.registry.count }

    /// The files that were loaded or required, by path.
    var found: Set<String> { self.loaded.bindings.found }

    /// The names of the persistent states that the scripts declared, sorted.
    public var persistentStates: [String] {
        self.loaded.declaredStates.filter { $0.options.isPersistent }.map(\.name).sorted()
    }

    /// Of some persistent states those whose records have to be fetched before scripts that declare them are loaded.
    public func missingStates(of names: some Sequence<String>) -> [String] {
        self.environment.states.missing(of: names)
    }

    /// Puts other scripts in the place of those that run, between two events.
    ///
    /// What scripts keep in `client.data` and in states goes over; hooks, timers and metrics are those of the new scripts
    /// alone. Names, rooms, dialects and connections stay as they are, and `admit`, `name`, `connect`, `start` and `stop` do
    /// not run. If anything fails, the scripts that run go on as if nothing had been tried. ``onTimers`` is called once, also
    /// after a failure.
    ///
    /// - Parameters:
    ///   - scripts: The Lua files.
    ///   - values: What operators set for them.
    ///   - fetched: The records of persistent states, as ``StateStorage/fetch(_:)`` returned them.
    /// - Returns: The old scripts, to be released where closing them delays nothing.
    /// - Throws: ``ScriptError`` for scripts that do not load, and for data that cannot go over; ``MissingStates`` if records
    ///   have to be fetched first.
    public func reload(
        _ scripts: ScriptSet,
        values: ScriptValues,
        fetched: [String: [StateRecord]] = [:]
    ) throws -> RetiredScripts {
        precondition(
            self.environment.program == .relay && !self.loaded.isRunning,
            "scripts are replaced between two events"
        )
        defer { self.observers.onTimers?() }
        let old = self.loaded
        // Before the new scripts run: they are not loaded at all where the data cannot go over.
        let data = try self.packData(of: old)
        let new = try Self.opening(self.environment.limits) {
            try LoadedScripts(
                scripts,
                values: values,
                states: self.environment.states.beginLoad(fetched: fetched),
                program: self.environment.program,
                limits: self.environment.limits,
                relayLimits: self.hub.limits,
                version: self.environment.version
            )
        }
        do {
            try self.load(new, data: data)
        } catch {
            self.observers.onDiscard?(RetiredScripts(new))
            throw error
        }
        self.accept(new)
        self.askPendingAgain()
        return RetiredScripts(old)
    }

    /// Opens a state; explains why it cannot be opened.
    static func opening(_ limits: LuaLimits, _ body: () throws -> LoadedScripts) throws(ScriptError) -> LoadedScripts {
        do {
            return try body()
        } catch let error as LuaError {
            throw ScriptError([ScriptProblem(error, in: "", limits)])
        } catch {
            throw ScriptError([ScriptProblem(file: "", line: nil, reason: "\(error)")])
        }
    }

    /// Loads every file, and goes on after one that fails, so that all mistakes are reported at once.
    ///
    /// A load that fails leaves nothing behind but its log lines.
    ///
    /// - Parameters:
    ///   - loaded: What the files are loaded into.
    ///   - data: The clients' data of the scripts that run.
    /// - Throws: ``ScriptError``; ``MissingStates``, whatever else may be wrong: a script may fail only because its state is
    ///   empty.
    func load(_ loaded: LoadedScripts, data: LuaDataSnapshot? = nil) throws {
        loaded.bindings.engine = self
        let dialects = self.hub.dialectCount
        do {
            let problems = self.loadFiles(into: loaded)
            if let missing = loaded.states?.missing, !missing.isEmpty { throw MissingStates(names: missing.sorted()) }
            loaded.releaseLog(to: self.environment.logger)
            guard problems.isEmpty else { throw ScriptError(problems) }
            loaded.open(for: self)
            try self.unpack(data, into: loaded)
        } catch {
            // No client can have one of them: assigning a dialect is refused while scripts are loaded.
            self.hub.forgetDialects(beyond: dialects)
            throw error
        }
    }

    private func loadFiles(into loaded: LoadedScripts) -> [ScriptProblem] {
        var problems: [ScriptProblem] = []
        loaded.state.beginLoading()
        for source in loaded.scripts.toLoad(for: self.environment.program) {
            loaded.bindings.nextSource = source
            do {
                try loaded.state.load(source.key)
            } catch let error as LuaError {
                let problem = ScriptProblem(error, in: source.name, self.environment.limits)
                // Files that require the same broken module all fail with its error.
                if !problems.contains(problem) { problems.append(problem) }
                // What is used up stays used up: no later file had a chance.
                if error.kind != .error { break }
            } catch {
                problems.append(ScriptProblem(file: source.name, line: nil, reason: "\(error)"))
            }
        }
        return problems + loaded.settings.unclaimed(by: self.environment.program, areAllKnown: problems.isEmpty)
    }

    /// Makes a load count that cannot fail any more: its states, its files and its hooks.
    func accept(_ loaded: LoadedScripts) {
        let declared = Dictionary(loaded.declaredStates.map { ($0.name, $0.options) }) { first, _ in first }
        loaded.states?.accept(declared, at: self.hub.clock())
        loaded.states = nil
        self.loaded = loaded
        // Its hooks are others.
        self.failures.waste = WasteLedger()
        for (line, file) in loaded.releaseFileLines() { _ = self.write(line, to: file) }
    }

    /// The clients' `data`, on its way to other scripts.
    private func packData(of old: LoadedScripts) throws(ScriptError) -> LuaDataSnapshot? {
        do throws(LuaDataSnapshot.Refusal) {
            return try old.state.pack(dataOf: old.types.client)
        } catch {
            throw Self.describe(error)
        }
    }

    private func unpack(_ data: LuaDataSnapshot?, into loaded: LoadedScripts) throws(ScriptError) {
        guard let data else { return }
        do throws(LuaError) {
            try loaded.state.unpack(data, as: loaded.types.client)
        } catch {
            throw Self.describe(error)
        }
    }

    private static func describe(_ error: any Error) -> ScriptError {
        let reasons =
            switch error {
            case LuaDataSnapshot.Refusal.values(let reasons): reasons
            default: ["the clients' data does not fit into the new scripts' memory: \(error)"]
            }
        return ScriptError(reasons.map { ScriptProblem(file: "", line: nil, reason: $0) })
    }
}
