// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore

/// The Lua side of an engine: reads and assigns fields, calls host functions, finds modules.
final class HookBindings: LuaHost {
    /// The engine; set before the state is opened.
    ///
    /// Unsafe because it is followed several times a message; safe because the engine owns both the bindings and the
    /// state that calls them.
    @exclusivity(unchecked) unowned(unsafe) var engine: HookEngine?
    /// The load that these belong to, also while it is not accepted.
    ///
    /// Unsafe for the same reason; safe because it owns both the bindings and the state that calls them.
    @exclusivity(unchecked) unowned(unsafe) var loaded: LoadedScripts?
    /// The script being loaded at start: its path is exact, where `require` searches.
    var nextSource: LuaSource?

    /// The text under way, as the pipeline has it.
    var message: MessagePipeline? { self.loaded?.pipeline }

    func refusal(of answer: LuaValue) -> String? {
        guard let engine = self.engine else { return nil }
        switch answer {
        case .bytes(let name), .leveled(let name, _): return Self.refusal(ofStatus: name)
        default: break
        }
        switch AlertMail.read(answer, limits: engine.hub.limits) {
        case .failure(let refusal): return refusal.reason
        case .success(let mail): return engine.environment.alerts?.problem(with: mail)
        }
    }

    /// A status is shown on terminals and in the subjects of mails.
    private static func refusal(ofStatus name: UnsafeRawBufferPointer) -> String? {
        guard let text = String(validating: name, as: UTF8.self) else { return "a name that is not UTF-8" }
        if text.isEmpty { return "an empty name" }
        let hasControls = text.unicodeScalars.contains { $0.properties.generalCategory == .control }
        return hasControls ? "a name with control characters" : nil
    }

    /// The files that were loaded or required, by path.
    private(set) var found: Set<String> = []

    func find(_ name: String) -> Result<LuaSource, LuaSource.Missing> {
        if let source = self.nextSource {
            self.nextSource = nil
            self.found.insert(source.key)
            return .success(source)
        }
        guard let loaded = self.loaded else { return .failure(.init(reason: "require: no scripts")) }
        let result = loaded.scripts.find(name)
        if case .success(let source) = result { self.found.insert(source.key) }
        return result
    }

    func explain(missing key: LuaValue, in type: LuaType) -> String {
        guard let types = self.loaded?.types else { return "unknown field" }
        let (typeName, names) = HookAPI.fieldNames(of: type, in: types)
        let name = key.text ?? "[\(key.typeName)]"
        return "a \(typeName) has no field '\(name)'; \(Suggestion.phrase(for: name, among: names))"
    }

    // MARK: Fields

    func get(_ field: Int, of object: LuaObject) -> LuaResult {
        guard let engine = self.engine, let loaded = self.loaded else { return .value(.nil) }
        let types = loaded.types
        switch object.type {
        case types.client:
            guard let field = HookAPI.ClientField(rawValue: field) else { return .value(.nil) }
            return self.get(field, ofClient: object.id, engine)
        case types.message:
            guard let field = HookAPI.MessageField(rawValue: field) else { return .value(.nil) }
            guard self.message?.isCurrent(object) != false else {
                return .failure(
                    "a message is readable only in the hooks that get it, and this is an earlier one; "
                        + "keep its text or its id instead"
                )
            }
            return self.get(field, engine)
        case types.console:
            guard let field = HookAPI.ConsoleField(rawValue: field) else { return .value(.nil) }
            return self.get(field, engine, types)
        case types.server:
            guard let field = HookAPI.AddressField(rawValue: field) else { return .value(.nil) }
            return self.get(field, engine)
        case types.origin:
            guard let field = HookAPI.AddressField(rawValue: field) else { return .value(.nil) }
            return self.get(field, ofOriginIn: engine)
        default: return self.monitorField(field, of: object, engine) ?? .value(.nil)
        }
    }

    /// The client a Lua object stands for, if it can still be read.
    func client(_ id: Int64, _ engine: HookEngine) -> Client? {
        if let sender = self.message?.sender, sender.id == id { return sender }
        if let departing = engine.subject.client, departing.id == id { return departing }
        return engine.hub.client(id) ?? engine.hub.leaving(id)
    }

    private func get(_ field: HookAPI.ClientField, ofClient id: Int64, _ engine: HookEngine) -> LuaResult {
        if field == .id { return .value(.integer(id)) }
        // A client that has left has no fields any more.
        guard let client = self.client(id, engine) else { return .value(.nil) }
        switch field {
        case .id, .data: return .value(.integer(id))
        case .host: return .value(.bytes(client.host.bytes))
        case .port: return .value(.integer(Int64(client.origin.port)))
        case .address: return .value(.bytes(client.address.bytes))
        case .transport: return .text(client.origin.transport.name)
        case .framing: return .text(client.wire.name)
        case .secure: return .value(.boolean(client.origin.isSecure))
        case .since: return .value(.number(client.since))
        case .name: return .value(.bytes(client.name.bytes))
        case .room: return .value(.bytes(client.room.bytes))
        case .dialect: return .value(.bytes(engine.hub.name(of: client.dialect).bytes))
        }
    }

