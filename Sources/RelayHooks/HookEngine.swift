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

/// Answers the hub's questions with the scripts' handlers.
///
/// It owns the Lua state and is confined to the script loop, like the hub. One inbound text is one run of the state;
/// `MessageRun` and `EventRun` decide what is called next.
public final class HookEngine {
    let hub: Hub
    let program: HookProgram
    let limits: LuaLimits
    let version: String
    let console: (any ConsoleOutput)?
    let logger: Logger

    /// What the last accepted load of the scripts made.
    @exclusivity(unchecked) var loaded: LoadedScripts
    /// What scripts count and measure for operators.
    public var metrics: ScriptMetrics { self.loaded.metrics }

    /// Bounds log lines that scripts can cause any number of times.
    var logLimit = LogLimiter()
    /// The same for timer calls that are left out.
    var missedLog = LogLimiter(interval: 60)
    /// The same for texts that are withheld.
    var withheldLog = LogLimiter()
    /// Time that hooks wasted, and whose texts are not taken because of that.
    var waste = WasteLedger()
    @exclusivity(unchecked) var refusedSenders = RefusedSenders()
    /// When garbage was last collected because memory had run out.
    private var lastCollection = -Double.infinity
    /// Seconds that only ever grow, for timers.
    let uptime: () -> Double
    /// Runs something on the script loop; called on any thread with the result of storing something.
    ///
    /// To be set before scripts run; unless it is, results are taken where they come, which only fits one thread.
    public var onLoop: @Sendable (@escaping @Sendable () -> Void) -> Void = { $0() }
    /// Numbers the functions that wait for such results, of all loads.
    var lastWaiter: Int64 = 0
    /// Called for each failure of a handler.
    public var onFailure: ((HookFailure) -> Void)?
    /// Whether each message is a Lua object of its own, so that a script which keeps one is found out; else they share one,
    /// which is faster.
    ///
    /// To be set before the first message.
    public var hasOwnMessages = false {
        didSet { self.loaded.message?.hasOwnObjects = self.hasOwnMessages }
    }
    /// Called for each text, once its handlers have run.
    @exclusivity(unchecked) public var onMessage: ((MessageTrace) -> Void)?
    /// Called when somebody knocks, and for each answer at the door, before `admit` is asked.
    public var onKnock: ((Client, _ text: UnsafeRawBufferPointer?) -> Void)?
    /// Called when somebody has left, or was turned away.
    public var onLeave: ((Client) -> Void)?
    /// Called when a timer was made or cancelled, and once after each reload: ``nextTimer`` may have changed.
    ///
    /// It is not called while scripts are loaded.
    public var onTimers: (() -> Void)?
    /// Called with what a failed reload had made, which may be released on another thread; nil releases it at once.
    public var onDiscard: ((RetiredScripts) -> Void)?

