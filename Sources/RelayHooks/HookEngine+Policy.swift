// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Logging
internal import LuaScripting
public import RelayCore

extension HookEngine: RelayPolicy {
    /// Asks the `ping` hooks, and the console's about a ping.
    public func ping(_ text: UnsafeRawBufferPointer, from origin: ClientOrigin) -> UnsafeRawBufferPointer? {
        let types = self.loaded.types
        if !self.failures.refusedSenders.isEmpty,
            self.failures.refusedSenders.isRefused(host: origin.host, at: self.environment.uptime())
        {
            return nil
        }
        var hasAnswer = false
        let hooks = self.loaded.lists.pings[origin.transport.rawValue]
        let source = WasteSource.host(origin.host)
        let object = LuaValue.object(LuaObject(type: types.origin, id: 0))
        self.ask(
            hooks,
            about: HookSubject(origin: origin),
            from: source,
            self.loaded.schemas.ping,
            .bytes(text),
            object
        ) {
            answer in
            guard case .bytes(let bytes) = answer else { return }
            _ = self.keep(bytes)
            hasAnswer = true
        }
        if hasAnswer { self.show(ConsoleEvent(kind: .received, origin: origin, text: text)) }
        return hasAnswer ? self.answerBuffer[0..<self.answerBuffer.count] : nil
    }

    /// Asks the console hooks about a client that cannot be reached.
    public func unreachable(_ client: Client) {
        self.show(ConsoleEvent(kind: .unreachable, client: client, transport: client.origin.transport))
    }

    /// Lets go of a client that was not let in.
    public func admissionRejected(_ client: Client) {
        self.observers.onLeave?(client)
        self.pending.remove(client: client.id)
        self.forget(client)
    }

    /// Keeps an answer until the next question of its kind.
    func keep(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        self.answerBuffer.reset()
        self.answerBuffer.append(bytes)
        return self.answerBuffer[0..<self.answerBuffer.count]
    }

    /// Asks the `name` hooks.
    public func name(of client: Client) -> String? {
        var name: String?
        self.ask(self.loaded.lists[.name], self.loaded.schemas.name, self.object(client)) { answer in
            guard case .bytes(let bytes) = answer else { return }
            name = String(validating: bytes, as: UTF8.self)
            guard name == nil else { return }
            let reason: Logger.Message = "a name was refused: it is not UTF-8"
            guard let unlogged = self.failures.log.admit("\(reason)", at: self.environment.uptime()) else { return }
            var metadata: Logger.Metadata = ["client.id": "\(client.id)"]
            metadata.note(unlogged: unlogged)
            self.environment.logger.error(reason, metadata: metadata)
        }
        // A hook may have read the address in its place.
        self.loaded.state.invalidate(self.loaded.types.client, client.id)
        return name
    }

    /// Runs the `connect` hooks, then asks the console's.
    public func connected(_ client: Client) {
        self.notify(.connect, self.object(client))
        self.show(ConsoleEvent(kind: .connect, client: client, transport: client.origin.transport))
    }

    /// Runs the `disconnect` hooks, then asks the console's; after that scripts cannot read the client any more.
    public func disconnected(_ client: Client, reason: String) {
        self.loaded.state.invalidate(self.loaded.types.client, client.id)
        let reason = PinnedString(reason)
        let subject = HookSubject(client: client)
        self.notify(.disconnect, about: subject, self.object(client), .bytes(reason.bytes))
        self.show(
            ConsoleEvent(kind: .disconnect, client: client, reason: reason, transport: client.origin.transport),
            about: subject
        )
        self.observers.onLeave?(client)
        self.forget(client)
        self.failures.waste.move(client.id, to: client.origin.host)
        self.failures.refusedSenders.forget(client: client.id)
    }

    /// Leads a text through its hooks.
    public func relay(_ message: Message) -> Bool {
        guard let pipeline = self.loaded.pipeline else { return false }
        if !self.failures.refusedSenders.isEmpty, self.isRefused(message.sender, at: self.environment.uptime()) {
            self.hub.note(from: message.sender, isPing: false)
            // That it is refused is in the log.
            self.hub.queueSystemMessage(.withheld, to: message.sender)
            return false
        }
        let observe = self.observers.onMessage.map { onMessage in { onMessage(pipeline.trace($0)) } }
        switch pipeline.relay(message, observe) {
        case .ping: return true
        case .withheld(let kind): self.withhold(from: message.sender, kind)
        case .swallowed, .relayed: break
        }
        return false
    }

    /// Asks the `system_message` hooks.
    public func systemMessage(_ kind: SystemMessageKind, for client: Client) -> UnsafeRawBufferPointer? {
        guard !self.loaded.registry.hooks(for: .systemMessage).isEmpty else { return nil }
        let source = WasteSource.client(client.id)
        let name = PinnedString(kind.rawValue)
        let isStranger = self.hub.client(client.id) == nil
        var hasAnswer = false
        let hasFailed = self.ask(
            self.loaded.lists[.systemMessage],
            about: HookSubject(client: isStranger ? client : nil),
            from: source,
            self.loaded.schemas.systemMessage,
            self.object(client),
            .bytes(name.bytes)
        ) { answer in
            guard case .bytes(let bytes) = answer else { return }
            _ = self.keep(bytes)
            hasAnswer = true
        }
        if isStranger { self.forget(client) }
        // Who hears nothing would take the text for sent.
        if !hasAnswer, hasFailed, let words = Self.words(of: kind) { return self.keep(words) }
        return hasAnswer ? self.answerBuffer[0..<self.answerBuffer.count] : nil
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
        self.loaded.state.invalidate(types.client, client.id)
        self.loaded.state.forget(types.client, client.id)
    }
}