    private func get(_ field: HookAPI.MessageField, _ engine: HookEngine) -> LuaResult {
        guard let message = self.message, let sender = message.sender else {
            return .failure("a message is readable only inside a hook; keep its text or its id instead")
        }
        switch field {
        case .text: return .value(.bytes(message.text))
        case .size: return .value(.integer(Int64(message.text.count)))
        case .sender: return .value(engine.object(sender))
        case .time: return .value(.number(message.time))
        case .id: return .value(.integer(message.id))
        }
    }

    private func get(_ field: HookAPI.ConsoleField, _ engine: HookEngine, _ types: HookAPI.Types) -> LuaResult {
        guard let event = self.message?.consoleEvent ?? engine.subject.console else {
            return .failure("a console event is readable only inside its hook")
        }
        let label = { (label: PinnedString?) in LuaResult.value(label.map { .bytes($0.bytes) } ?? .nil) }
        switch field {
        case .kind:
            let word = event.kind.word
            return .value(.bytes(UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)))
        case .client: return .value(event.client.map { engine.object($0) } ?? .nil)
        case .text:
            guard event.isText else { return .value(.nil) }
            return .value((event.text ?? self.message?.text).map { .bytes($0) } ?? .nil)
        case .reason: return label(event.reason)
        case .address: return label(event.address)
        case .transport: return (event.origin?.transport ?? event.transport).map { .text($0.name) } ?? .value(.nil)
        case .from: return .value(event.isText ? .object(LuaObject(type: types.origin, id: 0)) : .nil)
        case .to: return event.isMessage ? .objects(types.client, self.message?.recipients ?? []) : .value(.nil)
        case .sample:
            return .value(
                event.isSample
                    ? .object(LuaObject(type: types.monitor.sample, id: engine.counts.lastMeasurement)) : .nil
            )
        case .targets: return .value(event.isSample ? .integer(Int64(engine.targets)) : .nil)
        case .status: return label(event.status)
        case .subject: return label(event.subject)
        case .recipient: return label(event.recipient)
        case .prompt: return label(event.prompt)
        }
    }

    private func get(_ field: HookAPI.AddressField, ofOriginIn engine: HookEngine) -> LuaResult {
        let event = self.message?.consoleEvent ?? engine.subject.console
        guard let origin = self.message?.sender?.origin ?? event?.origin ?? engine.subject.origin else {
            return .failure("a text's origin is readable only inside a hook; keep its fields instead")
        }
        switch field {
        case .host: return .text(origin.host)
        case .port: return .value(.integer(Int64(origin.port)))
        case .address: return .text(origin.address)
        case .transport: return .text(origin.transport.name)
        }
    }

    private func get(_ field: HookAPI.AddressField, _ engine: HookEngine) -> LuaResult {
        // Scripts get a server from events only, and these come with one.
        guard let server = engine.subject.server else { return .value(.nil) }
        switch field {
        case .host: return .text(server.host)
        case .port: return .value(.integer(Int64(server.port)))
        case .address: return .text(server.address)
        case .transport: return .text(server.transport.name)
        }
    }

    func set(_ field: Int, of object: LuaObject, to value: LuaValue) -> String? {
        guard let engine = self.engine, let loaded = self.loaded else { return "read-only" }
        let types = loaded.types
        if object.type == types.message { return "a message's fields are read-only; return the new text instead" }
        guard object.type == types.client, let field = HookAPI.ClientField(rawValue: field) else {
            return "a \(HookAPI.fieldNames(of: object.type, in: types).type)'s fields are read-only"
        }
        guard field.access == .readWrite else { return "client.\(field) is read-only" }
        guard case .bytes(let bytes) = value else {
            return "client.\(field) takes a string, not \(value.described)"
        }
        guard bytes.count <= engine.hub.limits.nameBytes else {
            return "client.\(field) may have \(engine.hub.limits.nameBytes) bytes; this has \(bytes.count)"
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            return "client.\(field) must be UTF-8; relay.utf8(text) makes it so"
        }
        if let refusal = self.refusal(ofEffect: "assigning client.\(field)") { return refusal }
        guard let client = engine.hub.client(object.id) else { return nil }
        switch field {
        case .name:
            engine.hub.rename(client, to: text)
            loaded.state.invalidate(object.type, object.id)
        case .room:
            guard engine.hub.move(client, to: text) else {
                return "client.room: the limit of \(engine.hub.limits.rooms) rooms is reached"
            }
        case .dialect:
            guard engine.hub.setDialect(text, of: client) else {
                return "client.dialect: the limit of \(engine.hub.limits.dialects) dialects is reached"
            }
        default: return "client.\(field) is read-only"
        }
        return nil
    }
}
