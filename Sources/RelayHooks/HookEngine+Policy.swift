// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Logging
internal import LuaScripting
public import RelayCore

extension HookEngine: RelayPolicy {
    /// Asks the `admit` handlers.
    public func admit(_ client: Client, _ text: UnsafeRawBufferPointer?) -> Admission {
        self.onKnock?(client, text)
        if !self.refusedSenders.isEmpty,
            self.refusedSenders.isRefused(host: client.origin.host, at: self.hub.clock())
        {
            return .refuse(nil)
        }
        var admission = Admission.letIn
        let source = WasteSource.host(client.origin.host)
        self.ask(.admit, from: source, self.loaded.shapes.admit, self.object(client), text.map { .bytes($0) }) {
            answer in
            switch answer {
            case .bytes(let question): admission = .prompt(self.keep(question))
            case .refusal(let reason): admission = .refuse(self.keep(reason))
            default: admission = .refuse(nil)
            }
        }
        return admission
    }

    /// Asks the `ping` handlers, and the console's about a ping.
    public func ping(_ text: UnsafeRawBufferPointer, from origin: ClientOrigin) -> UnsafeRawBufferPointer? {
        let types = self.loaded.types
        if !self.refusedSenders.isEmpty, self.refusedSenders.isRefused(host: origin.host, at: self.hub.clock()) {
            return nil
        }
        var hasAnswer = false
        self.origin = origin
        let handlers = self.loaded.registry.pingHandlers(for: origin.transport)
        let source = WasteSource.host(origin.host)
        let object = LuaValue.object(LuaObject(type: types.origin, id: 0))
        self.ask(handlers, from: source, self.loaded.shapes.ping, .bytes(text), object) { answer in
            guard case .bytes(let bytes) = answer else { return }
            _ = self.keep(bytes)
            hasAnswer = true
        }
        if hasAnswer { self.show(ConsoleEvent(kind: .received, origin: origin, text: text)) }
        self.origin = nil
        return hasAnswer ? self.words[0..<self.words.count] : nil
    }

    /// Asks the console hooks about a client that cannot be reached.
    public func unreachable(_ client: Client) {
        self.show(ConsoleEvent(kind: .unreachable, client: client, transport: client.origin.transport))
    }

    /// Lets go of a client that was not let in.
    public func turnedAway(_ client: Client) {
        self.onLeave?(client)
        self.forget(client)
    }

    /// Keeps an answer until the next question of its kind.
    private func keep(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        self.words.reset()
        self.words.append(bytes)
        return self.words[0..<self.words.count]
    }

    /// Asks the `name` handlers.
    public func name(of client: Client) -> String? {
        var name: String?
        self.ask(.name, self.loaded.shapes.name, self.object(client)) { answer in
            guard case .bytes(let bytes) = answer else { return }
            name = String(validating: bytes, as: UTF8.self)
            guard name == nil else { return }
            let reason: Logger.Message = "a name was refused: it is not UTF-8"
            guard let unlogged = self.logLimit.admit("\(reason)", at: self.hub.clock()) else { return }
            self.logger.error(reason, metadata: ["client": "\(client.id)", "log.unlogged": "\(unlogged)"])
        }
        // A handler may have read the address in its place.
        self.loaded.state.changed(self.loaded.types.client, client.id)
        return name
    }

    /// Runs the `connect` handlers, then asks the console's.
    public func connected(_ client: Client) {
        self.notify(.connect, self.object(client))
        self.show(ConsoleEvent(kind: .connect, client: client, transport: client.origin.transport))
    }

    /// Runs the `disconnect` handlers, then asks the console's; after that scripts cannot read the client any more.
    public func disconnected(_ client: Client, reason: String) {
        self.departing = client
        self.loaded.state.changed(self.loaded.types.client, client.id)
        let reason = Label(reason)
        self.notify(.disconnect, self.object(client), .bytes(reason.bytes))
        self.show(
            ConsoleEvent(kind: .disconnect, client: client, reason: reason, transport: client.origin.transport)
        )
        self.departing = nil
        self.onLeave?(client)
        self.forget(client)
        self.waste.move(client.id, to: client.origin.host)
        self.refusedSenders.forget(client: client.id)
    }

    /// Runs a message through all its handlers, in one entry into Lua.
    public func relay(_ message: Message) {
        guard let run = self.loaded.message else { return }
        if !self.refusedSenders.isEmpty, self.isRefused(message.sender, at: self.hub.clock()) {
            self.hub.note(from: message.sender, isPing: false)
            // That it is refused is in the log.
            return self.hub.queueSystemMessage(.withheld, to: message.sender)
        }
        run.begin(message)
        self.execute(run)
        if let kind = run.withheld { self.withhold(from: message.sender, kind) }
        if let onMessage = self.onMessage { onMessage(run.trace) }
        run.end()
    }

    /// Asks the `system_message` handlers.
    public func systemMessage(_ kind: SystemMessageKind, for client: Client) -> UnsafeRawBufferPointer? {
        guard !self.loaded.registry.handlers(for: .systemMessage).isEmpty else { return nil }
        let source = WasteSource.client(client.id)
        let name = Label(kind.rawValue)
        let isStranger = self.hub.client(client.id) == nil
        if isStranger { self.departing = client }
        var hasAnswer = false
        let hasFailed = self.ask(
            .systemMessage,
            from: source,
            self.loaded.shapes.systemMessage,
            self.object(client),
            .bytes(name.bytes)
        ) { answer in
            guard case .bytes(let bytes) = answer else { return }
            _ = self.keep(bytes)
            hasAnswer = true
        }
        if isStranger {
            self.departing = nil
            self.forget(client)
        }
        // Who hears nothing would take the text for sent.
        if !hasAnswer, hasFailed, let words = Self.words(of: kind) { return self.keep(words) }
        return hasAnswer ? self.words[0..<self.words.count] : nil
    }

    /// What the sender of a text that went to nobody is told where the hooks that were to say it fail, too.
    private static func words(of kind: SystemMessageKind) -> UnsafeRawBufferPointer? {
        let words: StaticString
        switch kind {
        case .withheld: words = "Sua mensagem não foi enviada."
        case .failed: words = "O comando falhou."
        default: return nil
        }
        return UnsafeRawBufferPointer(start: words.utf8Start, count: words.utf8CodeUnitCount)
    }

    /// Lets Lua collect a client once no script holds it; what scripts read from it then is nil.
    private func forget(_ client: Client) {
        let types = self.loaded.types
        self.loaded.state.changed(types.client, client.id)
        self.loaded.state.forget(types.client, client.id)
    }
}
