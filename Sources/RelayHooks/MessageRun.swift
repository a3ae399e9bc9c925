// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore

/// One inbound text on its way through the handlers: `ping`, `message`, `route`, `format` for each dialect among the
/// recipients, delivery, `relayed`, `console`.
///
/// Reused from message to message.
final class MessageRun: HookRun {
    /// Whose answers come next.
    private enum Stage {
        case ping
        case message
        case route
        case format(Dialect)
        case relayed
        case console
        /// The console, about a ping.
        case consoleOfPing
        case done
    }

    private let hub: Hub
    private let state: LuaState
    private let messageType: LuaType
    private let shapes: AnswerShapes
    private let console: (any ConsoleOutput)?
    @exclusivity(unchecked) private var messageObject: LuaValue
    /// Whether each message is a Lua object of its own.
    @exclusivity(unchecked) var hasOwnObjects = false
    private let consoleObject: LuaValue
    private let originObject: LuaValue
    @exclusivity(unchecked) private var stage = Stage.done
    /// The handlers of the stage, and which is next.
    @exclusivity(unchecked) private var handlers: [Handler] = []
    @exclusivity(unchecked) private var index = 0
    @exclusivity(unchecked) private var route = Route.others
    @exclusivity(unchecked) private var isRouted = false
    @exclusivity(unchecked) private var isDelivered = false
    @exclusivity(unchecked) private var wasPing = false
    /// Whether a handler of the stage failed or is paused, and whether the answer that comes next is what that counts as.
    @exclusivity(unchecked) private var hasFailed = false
    @exclusivity(unchecked) private var isFailure = false
    /// Whether that handler was called, and not left out.
    @exclusivity(unchecked) private var isCalled = true
    /// What the sender is told if the text goes to nobody because handlers failed that were to decide about it.
    @exclusivity(unchecked) private(set) var withheld: SystemMessageKind?
    private var isWithheld: Bool { self.withheld != nil }
    private let texts = FormattedTexts()
    /// The text that filters put in place of the original.
    private let replaced = TickBuffer()
    @exclusivity(unchecked) private var isReplaced = false
    /// The message: its sender, nil while there is none, and what came with it.
    @exclusivity(unchecked) private(set) var sender: Client?
    @exclusivity(unchecked) private(set) var time = 0.0
    @exclusivity(unchecked) private(set) var id: Int64 = 0
    @exclusivity(unchecked) private var original = UnsafeRawBufferPointer(start: nil, count: 0)

    // Looked up once: the registry does not change after loading.
    private let registry: HandlerRegistry
    /// By transport.
    private let pingHandlers: [[Handler]]
    private let messageHandlers: [Handler]
    private let routeHandlers: [Handler]
    private let relayedHandlers: [Handler]
    private let consoleHandlers: [Handler]
    let files: Int
    /// By dialect number; filled as dialects come up.
    @exclusivity(unchecked) private var formatHandlers: [[Handler]?] = []

    /// Makes the run of an engine that has loaded its scripts.
    init(
        _ hub: Hub,
        _ state: LuaState,
        _ registry: HandlerRegistry,
        types: HookAPI.Types,
        shapes: AnswerShapes,
        console: (any ConsoleOutput)?
    ) {
        self.hub = hub
        self.state = state
        self.messageType = types.message
        self.shapes = shapes
        self.console = console
        self.registry = registry
        self.pingHandlers = TransportKind.allCases.map { registry.pingHandlers(for: $0) }
        self.messageHandlers = registry.handlers(for: .message)
        self.routeHandlers = registry.handlers(for: .route)
        self.relayedHandlers = registry.handlers(for: .relayed)
        self.consoleHandlers = console == nil ? [] : registry.handlers(for: .console)
        self.files = registry.fileCount(of: [.ping, .message, .route, .format, .relayed, .console])
        self.messageObject = .object(LuaObject(type: types.message, id: 0))
        self.consoleObject = .object(LuaObject(type: types.console, id: 0))
        self.originObject = .object(LuaObject(type: types.origin, id: 0))
    }

    var handler: CallRecord? { self.index > 0 ? self.handlers[self.index - 1] : nil }

    var source: WasteSource? { self.sender.map { .client($0.id) } }

    func noteFailure() {
        self.hasFailed = true
        self.isFailure = true
    }

