// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Logging
internal import LuaScripting
internal import RelayCore

extension HookBindings {
    /// What a log line shows of a script's text and fields together, in bytes.
    private static let longestLogText = 8 << 10

    func call(_ function: Int, _ arguments: LuaArguments) -> LuaResult {
        guard let engine = self.engine, let loaded = self.loaded, let function = HookAPI.Function(rawValue: function)
        else { return .failure("relay is not available yet") }
        let types = loaded.types
        switch function {
        case .on: return self.register(arguments, isDefault: false, engine, loaded)
        case .setDefault: return self.register(arguments, isDefault: true, engine, loaded)
        case .settings: return self.declareSettings(arguments, loaded)
        case .room: return self.room(arguments, engine, types)
        case .only: return self.only(arguments, types)
        case .send: return self.send(arguments, engine, types)
        case .client: return self.findClient(arguments, engine)
        case .clients: return self.clients(arguments, engine, types)
        case .utf8: return self.repair(arguments)
        case .line: return self.makeLine(arguments)
        case .now: return .value(.number(engine.hub.clock()))
        case .logDebug: return self.log(.debug, arguments, engine)
        case .logInfo: return self.log(.info, arguments, engine)
        case .logWarn: return self.log(.warning, arguments, engine)
        case .logError: return self.log(.error, arguments, engine)
        case .print: return self.log(.notice, arguments, engine)
        case .clientSend: return self.sendToClient(arguments, engine, types)
        case .clientClose: return self.closeClient(arguments, engine)
        case .mail: return self.sendMail(arguments, engine, loaded)
        case .sync: return self.syncState(arguments, engine, loaded)
        case .every, .after, .daily:
            return self.addTimer(function, arguments, engine, loaded)
        case .pending: return self.makePending(arguments, engine, loaded)
        case .pendingAnswer: return self.givePending(arguments, engine, loaded)
        case .timerCancel: return self.cancelTimer(arguments, engine, loaded)
        case .state: return self.declareState(arguments, engine, types)
        case .metricsCount, .metricsGauge: return self.noteMetric(function, arguments, loaded)
        case .file: return self.declareFile(arguments, engine, types)
        case .fileWrite: return self.writeToFile(arguments, engine)
        case .missing:
            let path = arguments[0].text ?? "relay"
            let name = arguments[1].text ?? "[\(arguments[1].typeName)]"
            // A secret that nobody has set.
            if loaded.settings.names(inTable: path)?.contains(name) == true { return .value(.nil) }
            return .failure(
                "\(path) has no '\(name)'; \(Suggestion.phrase(for: name, among: self.names(in: path, engine, loaded)))"
            )
        }
    }

    /// The names that a table of the API has.
    private func names(in path: String, _ engine: HookEngine, _ loaded: LoadedScripts) -> [String] {
        if let settings = loaded.settings.names(inTable: path) { return settings }
        let names = HookAPI.paths(in: engine.environment.program)
            .compactMap { full -> String? in
                guard full.hasPrefix(path + ".") else { return nil }
                return full.dropFirst(path.count + 1).split(separator: ".").first.map { String($0) }
            }
        return Array(Set(names))
    }

    // MARK: Registering

    private func register(
        _ arguments: LuaArguments,
        isDefault: Bool,
        _ engine: HookEngine,
        _ loaded: LoadedScripts
    ) -> LuaResult {
        let caller = isDefault ? "relay.default" : "relay.on"
        guard loaded.isLoading else { return .failure("\(caller) works only while scripts are loaded") }
        guard let name = arguments[0].text else {
            return .failure("\(caller) takes an event's name first, not \(arguments[0].described)")
        }
        guard let event = HookEvent(name: name), event.program == engine.environment.program else {
            return .failure(self.refusal(ofEvent: name, engine))
        }
        var options = HookOptions(onError: event.onError)
        var function = arguments[1]
        if case .table(let table) = function {
            if let problem = options.read(table, event: event, isDefault: isDefault) { return .failure(problem) }
            function = arguments[2]
        }
        guard case .function(let reference) = function else {
            return .failure(
                "\(caller)(\"\(name)\", …) takes a function \(arguments.count > 2 ? "third" : "second"), "
                    + "not \(function.described)"
            )
        }
        if case .function = arguments[1], arguments.count > 2 {
            return .failure("\(caller): options go between the event and the function")
        }
        if let problem = engine.reserve(dialect: options.dialect) { return .failure(problem) }
        let (script, line) = loaded.state.caller
        let hook = Hook(
            event: event,
            function: reference,
            order: options.order,
            onError: options.onError,
            dialect: options.dialect,
            transport: options.transport,
            isDefault: isDefault,
            script: script,
            line: line
        )
        do {
            try loaded.registry.add(hook, limit: engine.hub.limits.hooks)
            return .value(.nil)
        } catch {
            return .failure("\(caller): \(error.reason)")
        }
    }

