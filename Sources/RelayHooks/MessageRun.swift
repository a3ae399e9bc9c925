// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore

/// One inbound text on its way through the handlers: `message`, `route`, `format` for each dialect among the
/// recipients, delivery, `relayed`, `console`.
///
/// Reused from message to message.
final class MessageRun: HookRun {
    /// Whose answers come next.
    private enum Stage {
        case message
        case route
        case format(Dialect)
        case relayed
        case console
        case done
    }

    /// Unsafe because it is followed several times a message; safe because the engine owns the run.
    private unowned(unsafe) var engine: HookEngine?
    private var stage = Stage.done
    /// The handlers of the stage, and which is next.
    private var handlers: [Handler] = []
    private var index = 0
    private var route = Route.others
    private var isRouted = false
    private let texts = FormattedTexts()
    /// The text that filters put in place of the original.
    private let replaced = TickBuffer()
    private var isReplaced = false
    /// The message: its sender, nil while there is none, and what came with it.
    private(set) var sender: Client?
    private(set) var time = 0.0
    private(set) var id: Int64 = 0
    private var original = UnsafeRawBufferPointer(start: nil, count: 0)

    // Looked up once: the registry does not change after loading.
    private var messageHandlers: [Handler] = []
    private var routeHandlers: [Handler] = []
    private var relayedHandlers: [Handler] = []
    private var consoleHandlers: [Handler] = []
    /// By dialect number; filled as dialects come up.
    private var formatHandlers: [[Handler]?] = []

    /// Takes the handlers from an engine that has loaded its scripts.
    func prepare(_ engine: HookEngine) {
        self.engine = engine
        self.messageHandlers = engine.registry.handlers(for: .message)
        self.routeHandlers = engine.registry.handlers(for: .route)
        self.relayedHandlers = engine.registry.handlers(for: .relayed)
        self.consoleHandlers = engine.console == nil ? [] : engine.registry.handlers(for: .console)
    }

    /// The text as it stands now, after the filters so far.
    var text: UnsafeRawBufferPointer {
        if self.isReplaced { return self.replaced[0..<self.replaced.count] }
        return self.original
    }

    /// Who gets the message, once the route is decided.
    var recipients: [Int64] {
        guard self.isRouted, let engine = self.engine else { return [] }
        return engine.hub.recipients(of: self.route, from: self.sender)
    }

    func begin(_ message: Message) {
        self.sender = message.sender
        self.time = message.time
        self.id = message.id
        self.original = message.text
        self.isReplaced = false
        self.texts.reset()
        self.route = .others
        self.isRouted = false
        self.enter(.message, self.messageHandlers)
    }

    func end() {
        self.sender = nil
        self.original = UnsafeRawBufferPointer(start: nil, count: 0)
        self.stage = .done
    }

    func next(after answer: LuaValue) -> LuaStep? {
        guard let engine = self.engine, let types = engine.types, let shapes = engine.shapes else { return nil }
        var answer = answer
        while true {
            self.take(answer)
            answer = .nil
            if case .done = self.stage { return nil }
            guard self.index < self.handlers.count else {
                self.leave(engine)
                continue
            }
            let handler = self.handlers[self.index]
            self.index += 1
            let message = LuaValue.object(LuaObject(type: types.message, id: 0))
            let step: LuaStep? =
                switch self.stage {
                case .message: engine.step(handler, answer: shapes.message, message)
                case .route: engine.step(handler, answer: shapes.route, message)
                case .format: engine.step(handler, answer: shapes.format, message)
                case .relayed:
                    engine.step(handler, answer: nil, message, self.texts[.plain].map { .bytes($0) } ?? .nil)
                case .console:
                    engine.step(handler, answer: shapes.console, .object(LuaObject(type: types.console, id: 0)))
                case .done: nil
                }
            if let step { return step }
            // Paused: its on_error stands for its answer.
            if handler.onError == .block { answer = .boolean(false) }
        }
    }

    /// Takes the answer of the last handler.
    private func take(_ answer: LuaValue) {
        if case .nil = answer { return }
        switch (self.stage, answer) {
        case (.message, .bytes(let text)):
            // The filters after this one, and the handlers after those, see the new text.
            self.replaced.reset()
            self.replaced.append(text)
            self.isReplaced = true
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
        case (.console, _):
            self.engine?.console?.write(answer)
            self.stage = .done
        case (.relayed, _), (.done, _): break
        }
    }

    /// Goes on after the last handler of a stage.
    private func leave(_ engine: HookEngine) {
        switch self.stage {
        case .message: self.enter(.route, self.routeHandlers)
        case .route:
            self.isRouted = true
            self.enterFormat(engine)
        case .format(let dialect):
            // No handler had an opinion: the text as it is.
            if !self.texts.has(dialect) { self.texts.set(self.text, for: dialect) }
            self.enterFormat(engine)
        case .relayed: self.enterConsole(engine)
        case .console, .done: self.stage = .done
        }
    }

    /// Formats for the next dialect that lacks a text; delivers once none does.
    private func enterFormat(_ engine: HookEngine) {
        guard let sender = self.sender else { return }
        var missing = engine.hub.dialect(missingFrom: self.texts, on: self.route, from: sender)
        // `relayed` gets the plain text even if no recipient does.
        if missing == nil, !self.relayedHandlers.isEmpty, !self.texts.has(.plain) { missing = .plain }
        if let dialect = missing {
            self.enter(.format(dialect), self.formatters(of: dialect, engine))
            return
        }
        engine.hub.deliver(self.texts, to: self.route, from: sender)
        self.enter(.relayed, self.relayedHandlers)
    }

    private func enterConsole(_ engine: HookEngine) {
        guard !self.consoleHandlers.isEmpty, let console = engine.console else {
            self.stage = .done
            return
        }
        guard !console.isFull else {
            console.skip()
            self.stage = .done
            return
        }
        engine.consoleEvent = ConsoleEvent(kind: "message", client: self.sender, isMessage: true)
        self.enter(.console, self.consoleHandlers)
    }

    private func enter(_ stage: Stage, _ handlers: [Handler]) {
        self.stage = stage
        self.handlers = handlers
        self.index = 0
    }

    private func formatters(of dialect: Dialect, _ engine: HookEngine) -> [Handler] {
        while self.formatHandlers.count <= dialect.index { self.formatHandlers.append(nil) }
        if let known = self.formatHandlers[dialect.index] { return known }
        let found = engine.registry.formatters(of: engine.hub.name(of: dialect).string)
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
