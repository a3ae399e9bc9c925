// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore

/// The way of a text through the hooks: `ping`, `message`, `route`, `format` for each dialect among the recipients, delivery,
/// `relayed`, `console`.
///
/// One for each load of the scripts, reused from text to text.
final class MessagePipeline {
    /// How the way of a text ended.
    enum Ending {
        /// It was a ping, and was answered.
        case ping
        /// A `message` hook answered `false`.
        case swallowed
        /// It was routed; to nobody, if there are no recipients.
        case relayed
        /// Hooks that were to decide about it failed: nobody gets it, and its sender is told this.
        case withheld(SystemMessageKind)
    }

    // Unsafe because it is followed several times a message; safe because the engine owns the pipeline.
    private unowned(unsafe) let engine: HookEngine
    private let hub: Hub
    private let state: LuaState
    private let schemas: AnswerSchemas
    private let console: (any ConsoleOutput)?
    private let lists: HookLists
    /// By transport.
    private let pingHooks: [HookList]
    private let messageHooks: HookList
    private let routeHooks: HookList
    private let relayedHooks: HookList
    private let consoleHooks: HookList
    /// By dialect number; filled as dialects come up.
    @exclusivity(unchecked) private var formatHooks: [HookList?] = []
    private let messageType: LuaType
    private let consoleObject: LuaValue
    private let originObject: LuaValue
    private let hasOwnObjects: Bool

    // The text under way, which hooks read.

    /// Its sender; nil while no text is under way.
    @exclusivity(unchecked) private(set) var sender: Client?
    @exclusivity(unchecked) private(set) var time = 0.0
    @exclusivity(unchecked) private(set) var id: Int64 = 0
    @exclusivity(unchecked) private var original = UnsafeRawBufferPointer(start: nil, count: 0)
    /// The text that filters put in place of the original.
    private let replacement = TickBuffer()
    @exclusivity(unchecked) private var isReplaced = false
    /// Who gets it, once that is decided.
    @exclusivity(unchecked) private var route: Route?
    private let texts = FormattedTexts()
    @exclusivity(unchecked) private var isDelivered = false
    /// What the console is asked about, while it is.
    @exclusivity(unchecked) private var consoleKind: ConsoleEvent.Kind?

    /// Makes the pipeline of an engine for scripts that are loaded.
    init(_ engine: HookEngine, _ loaded: LoadedScripts) {
        self.engine = engine
        self.hub = engine.hub
        self.state = loaded.state
        self.schemas = loaded.schemas
        self.console = engine.environment.console
        self.lists = loaded.lists
        self.pingHooks = loaded.lists.pings
        self.messageHooks = loaded.lists[.message]
        self.routeHooks = loaded.lists[.route]
        self.relayedHooks = loaded.lists[.relayed]
        self.consoleHooks = self.console == nil ? loaded.lists.none : loaded.lists[.console]
        self.messageType = loaded.types.message
        self.consoleObject = .object(LuaObject(type: loaded.types.console, id: 0))
        self.originObject = .object(LuaObject(type: loaded.types.origin, id: 0))
        self.hasOwnObjects = engine.environment.hasOwnMessages
    }

    // MARK: The way of a text

    /// Leads a text through its hooks.
    ///
    /// - Parameters:
    ///   - message: The text, borrowed.
    ///   - observe: Told at the end what has become of it, while that can still be read.
    /// - Returns: How it ended.
    func relay(_ message: Message, _ observe: ((Ending) -> Void)?) -> Ending {
        self.begin(message)
        let ending = self.engine.run(files: self.lists.messageFiles) {
            self.lead(from: message.sender, mayBePing: message.mayBePing)
        }
        observe?(ending)
        self.end()
        return ending
    }

    private func lead(from sender: Client, mayBePing: Bool) -> Ending {
        if mayBePing, self.answerPing(of: sender) {
            self.show(.received)
            return .ping
        }
        self.hub.note(from: sender, isPing: false)
        if let ending = self.filter() { return ending }
        if let ending = self.chooseRoute() { return ending }
        if let ending = self.format(for: sender) { return ending }
        self.hub.deliver(self.texts, to: self.route ?? .others, from: sender)
        self.isDelivered = true
        self.tellRelayed()
        self.show(.message)
        return .relayed
    }