    private func declareSettings(_ arguments: LuaArguments, _ loaded: LoadedScripts) -> LuaResult {
        guard loaded.isLoading else { return .failure("relay.settings works only while scripts are loaded") }
        guard case .table(let table) = arguments[0] else {
            return .failure("relay.settings takes a table of settings, not \(arguments[0].described)")
        }
        // The namespace is the file's name: what operators see.
        let file = loaded.state.caller.script.split(separator: "/").last ?? ""
        return loaded.settings.declare(table, namespace: String(file.hasSuffix(".lua") ? file.dropLast(4) : file))
    }

    private func refusal(ofEvent name: String, _ engine: HookEngine) -> String {
        let names = HookEvent.names(of: engine.environment.program)
        guard HookEvent(name: name) != nil else {
            return "unknown event '\(name)'; \(Suggestion.phrase(for: name, among: names))"
        }
        let known = names.sorted().joined(separator: " ")
        switch engine.environment.program {
        case .chat: return "event '\(name)' is the relay's, and this runs in the chat client; known: \(known)"
        case .relay: return "event '\(name)' is the chat client's, which loads chat.lua alone; known: \(known)"
        }
    }

    // MARK: Routes and clients

    private func room(_ arguments: LuaArguments, _ engine: HookEngine, _ types: HookAPI.Types) -> LuaResult {
        guard case .bytes(let name) = arguments[0] else {
            return .failure("relay.room takes a room's name, not \(arguments[0].described)")
        }
        guard name.count <= engine.hub.limits.nameBytes else {
            return .failure("relay.room: a name may have \(engine.hub.limits.nameBytes) bytes; this has \(name.count)")
        }
        let kind = HookAPI.RouteKind.room.rawValue
        return .value(.object(LuaObject(type: types.route, id: kind, payload: name)))
    }

    private func only(_ arguments: LuaArguments, _ types: HookAPI.Types) -> LuaResult {
        var bytes: [UInt8] = []
        for index in 0..<arguments.count {
            guard case .object(let object) = arguments[index], object.type == types.client else {
                return .failure("relay.only takes clients; argument \(index + 1) is \(arguments[index].described)")
            }
            withUnsafeBytes(of: object.id) { bytes.append(contentsOf: $0) }
        }
        return .object(types.route, HookAPI.RouteKind.only.rawValue, payload: bytes)
    }

    private func send(_ arguments: LuaArguments, _ engine: HookEngine, _ types: HookAPI.Types) -> LuaResult {
        guard case .object(let object) = arguments[0], object.type == types.route else {
            return .failure(
                "relay.send takes a route first (relay.others, relay.everyone, relay.room, relay.only), "
                    + "not \(arguments[0].described)"
            )
        }
        guard case .bytes(let text) = arguments[1] else {
            return .failure("relay.send takes a string second, not \(arguments[1].described)")
        }
        if let refusal = self.refusal(ofEffect: "relay.send") { return .failure(refusal) }
        if let problem = self.refusal(text, engine) { return .failure("relay.send: \(problem)") }
        let sender = self.message?.sender
        let route = Route(object)
        if case .others = route, sender == nil {
            return .failure("relay.send: relay.others needs a message; name a room with relay.room instead")
        }
        return .value(.integer(Int64(engine.hub.send(text, to: route, from: sender))))
    }

    private func findClient(_ arguments: LuaArguments, _ engine: HookEngine) -> LuaResult {
        guard case .integer(let id) = arguments[0] else {
            return .failure("relay.client takes a client's id, an integer, not \(arguments[0].described)")
        }
        return .value(engine.hub.client(id).map { engine.object($0) } ?? .nil)
    }

    private func clients(_ arguments: LuaArguments, _ engine: HookEngine, _ types: HookAPI.Types) -> LuaResult {
        switch arguments[0] {
        case .nil: return .objects(types.client, engine.hub.clients().map(\.id))
        // A room's name cannot be longer, and decoding takes its time.
        case .bytes(let room) where room.count > engine.hub.limits.nameBytes: return .objects(types.client, [])
        case .bytes(let room):
            let name = String(decoding: room, as: UTF8.self)
            return .objects(types.client, engine.hub.clients(in: name).map(\.id))
        default: return .failure("relay.clients takes a room's name or nothing, not \(arguments[0].described)")
        }
    }

    private func sendToClient(_ arguments: LuaArguments, _ engine: HookEngine, _ types: HookAPI.Types) -> LuaResult {
        guard case .object(let object) = arguments[0] else { return .failure("client:send is called with a colon") }
        guard case .bytes(let text) = arguments[1] else {
            return .failure("client:send takes a string, not \(arguments[1].described)")
        }
        if let refusal = self.refusal(ofEffect: "client:send") { return .failure(refusal) }
        if let problem = self.refusal(text, engine) { return .failure("client:send: \(problem)") }
        guard let client = engine.hub.client(object.id) else { return .value(.boolean(false)) }
        return .value(.boolean(engine.hub.send(text, to: client)))
    }