    /// The console event, while the console is asked about the message.
    var consoleEvent: ConsoleEvent? {
        switch self.stage {
        case .console:
            ConsoleEvent(kind: .message, client: self.sender, origin: self.sender?.origin, isMessage: true)
        case .consoleOfPing: ConsoleEvent(kind: .received, client: self.sender, origin: self.sender?.origin)
        default: nil
        }
    }

    /// The text as it stands now, after the filters so far.
    var text: UnsafeRawBufferPointer {
        if self.isReplaced { return self.replaced[0..<self.replaced.count] }
        return self.original
    }

    /// Who gets the message, once the route is decided.
    var recipients: [Int64] {
        guard self.isRouted else { return [] }
        return self.hub.recipients(of: self.route, from: self.sender, getting: self.isDelivered ? self.texts : nil)
    }

    /// Whether an object stands for the message under way.
    func isCurrent(_ object: LuaObject) -> Bool { !self.hasOwnObjects || object.id == self.id }

    /// What has become of the message so far.
    var trace: MessageTrace {
        var trace = MessageTrace(
            sender: self.sender?.id ?? 0,
            text: Array(self.original),
            filtered: Array(self.text),
            fate: self.isWithheld ? .withheld : self.isRouted ? .relayed : self.wasPing ? .ping : .swallowed,
            recipients: self.isWithheld ? [] : self.recipients,
            sent: self.isDelivered ? self.texts[.plain].map { Array($0) } : nil
        )
        guard self.isDelivered else { return trace }
        for dialect in self.texts.dialects where dialect != .plain {
            trace.sentAs[self.hub.name(of: dialect).string] = self.texts[dialect].map { Array($0) }
        }
        return trace
    }

    func begin(_ message: Message) {
        self.wasPing = false
        if self.hasOwnObjects { self.messageObject = .object(LuaObject(type: self.messageType, id: message.id)) }
        self.sender = message.sender
        self.time = message.time
        self.id = message.id
        self.original = message.text
        self.isReplaced = false
        self.texts.reset()
        self.route = .others
        self.isRouted = false
        self.isDelivered = false
        self.withheld = nil
        let pingHandlers = self.pingHandlers[message.sender.origin.transport.rawValue]
        if message.mayBePing, !pingHandlers.isEmpty {
            self.enter(.ping, pingHandlers)
        } else {
            self.enterMessage()
        }
    }

    func end() {
        if self.hasOwnObjects {
            self.state.changed(self.messageType, self.id)
            self.state.forget(self.messageType, self.id)
        }
        self.sender = nil
        self.original = UnsafeRawBufferPointer(start: nil, count: 0)
        self.stage = .done
        // A script that kept the message must not read this text from it later.
        self.state.changed(self.messageType, 0)
    }

    func next(after answer: LuaValue) -> LuaStep? {
        self.take(answer)
        self.isFailure = false
        while true {
            if case .done = self.stage { return nil }
            guard self.index < self.handlers.count else {
                self.leave()
                continue
            }
            let handler = self.handlers[self.index]
            self.index += 1
            if let step = self.step(handler) { return step }
            // Paused: its on_error stands for its answer.
            self.noteFailure()
            self.isCalled = false
            if handler.onError.isNo { self.take(.boolean(false)) }
            self.isCalled = true
            self.isFailure = false
        }
    }

    private func step(_ handler: Handler) -> LuaStep? {
        switch self.stage {
        case .ping:
            return handler.step(self.hub, answer: self.shapes.ping, .bytes(self.text), self.originObject)
        case .message: return handler.step(self.hub, answer: self.shapes.message, self.messageObject)
        case .route: return handler.step(self.hub, answer: self.shapes.route, self.messageObject)
        case .format: return handler.step(self.hub, answer: self.shapes.format, self.messageObject)
        case .relayed:
            let text = self.texts[.plain].map { LuaValue.bytes($0) } ?? .nil
            return handler.step(self.hub, answer: nil, self.messageObject, text)
        case .console, .consoleOfPing:
            return handler.step(self.hub, answer: self.shapes.console, self.consoleObject)
        case .done: return nil
        }
    }

