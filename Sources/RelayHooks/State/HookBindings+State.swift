// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore

/// A state as a script declared it; its place among those of the engine is the identity of its object.
struct DeclaredState {
    var name: String
    var options: StateOptions
    var table: StateTable
    /// Where that was.
    var script: String
    var line: Int
}

extension HookBindings {
    /// `relay.state(name, {max=, ttl=, persist=})`.
    func declareState(_ arguments: LuaArguments, _ engine: HookEngine, _ types: HookAPI.Types) -> LuaResult {
        guard let loaded = self.loaded, let states = loaded.states else {
            return .failure("relay.state works only while scripts are loaded")
        }
        guard case .bytes(let bytes) = arguments[0], let name = Self.storageName(bytes) else {
            return .failure("relay.state takes a name first, \(Self.namesAllowed), not \(Self.shown(arguments[0]))")
        }
        var options = StateOptions()
        if let problem = Self.read(arguments[1], into: &options) {
            return .failure("relay.state(\"\(name)\"): \(problem)")
        }
        if let index = loaded.declaredStates.firstIndex(where: { $0.name == name }) {
            let first = loaded.declaredStates[index]
            guard first.options == options else {
                return .failure(
                    "relay.state(\"\(name)\") has other options than in \(first.script):\(first.line); "
                        + "give both the same, or share the state by require"
                )
            }
            return .value(.object(LuaObject(type: types.state, id: Int64(index))))
        }
        guard loaded.declaredStates.count < StateLimits.states else {
            return .failure("relay.state(\"\(name)\"): the limit of \(StateLimits.states) states is reached")
        }
        let (script, line) = loaded.state.caller
        let table = states.table(name, options, at: engine.hub.clock())
        loaded.declaredStates.append(
            DeclaredState(name: name, options: options, table: table, script: script, line: line)
        )
        return .value(.object(LuaObject(type: types.state, id: Int64(loaded.declaredStates.count - 1))))
    }

    /// Reads a table of options; returns what is wrong with it, or nil.
    private static func read(_ value: LuaValue, into options: inout StateOptions) -> String? {
        guard case .table(let table) = value else {
            if case .nil = value { return nil }
            return "it takes a table of options second, not \(value.described)"
        }
        for index in 0..<table.count {
            let (key, value) = table.entry(index)
            switch (key.text ?? "", value) {
            case ("max", _):
                guard let most = value.wholeNumber, (1...Int64(StateLimits.entries)).contains(most) else {
                    return "option 'max' takes 1 to \(StateLimits.entries) entries, not \(self.shown(value))"
                }
                options.max = Int(most)
            case ("ttl", .integer(let seconds)) where seconds > 0: options.ttl = Double(seconds)
            case ("ttl", .number(let seconds)) where seconds > 0 && seconds.isFinite: options.ttl = seconds
            case ("ttl", _): return "option 'ttl' takes a number of seconds above 0, not \(self.shown(value))"
            case ("persist", .boolean(let flag)): options.isPersistent = flag
            case ("persist", _): return "option 'persist' takes true or false, not \(value.described)"
            default:
                let name = key.text ?? "[\(key.typeName)]"
                return
                    "unknown option '\(name)'; \(Suggestion.phrase(for: name, among: StateOptions.described.map(\.name)))"
            }
        }
        return nil
    }

    // MARK: Entries

    func entry(_ key: LuaValue, of object: LuaObject) -> LuaResult {
        guard let engine = self.engine, let state = self.loaded?.declaredState(object) else { return .value(.nil) }
        switch Self.key(key, of: state) {
        case .failure(let refusal): return .failure(refusal.reason)
        case .success(let key):
            switch state.table.value(key, at: engine.hub.clock()) {
            case nil: return .value(.nil)
            case .boolean(let flag)?: return .value(.boolean(flag))
            case .integer(let number)?: return .value(.integer(number))
            case .number(let number)?: return .value(.number(number))
            case .bytes(let bytes)?: return .bytes(bytes)
            }
        }
    }