    /// `ping`: the first hook that answers a text makes it a ping.
    private func answerPing(of sender: Client) -> Bool {
        let hooks = self.pingHooks[sender.origin.transport.rawValue]
        guard !hooks.isEmpty else { return false }
        var stage = self.stage(hooks, self.schemas.ping, .bytes(self.text), self.originObject)
        guard case .value(.bytes(let reply)) = self.engine.next(&stage) else { return false }
        self.hub.note(from: sender, isPing: true)
        _ = self.hub.send(reply, to: sender)
        return true
    }

    /// `message`: each hook may put another text in the place of what the ones before it left, or stop it.
    private func filter() -> Ending? {
        guard !self.messageHooks.isEmpty else { return nil }
        var stage = self.stage(self.messageHooks, self.schemas.message, self.messageObject)
        while true {
            switch self.engine.next(&stage) {
            case .none: return nil
            case .value(.bytes(let text)): self.replace(by: text)
            case .value: return .swallowed
            case .failure(let hook, let wasCalled):
                return .withheld(wasCalled && hook.onError == .fail ? .failed : .withheld)
            }
        }
    }

    /// `route`: the first hook that answers decides.
    ///
    /// Where none does and one failed, it is not known who was to get the text.
    private func chooseRoute() -> Ending? {
        var stage = self.stage(self.routeHooks, self.schemas.route, self.messageObject)
        switch self.routeHooks.isEmpty ? .none : self.engine.next(&stage) {
        case .value(.object(let object)): self.route = Route(object)
        // Nobody gets it; the console still shows it.
        case .value: self.route = .only([])
        case .failure: return .withheld(.withheld)
        case .none:
            if stage.hasFailed { return .withheld(.withheld) }
            self.route = .others
        }
        return nil
    }

    /// `format`: for each dialect that a recipient uses, the first hook that answers.
    ///
    /// Where none does the text is sent as it is; but not where one failed: the sender could have written anybody's name into
    /// it.
    private func format(for sender: Client) -> Ending? {
        while let dialect = self.missingDialect(for: sender) {
            let hooks = self.formatHooks(of: dialect)
            var stage = self.stage(hooks, self.schemas.format, self.messageObject)
            switch hooks.isEmpty ? .none : self.engine.next(&stage) {
            case .value(.bytes(let text)): self.texts.set(text, for: dialect)
            case .value: self.texts.withhold(from: dialect)
            case .failure: return .withheld(.withheld)
            case .none:
                if stage.hasFailed { return .withheld(.withheld) }
                self.texts.set(self.text, for: dialect)
            }
        }
        return nil
    }

    /// `relayed`: told of what was sent, in the plain dialect.
    private func tellRelayed() {
        guard !self.relayedHooks.isEmpty else { return }
        let text = self.texts[.plain].map { LuaValue.bytes($0) } ?? .nil
        var stage = self.stage(self.relayedHooks, nil, self.messageObject, text)
        _ = self.engine.next(&stage)
    }

    /// `console`: the first hook that answers has the lines for it.
    private func show(_ kind: ConsoleEvent.Kind) {
        guard let console = self.console, !self.consoleHooks.isEmpty else { return }
        guard !console.isFull else { return console.skip() }
        self.consoleKind = kind
        var stage = self.stage(self.consoleHooks, self.schemas.console, self.consoleObject)
        if case .value(let lines) = self.engine.next(&stage) { console.write(lines) }
        self.consoleKind = nil
    }

    // MARK: Details of the stages

    private func stage(
        _ list: HookList,
        _ schema: LuaAnswerSchema?,
        _ first: LuaValue,
        _ second: LuaValue? = nil
    ) -> HookStage {
        HookStage(list, from: self.sender.map { .client($0.id) }, schema, first, second)
    }

