// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Logging
internal import LuaScripting
internal import RelayCore

/// Everything that one load of the scripts made.
///
/// The engine holds one of these and replaces it as a whole: a load that fails is dropped together with all that it made.
/// What a script asks for while it is loaded and what reaches beyond this object (entries of states, lines of files, log
/// lines) waits here until the load is accepted. Confined to the script loop.
final class LoadedScripts {
    /// The most bytes of file lines that a load may ask for.
    static let heldFileBytes = 1 << 20
    /// The most bytes of log lines that wait for the end of a load; further lines are logged at once.
    static let heldLogBytes = 1 << 20

    /// A log line of a script.
    struct LogLine {
        var level: Logger.Level
        var text: String
        var metadata: Logger.Metadata
    }

    let scripts: ScriptSet
    let bindings: HookBindings
    let state: LuaState
    let types: HookAPI.Types
    let schemas: AnswerSchemas
    /// What scripts let operators set.
    let settings: ScriptSettings
    var registry = HookRegistry()
    var timers = TimerQueue()
    /// The hooks in the form in which they are called; made once the scripts are loaded.
    @exclusivity(unchecked) private(set) var lists = HookLists(HookRegistry())
    /// The way of a text through them; made once the scripts are loaded.
    @exclusivity(unchecked) private(set) var pipeline: MessagePipeline?
    /// Whether hooks run now.
    @exclusivity(unchecked) var isRunning = false
    /// Counts the runs, of which some are measured, and whether this one is.
    @exclusivity(unchecked) var runs = 0
    @exclusivity(unchecked) var isMeasuring = false
    /// The states that the scripts declared.
    var declaredStates: [DeclaredState] = []
    var declaredFiles: [DeclaredFile] = []
    /// What scripts count and measure for operators.
    var metrics = ScriptMetrics()

    /// Functions that wait for the result of storing something, by number.
    var waiters: [Int64: StorageWaiter] = [:]

    /// The states as this load sees them; nil once the load is accepted.
    var states: StateLoad?
    /// Lines for files, held back until the load is accepted.
    private(set) var heldFileLines: [(line: [UInt8], file: FileDeclaration)] = []
    private var heldFileBytes = 0
    /// Log lines, held back until it is known whether the scripts are loaded a second time.
    private var heldLog: [LogLine] = []
    private var heldLogBytes = 0

    /// Whether scripts are being loaded.
    var isLoading: Bool { self.states != nil }

    /// Opens a Lua state that no script is loaded into.
    ///
    /// - Parameters:
    ///   - scripts: The Lua files.
    ///   - values: What operators set for them.
    ///   - states: The states as this load sees them.
    ///   - program: Whose events and functions the scripts have.
    ///   - limits: What the scripts may use.
    ///   - relayLimits: Bounds of texts and answers.
    ///   - version: The program's version, `relay.version` in Lua.
    /// - Throws: `LuaError` if the memory limit does not hold the libraries.
    init(
        _ scripts: ScriptSet,
        values: ScriptValues,
        states: StateLoad,
        program: ScriptProgram,
        limits: LuaLimits,
        relayLimits: Limits,
        version: String
    ) throws {
        let bindings = HookBindings()
        let state = try LuaState(limits: limits, host: bindings)
        // What is defined asks nothing of the host.
        let types = try HookAPI.define(in: state, for: program, version: version)
        self.scripts = scripts
        self.settings = ScriptSettings(values)
        self.states = states
        self.bindings = bindings
        self.state = state
        self.types = types
        self.schemas = AnswerSchemas(limits: relayLimits, types: types)
        bindings.loaded = self
    }

    /// Makes what calls the hooks, once all scripts are loaded.
    func open(for engine: HookEngine) {
        self.lists = HookLists(self.registry)
        if engine.environment.program == .relay { self.pipeline = MessagePipeline(engine, self) }
    }

    // MARK: What waits for the load to be accepted

    /// Takes a line for a file; false if too much waits.
    func hold(_ line: [UInt8], for file: FileDeclaration) -> Bool {
        guard self.heldFileBytes + line.count <= Self.heldFileBytes else { return false }
        self.heldFileBytes += line.count
        self.heldFileLines.append((line, file))
        return true
    }

    /// Hands over the lines that wait for files; none waits afterwards.
    func releaseFileLines() -> [(line: [UInt8], file: FileDeclaration)] {
        defer { self.heldFileLines = [] }
        return self.heldFileLines
    }

    /// Takes a log line; false if too much waits.
    func hold(_ line: LogLine) -> Bool {
        let size = line.metadata.reduce(line.text.utf8.count) { $0 + $1.key.utf8.count + "\($1.value)".utf8.count }
        guard self.heldLogBytes + size <= Self.heldLogBytes else { return false }
        self.heldLogBytes += size
        self.heldLog.append(line)
        return true
    }

    /// Writes the log lines that wait; none waits afterwards.
    func releaseLog(to logger: Logger) {
        for line in self.heldLog { logger.log(level: line.level, "\(line.text)", metadata: line.metadata) }
        self.heldLog = []
    }
}

/// Scripts that have been replaced: nothing calls them any more.
///
/// Releasing this closes their Lua state. That takes a while where the state is large, so it is better done on another
/// thread.
public struct RetiredScripts: @unchecked Sendable {
    // Unchecked because a Lua state belongs to one thread at a time: this holds the last reference to it.
    private let loaded: LoadedScripts

    init(_ loaded: LoadedScripts) { self.loaded = loaded }
}

/// Persistent states whose records are not in memory: they are to be fetched, and then the scripts loaded again.
///
/// A load that ends like this has left nothing behind.
public struct MissingStates: Error, Sendable, Equatable, CustomStringConvertible {
    /// The names of the states, sorted.
    public var names: [String]

    /// What is wrong if trying again does not help.
    public var description: String {
        "the scripts declare other persistent states each time they are loaded: \(self.names.joined(separator: ", "))"
    }
}
