// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LatencyMonitor
public import Logging
public import LuaScripting
public import RelayCore

/// Where console lines go.
public protocol ConsoleOutput: AnyObject {
    /// True while the console takes no more lines: no hook is asked for one then.
    var isFull: Bool { get }
    /// Takes one line, without its end. Never blocks.
    func write(_ line: UnsafeRawBufferPointer)
    /// Counts a line that was not asked for because the console is full.
    func skip()
}

/// What an engine has around it, and what it was told at its beginning.
struct HookEnvironment {
    let program: ScriptProgram
    let limits: LuaLimits
    let version: String
    /// Where console lines go; nil asks no console hooks at all.
    let console: (any ConsoleOutput)?
    /// Where the mails go that scripts ask for; nil asks for none.
    let alerts: (any AlertOutput)?
    /// The states of scripts, which outlive a reload.
    let states: StateStore
    /// Where the lines of files go; nil discards them.
    let files: (any FileOutput)?
    let logger: Logger
    /// Seconds that only ever grow, for timers and pauses.
    let uptime: () -> Double
    /// Whether each message is a Lua object of its own, so that a script which keeps one is found out; else they share one,
    /// which is faster.
    let hasOwnMessages: Bool
}

/// Who wants to know what an engine does.
///
/// All are called on its thread, unless they say something else.
public struct HookObservers {
    /// Called for each failure of a hook.
    public var onFailure: ((HookFailure) -> Void)?
    /// Called for each text, once its hooks have run.
    public var onMessage: ((MessageTrace) -> Void)?
    /// Called when a client asks to be let in, and for each answer it gives then, before `admit` is asked.
    public var onAdmissionRequest: ((Client, _ text: UnsafeRawBufferPointer?) -> Void)?
    /// Called when a client has left, or was not let in.
    public var onLeave: ((Client) -> Void)?
    /// Called when a timer was made or cancelled, and once after each reload: ``HookEngine/nextTimer`` may have changed.
    ///
    /// It is not called while scripts are loaded.
    public var onTimers: (() -> Void)?
    /// Called with what a failed reload had made, which may be released on another thread; nil releases it at once.
    public var onDiscard: ((RetiredScripts) -> Void)?
    /// Runs something on the script loop; called on any thread with the result of storing something.
    ///
    /// To be set before scripts run; unless it is, results are taken where they come, which only fits one thread.
    public var onLoop: @Sendable (@escaping @Sendable () -> Void) -> Void = { $0() }
}

/// Answers the hub's questions with the scripts' hooks.
///
/// It owns the Lua state and is confined to the script loop, like the hub. ``MessagePipeline`` leads a text through its hooks;
/// every other event has a method of its own.
public final class HookEngine {
    let hub: Hub
    let environment: HookEnvironment
    /// Who wants to know what happens.
    @exclusivity(unchecked) public var observers = HookObservers()
    /// What the last accepted load of the scripts made.
    @exclusivity(unchecked) var loaded: LoadedScripts
    /// What hooks are asked about now, beside a message.
    @exclusivity(unchecked) var subject = HookSubject()
    /// What is known of hooks that fail, and whose texts are not accepted because of that.
    @exclusivity(unchecked) var failures = HookFailures()
    /// Answers that hooks give later than they are asked.
    var pending = PendingAnswers()
    /// What was counted so far.
    var counts = HookCounts()
    /// What a question that is answered with a text was answered last.
    let answerBuffer = TickBuffer()
    /// What scripts count and measure for operators.
    public var metrics: ScriptMetrics { self.loaded.metrics }
    /// How many targets are measured.
    public var targets: Int {
        get { self.counts.targets }
        set { self.counts.targets = newValue }
    }
    /// What became of the lines that scripts wrote to files.
    public var fileLines: FileLineCounts { self.counts.fileLines }

    /// Makes an engine and loads its scripts.
    ///
    /// - Parameters:
    ///   - hub: The hub whose rules these are; the engine becomes its policy.
    ///   - program: Whose events and functions the scripts have.
    ///   - scripts: The Lua files.
    ///   - limits: What the scripts may use.
    ///   - values: What operators set for them.
    ///   - uptime: Seconds that only ever grow, by which timers run; nil for the hub's clock.
    ///   - console: Where console lines go; nil asks no console hooks at all.
    ///   - alerts: Where mails go; nil asks for none.
    ///   - states: The states of scripts; an engine that is made with those of another finds their entries.
    ///   - fetched: The records of persistent states, as ``StateStorage/fetch(_:)`` returned them.
    ///   - files: Where the lines go that scripts write to files; nil discards them.
    ///   - hasOwnMessages: Whether each message is a Lua object of its own, so that a script which keeps one is found out.
    ///   - logger: The operational log.
    ///   - version: The program's version, `relay.version` in Lua.
    /// - Throws: ``ScriptError`` for a script that does not load, ``MissingStates`` if records have to be fetched first.
    public init(
        hub: Hub,
        program: ScriptProgram = .relay,
        scripts: ScriptSet,
        limits: LuaLimits = LuaLimits(),
        values: ScriptValues = ScriptValues(),
        uptime: (() -> Double)? = nil,
        console: (any ConsoleOutput)?,
        alerts: (any AlertOutput)? = nil,
        states: StateStore = StateStore(),
        fetched: [String: [StateRecord]] = [:],
        files: (any FileOutput)? = nil,
        hasOwnMessages: Bool = false,
        logger: Logger,
        version: String
    ) throws {
        self.hub = hub
        self.environment = HookEnvironment(
            program: program,
            limits: limits,
            version: version,
            console: console,
            alerts: alerts,
            states: states,
            files: files,
            logger: logger,
            uptime: uptime ?? hub.clock,
            hasOwnMessages: hasOwnMessages
        )
        self.loaded = try Self.opening(limits) {
            try LoadedScripts(
                scripts,
                values: values,
                states: states.beginLoad(fetched: fetched),
                program: program,
                limits: limits,
                relayLimits: hub.limits,
                version: version
            )
        }
        try self.load(self.loaded)
        self.accept(self.loaded)
        hub.policy = self
    }

    deinit {
        if self.hub.policy === self { self.hub.policy = nil }
    }

    /// Calls the `start` hooks.
    public func start() { self.notify(.start) }

    /// Calls the `stop` hooks.
    public func stop() { self.notify(.stop) }

    /// Tells the console that the relay listens.
    public func listening(transport: TransportKind, address: String) {
        self.hub.runPolicy {
            self.show(ConsoleEvent(kind: .listening, address: PinnedString(address), transport: transport))
        }
    }

    /// Numbers a dialect that a hook formats; returns what is wrong with it, or nil.
    func reserve(dialect: String) -> String? {
        guard dialect.utf8.count <= self.hub.limits.nameBytes else {
            return "a dialect's name may have \(self.hub.limits.nameBytes) bytes"
        }
        return self.hub.dialect(dialect) == nil ? "the limit of \(self.hub.limits.dialects) dialects is reached" : nil
    }

    func object(_ client: Client) -> LuaValue {
        .object(LuaObject(type: self.loaded.types.client, id: client.id))
    }
}