    private var messageObject: LuaValue {
        .object(LuaObject(type: self.messageType, id: self.hasOwnObjects ? self.id : 0))
    }

    private func replace(by text: UnsafeRawBufferPointer) {
        self.replacement.reset()
        self.replacement.append(text)
        self.isReplaced = true
        self.state.invalidate(self.messageType, self.hasOwnObjects ? self.id : 0)
    }

    /// The next dialect that lacks a text.
    private func missingDialect(for sender: Client) -> Dialect? {
        if let missing = self.hub.dialect(missingFrom: self.texts, on: self.route ?? .others, from: sender) {
            return missing
        }
        // `relayed` gets the plain text even if no recipient does.
        return self.relayedHooks.isEmpty || self.texts.has(.plain) ? nil : .plain
    }

    private func formatHooks(of dialect: Dialect) -> HookList {
        while self.formatHooks.count <= dialect.index { self.formatHooks.append(nil) }
        if let known = self.formatHooks[dialect.index] { return known }
        let found = self.lists.formats(of: self.hub.name(of: dialect).string)
        self.formatHooks[dialect.index] = found
        return found
    }

    private func begin(_ message: Message) {
        self.sender = message.sender
        self.time = message.time
        self.id = message.id
        self.original = message.text
        self.isReplaced = false
        self.texts.reset()
        self.route = nil
        self.isDelivered = false
    }

    private func end() {
        if self.hasOwnObjects {
            self.state.invalidate(self.messageType, self.id)
            self.state.forget(self.messageType, self.id)
        }
        self.sender = nil
        self.original = UnsafeRawBufferPointer(start: nil, count: 0)
        // A script that kept the message must not read this text from it later.
        self.state.invalidate(self.messageType, 0)
    }

    // MARK: What hooks read

    /// The text as it is now, after the filters so far.
    var text: UnsafeRawBufferPointer {
        self.isReplaced ? self.replacement[0..<self.replacement.count] : self.original
    }

    /// Whether an object is that of the text under way.
    func isCurrent(_ object: LuaObject) -> Bool { !self.hasOwnObjects || object.id == self.id }

    /// The console event, while the console is asked about the text.
    var consoleEvent: ConsoleEvent? {
        self.consoleKind.map {
            ConsoleEvent(kind: $0, client: self.sender, origin: self.sender?.origin, isMessage: $0 == .message)
        }
    }

    /// Who gets the text, once the route is decided.
    var recipients: [Int64] {
        guard let route = self.route else { return [] }
        return self.hub.recipients(of: route, from: self.sender, getting: self.isDelivered ? self.texts : nil)
    }

    /// What has become of the text.
    func trace(_ ending: Ending) -> MessageTrace {
        var trace = MessageTrace(
            sender: self.sender?.id ?? 0,
            text: Array(self.original),
            filtered: Array(self.text),
            fate: ending.fate,
            recipients: ending.fate == .withheld ? [] : self.recipients,
            sent: self.isDelivered ? self.texts[.plain].map { Array($0) } : nil
        )
        guard self.isDelivered else { return trace }
        for dialect in self.texts.dialects where dialect != .plain {
            trace.sentAs[self.hub.name(of: dialect).string] = self.texts[dialect].map { Array($0) }
        }
        return trace
    }
}

extension MessagePipeline.Ending {
    /// The same for observers.
    var fate: MessageTrace.Fate {
        switch self {
        case .ping: .ping
        case .swallowed: .swallowed
        case .relayed: .relayed
        case .withheld: .withheld
        }
    }
}

extension Route {
    /// The route that a Lua object means.
    init(_ object: LuaObject) {
        switch HookAPI.RouteKind(rawValue: object.id) {
        case .everyone: self = .everyone
        case .room: self = .room(String(decoding: object.payload, as: UTF8.self))
        case .only:
            let stride = MemoryLayout<Int64>.stride
            self = .only(
                (0..<object.payload.count / stride)
                    .map {
                        object.payload.loadUnaligned(fromByteOffset: $0 * stride, as: Int64.self)
                    }
            )
        case .others, nil: self = .others
        }
    }
}