    private func closeClient(_ arguments: LuaArguments, _ engine: HookEngine) -> LuaResult {
        guard case .object(let object) = arguments[0] else { return .failure("client:close is called with a colon") }
        let reason: String
        switch arguments[1] {
        case .nil: reason = "closed"
        case .bytes(let bytes): reason = String(decoding: bytes.prefix(engine.hub.limits.nameBytes), as: UTF8.self)
        default: return .failure("client:close takes a reason, a string, not \(arguments[1].described)")
        }
        if let refusal = self.refusal(ofEffect: "client:close") { return .failure(refusal) }
        guard let client = engine.hub.client(object.id) else { return .value(.boolean(false)) }
        engine.hub.close(client, reason: reason)
        return .value(.boolean(true))
    }

    /// Why something may not be done to clients now, if so: a load that fails must have done nothing.
    func refusal(ofEffect what: String) -> String? {
        self.loaded?.isLoading == true ? "\(what) works only in hooks and timers, not while scripts are loaded" : nil
    }

    /// Why a text may not be sent, if so.
    private func refusal(_ text: UnsafeRawBufferPointer, _ engine: HookEngine) -> String? {
        let limit = engine.hub.limits.answerBytes
        if engine.hub.isOutputFull {
            return "scripts have sent \(engine.hub.limits.outputBytes) bytes in this tick, which is the limit"
        }
        return text.count <= limit ? nil : "a text may have \(limit) bytes; this has \(text.count)"
    }

    // MARK: Texts and the log

    private func repair(_ arguments: LuaArguments) -> LuaResult {
        guard case .bytes(let bytes) = arguments[0] else {
            return .failure("relay.utf8 takes a string, not \(arguments[0].described)")
        }
        if Self.isASCII(bytes) || String(validating: bytes, as: UTF8.self) != nil { return .argument(0) }
        return .bytes(UTF8Repair.repaired(bytes))
    }

    private func makeLine(_ arguments: LuaArguments) -> LuaResult {
        guard case .bytes(let bytes) = arguments[0] else {
            return .failure("relay.line takes a string, not \(arguments[0].described)")
        }
        if LineText.isPlain(bytes) { return .argument(0) }
        return LineText.made(of: bytes).map { .bytes($0) } ?? .argument(0)
    }

    /// Whether all bytes are below 0x80, eight at a time.
    private static func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        var seen: UInt64 = 0
        while index + 8 <= bytes.count {
            seen |= bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            index += 8
        }
        while index < bytes.count {
            seen |= UInt64(bytes[index])
            index += 1
        }
        return seen & 0x8080_8080_8080_8080 == 0
    }

    private func log(_ level: Logger.Level, _ arguments: LuaArguments, _ engine: HookEngine) -> LuaResult {
        guard case .bytes(let text) = arguments[0] else {
            return .failure("a log text is a string, not \(arguments[0].described)")
        }
        guard engine.environment.logger.logLevel <= level else { return .value(.nil) }
        let (script, line) = self.loaded?.state.caller ?? ("", 0)
        var metadata: Logger.Metadata = ["script": "\(script):\(line)"]
        // Only what the line can show is decoded: a script may give the same long string sixty times.
        var room = Self.longestLogText
        let shown = Self.cut(text, to: &room)
        switch arguments[1] {
        case .nil: break
        case .table(let table):
            for index in 0..<table.count {
                let (key, value) = table.entry(index)
                metadata["script.\(Self.show(key, room: &room))"] = "\(Self.show(value, room: &room))"
            }
        default: return .failure("log fields are a table, not \(arguments[1].described)")
        }
        let isHeld =
            self.loaded.map { loaded in
                loaded.isLoading && loaded.hold(LoadedScripts.LogLine(level: level, text: shown, metadata: metadata))
            } ?? false
        if !isHeld { engine.environment.logger.log(level: level, "\(shown)", metadata: metadata) }
        return .value(.nil)
    }

    private static func show(_ value: LuaValue, room: inout Int) -> String {
        switch value {
        case .nil: "nil"
        case .boolean(let flag): "\(flag)"
        case .integer(let number): "\(number)"
        case .number(let number): "\(number)"
        case .bytes(let bytes), .leveled(let bytes, _): Self.cut(bytes, to: &room)
        case .object(let object): "\(object.id)"
        case .function, .table, .refusal, .other: "(\(value.typeName))"
        }
    }

    /// The beginning of a text, as much as there is room for; takes that from the room.
    private static func cut(_ bytes: UnsafeRawBufferPointer, to room: inout Int) -> String {
        guard bytes.count > room else {
            room -= bytes.count
            return String(decoding: bytes, as: UTF8.self)
        }
        var end = max(0, room)
        // Not within a character, whose further bytes begin with 10.
        while end > 0, end > room - 4, bytes[end] & 0xC0 == 0x80 { end -= 1 }
        room = 0
        return String(decoding: bytes[..<end], as: UTF8.self) + "…"
    }
}