    /// Takes the answer of the last handler.
    private func take(_ answer: LuaValue) {
        if case .nil = answer { return }
        switch (self.stage, answer) {
        // Not an answer, but what a failure counts as.
        case (.message, _) where self.isFailure, (.route, _) where self.isFailure, (.format, _) where self.isFailure:
            self.withhold()
        case (.ping, .bytes(let reply)):
            self.wasPing = true
            if let sender = self.sender {
                self.hub.note(from: sender, isPing: true)
                _ = self.hub.send(reply, to: sender)
            }
            self.enterConsole(.consoleOfPing)
        case (.ping, _): self.index = self.handlers.count
        case (.message, .bytes(let text)):
            // The filters after this one, and the handlers after those, see the new text.
            self.replaced.reset()
            self.replaced.append(text)
            self.isReplaced = true
            self.state.changed(self.messageType, self.hasOwnObjects ? self.id : 0)
        case (.message, _): self.stage = .done
        case (.route, .object(let object)):
            self.route = Route(object)
            self.isRouted = true
            self.index = self.handlers.count
        case (.route, _):
            // Nobody gets it; the console still shows it.
            self.route = .only([])
            self.isRouted = true
            self.index = self.handlers.count
        case (.format(let dialect), .bytes(let text)):
            self.texts.set(text, for: dialect)
            self.index = self.handlers.count
        case (.format(let dialect), _):
            self.texts.withhold(from: dialect)
            self.index = self.handlers.count
        case (.console, _), (.consoleOfPing, _):
            self.console?.write(answer)
            self.stage = .done
        case (.relayed, _), (.done, _): break
        }
    }

    /// Goes on after the last handler of a stage.
    private func leave() {
        switch self.stage {
        case .ping: self.enterMessage()
        case .message: self.enter(.route, self.routeHandlers)
        case .route:
            // No handler has decided: who was to get it is not known where one of them failed.
            if self.hasFailed, !self.isRouted { return self.withhold() }
            self.isRouted = true
            self.enterFormat()
        case .format(let dialect):
            if !self.texts.has(dialect) {
                // Never as it came: the sender could have written anybody's name into it.
                if self.hasFailed { return self.withhold() }
                // No handler had an opinion: the text as it is.
                self.texts.set(self.text, for: dialect)
            }
            self.enterFormat()
        case .relayed: self.enterConsole(.console)
        case .console, .consoleOfPing, .done: self.stage = .done
        }
    }

    /// Ends the message: nobody gets it, and its sender is told.
    private func withhold() {
        self.withheld = self.handler?.onError == .fail && self.isFailure && self.isCalled ? .failed : .withheld
        self.stage = .done
    }

    /// Formats for the next dialect that lacks a text; delivers once none does.
    private func enterFormat() {
        guard let sender = self.sender else { return }
        var missing = self.hub.dialect(missingFrom: self.texts, on: self.route, from: sender)
        // `relayed` gets the plain text even if no recipient does.
        if missing == nil, !self.relayedHandlers.isEmpty, !self.texts.has(.plain) { missing = .plain }
        if let dialect = missing {
            self.enter(.format(dialect), self.formatters(of: dialect))
            return
        }
        self.hub.deliver(self.texts, to: self.route, from: sender)
        self.isDelivered = true
        self.enter(.relayed, self.relayedHandlers)
    }

    private func enterMessage() {
        if let sender = self.sender { self.hub.note(from: sender, isPing: false) }
        self.enter(.message, self.messageHandlers)
    }

    private func enterConsole(_ stage: Stage) {
        guard !self.consoleHandlers.isEmpty, let console = self.console else {
            self.stage = .done
            return
        }
        guard !console.isFull else {
            console.skip()
            self.stage = .done
            return
        }
        self.enter(stage, self.consoleHandlers)
    }

    private func enter(_ stage: Stage, _ handlers: [Handler]) {
        self.stage = stage
        self.handlers = handlers
        self.index = 0
        self.hasFailed = false
    }

    private func formatters(of dialect: Dialect) -> [Handler] {
        while self.formatHandlers.count <= dialect.index { self.formatHandlers.append(nil) }
        if let known = self.formatHandlers[dialect.index] { return known }
        let found = self.registry.formatters(of: self.hub.name(of: dialect).string)
        self.formatHandlers[dialect.index] = found
        return found
    }
}

extension Route {
    /// The route that a Lua object stands for.
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