    func setEntry(_ key: LuaValue, of object: LuaObject, to value: LuaValue) -> String? {
        guard let engine = self.engine, let state = self.loaded?.declaredState(object) else { return "read-only" }
        let found: StateKey
        switch Self.key(key, of: state) {
        case .failure(let refusal): return refusal.reason
        case .success(let key): found = key
        }
        let new: StateValue
        switch value {
        case .nil:
            state.table.remove(found)
            return nil
        case .boolean(let flag): new = .boolean(flag)
        case .integer(let number): new = .integer(number)
        case .number(let number): new = .number(number)
        case .bytes(let bytes):
            let limit = engine.hub.limits.messageBytes
            guard bytes.count <= limit else {
                return "state '\(state.name)': the string for key \(Self.shown(key)) has \(bytes.count) bytes, "
                    + "more than \(limit)"
            }
            new = .bytes(Array(bytes))
        default:
            return "state '\(state.name)': a value is a string, a number or a boolean, and for key "
                + "\(Self.shown(key)) it is \(value.described)"
        }
        let time = engine.hub.clock()
        let isWritten =
            self.loaded?.states?.write(found, new, to: state.table, at: time)
            ?? engine.environment.states.write(found, new, to: state.table, at: time)
        guard isWritten else {
            return "state '\(state.name)': no room for key \(Self.shown(key)): all states together may have "
                + "\(engine.environment.states.limit) bytes, \(StateLimits.entryBytes) for each entry among them"
        }
        return nil
    }

    func entryCount(of object: LuaObject) -> Int {
        guard let engine = self.engine, let state = self.loaded?.declaredState(object) else { return 0 }
        state.table.removeExpired(at: engine.hub.clock())
        return state.table.count
    }

    func listingCost(of object: LuaObject) -> Int {
        guard let engine = self.engine, let state = self.loaded?.declaredState(object) else { return 0 }
        state.table.removeExpired(at: engine.hub.clock())
        return state.table.listingCost
    }

    func listEntries(of object: LuaObject, _ add: (_ key: LuaValue, _ value: LuaValue) -> Void) {
        guard let engine = self.engine, let state = self.loaded?.declaredState(object) else { return }
        state.table.removeExpired(at: engine.hub.clock())
        state.table.visit { key, value in
            key.withLua { key in value.withLua { value in add(key, value) } }
        }
    }

    /// What is wrong with a key.
    private struct Refusal: Error {
        var reason: String
    }

    private static func key(_ value: LuaValue, of state: DeclaredState) -> Result<StateKey, Refusal> {
        // As in any table, 1.0 is the key 1.
        if let number = value.wholeNumber { return .success(.integer(number)) }
        guard case .bytes(let bytes) = value else {
            let reason = "state '\(state.name)': a key is a string or an integer, not \(self.shown(value))"
            return .failure(Refusal(reason: reason))
        }
        guard bytes.count <= StateLimits.keyBytes else {
            let reason =
                "state '\(state.name)': a key may have \(StateLimits.keyBytes) bytes; \(self.shown(value)) has \(bytes.count)"
            return .failure(Refusal(reason: reason))
        }
        return .success(.bytes(Array(bytes)))
    }

    // MARK: Names and errors

    static let namesAllowed = "1 to \(StateLimits.nameBytes) letters, digits, _, - and ."

    /// The name of a state or a file; nil if it may not be called so.
    static func storageName(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard (1...StateLimits.nameBytes).contains(bytes.count) else { return nil }
        let isAllowed = bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."): true
            default: false
            }
        }
        return isAllowed ? String(decoding: bytes, as: UTF8.self) : nil
    }

    /// A value for an error text: a string or a number itself, of others their type.
    static func shown(_ value: LuaValue) -> String {
        switch value {
        case .bytes(let bytes):
            let text = String(decoding: bytes.prefix(StateLimits.nameBytes), as: UTF8.self)
            return bytes.count > StateLimits.nameBytes ? "'\(text)…'" : "'\(text)'"
        case .integer(let number): return "\(number)"
        case .number(let number): return "\(number) (a number)"
        default: return value.described
        }
    }
}

extension LoadedScripts {
    func declaredState(_ object: LuaObject) -> DeclaredState? {
        let index = Int(object.id)
        return self.declaredStates.indices.contains(index) ? self.declaredStates[index] : nil
    }
}

extension StateKey {
    fileprivate func withLua(_ body: (LuaValue) -> Void) {
        switch self {
        case .integer(let number): body(.integer(number))
        case .bytes(let bytes): bytes.withUnsafeBytes { body(.bytes($0)) }
        }
    }
}

extension StateValue {
    fileprivate func withLua(_ body: (LuaValue) -> Void) {
        switch self {
        case .boolean(let flag): body(.boolean(flag))
        case .integer(let number): body(.integer(number))
        case .number(let number): body(.number(number))
        case .bytes(let bytes): bytes.withUnsafeBytes { body(.bytes($0)) }
        }
    }
}

extension LuaValue {
    /// An integer, or another number that is one.
    var wholeNumber: Int64? {
        switch self {
        case .integer(let number): number
        case .number(let number): Int64(exactly: number)
        default: nil
        }
    }
}