    /// The console event being asked about, beside that of a message.
    var consoleEvent: ConsoleEvent?
    /// The client in its `disconnect` handlers, or being refused: not in the hub but readable.
    var departing: Client?
    /// Where a text of somebody who is no client comes from, while it is asked about.
    var origin: ClientOrigin?
    /// The server that the chat client talks to, while it is asked about it.
    var server: ChatServer?
    /// What was measured, and what is reported about it, while that is asked about.
    var sample: Sample?
    var report: Report?
    /// Counts what was asked about measurements.
    var measurement: Int64 = 0
    /// How many targets are measured.
    public var targets = 0
    /// Where the mails go that scripts ask for; nil asks for none.
    let alerts: (any AlertOutput)?
    /// The states of scripts, which outlive a reload.
    let states: StateStore
    /// Where the lines of files go; nil for nowhere.
    let files: (any FileOutput)?
    /// What became of the lines that scripts wrote to files.
    public internal(set) var fileLines = FileLineCounts()
    /// What a question that is answered with words was answered last.
    let words = TickBuffer()

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
    ///   - files: Where the lines go that scripts write to files; nil for nowhere.
    ///   - logger: The operational log.
    ///   - version: The program's version, `relay.version` in Lua.
    /// - Throws: ``ScriptError`` for a script that does not load, ``MissingStates`` if records have to be fetched first.
    public init(
        hub: Hub,
        program: HookProgram = .relay,
        scripts: ScriptSet,
        limits: LuaLimits = LuaLimits(),
        values: ScriptValues = ScriptValues(),
        uptime: (() -> Double)? = nil,
        console: (any ConsoleOutput)?,
        alerts: (any AlertOutput)? = nil,
        states: StateStore = StateStore(),
        fetched: [String: [StateRecord]] = [:],
        files: (any FileOutput)? = nil,
        logger: Logger,
        version: String
    ) throws {
        self.hub = hub
        self.program = program
        self.limits = limits
        self.version = version
        self.uptime = uptime ?? hub.clock
        self.console = console
        self.alerts = alerts
        self.states = states
        self.files = files
        self.logger = logger
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

    /// Runs the `start` handlers.
    public func start() { self.notify(.start) }

    /// Runs the `stop` handlers.
    public func stop() { self.notify(.stop) }

    /// Tells the console that the relay listens.
    public func listening(transport: TransportKind, address: String) {
        self.hub.perform {
            self.show(ConsoleEvent(kind: .listening, address: Label(address), transport: transport))
        }
    }

    // MARK: Running handlers

    /// Runs steps until none is left; failed handlers are logged and counted, and the rest go on.
    func execute(_ run: any HookRun) {
        let loaded = self.loaded
        let bindings = loaded.bindings
        precondition(bindings.run == nil, "a run was started from within another")
        // Where no handler is to be called, Lua is not entered.
        guard let first = run.next(after: .nil) else { return }
        bindings.run = run
        bindings.firstStep = first
        loaded.state.run(files: run.files) { error in self.recover(from: error, run) }
        bindings.endMeasuring()
        bindings.run = nil
    }

    private func recover(from error: LuaError, _ run: any HookRun) -> LuaState.Recovery {
        guard let handler = run.handler else { return .skip }
        self.loaded.bindings.endMeasuring()
        run.noteFailure()
        handler.failures += 1
        let time = self.hub.clock()
        var waste = error.used
        if error.kind == .memory { waste += self.collect(after: error, at: time) }
        let isPaused = error.kind != .error && self.note(waste: waste, of: handler, from: run.source, at: time)
        self.onFailure?(HookFailure(error, of: handler, isPaused: isPaused))
        self.log(error, of: handler, at: time, isPaused: isPaused)
        return handler.onError.isNo ? .block : .skip
    }

    /// Collects garbage after a call that ran out of memory: else the calls after it, which did nothing, would have to.
    ///
    /// Calls that are not even made because memory is nearly full cost nothing; for those it is done once a second, as what
    /// filled it may be gone.
    ///
    /// - Returns: What that cost, which counts as wasted by the call.
    private func collect(after error: LuaError, at time: Double) -> Duration {
        let isCalled = error.used > .zero
        guard isCalled || abs(time - self.lastCollection) >= 1 else { return .zero }
        self.lastCollection = time
        let start = LuaState.cpuTime
        self.loaded.state.collect()
        return isCalled ? .nanoseconds(LuaState.cpuTime - start) : .zero
    }

    // MARK: Events beside messages

    /// Runs a notice.
    func notify(_ event: HookEvent, _ first: LuaValue? = nil, _ second: LuaValue? = nil) {
        let handlers = self.loaded.registry.handlers(for: event)
        guard !handlers.isEmpty else { return }
        self.hub.perform { self.execute(EventRun(self.hub, handlers, answer: nil, first, second)) }
    }

    /// Asks a question and passes the answer, if there is one, to `use` while its bytes are valid.
    ///
    /// - Returns: Whether a handler failed or is paused, and no other has answered.
    @discardableResult
    func ask(
        _ event: HookEvent,
        from source: WasteSource? = nil,
        _ answer: LuaAnswerShape?,
        _ first: LuaValue,
        _ second: LuaValue? = nil,
        _ use: @escaping (LuaValue) -> Void
    ) -> Bool {
        self.ask(self.loaded.registry.handlers(for: event), from: source, answer, first, second, use)
    }

    /// Asks some of a question's handlers.
    @discardableResult
    func ask(
        _ handlers: [Handler],
        from source: WasteSource? = nil,
        _ answer: LuaAnswerShape?,
        _ first: LuaValue,
        _ second: LuaValue? = nil,
        _ use: @escaping (LuaValue) -> Void
    ) -> Bool {
        guard !handlers.isEmpty else { return false }
        let run = EventRun(self.hub, handlers, source: source, answer: answer, first, second, use)
        self.execute(run)
        return run.hasFailed
    }

    /// Asks the console hooks about an event and writes their lines.
    func show(_ event: ConsoleEvent) {
        guard let console = self.console else { return }
        let loaded = self.loaded
        guard !console.isFull else { return console.skip() }
        self.consoleEvent = event
        self.ask(.console, loaded.shapes.console, .object(LuaObject(type: loaded.types.console, id: 0))) { answer in
            console.write(answer)
        }
        self.consoleEvent = nil
    }

    /// Numbers a dialect that a handler formats; returns what is wrong with it, or nil.
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

extension ConsoleOutput {
    /// Writes a line, or each of a list of lines.
    func write(_ answer: LuaValue) {
        switch answer {
        case .bytes(let line): self.write(line)
        case .table(let list):
            for index in 0..<list.count {
                if case .bytes(let line) = list.entry(index).value { self.write(line) }
            }
        default: break
        }
    }
}
