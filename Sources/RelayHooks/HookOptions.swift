// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore

/// What `relay.on` and `relay.default` take in their options table.
struct HookOptions {
    /// What all hooks take.
    static let common = [
        APIField("order", "number?", "lower ones run first; 100 unless told"),
        APIField(
            "on_error",
            "\"skip\"|\"block\"|\"fail\"|nil",
            "what a failure counts as, nil or `false`; `skip` unless told, for `admit` and `chat_send` `block`. `fail`, for `message` alone, is as "
                + "`block`, and tells the sender that a command failed"
        ),
    ]
    /// What `format` takes beside.
    static let ofFormat = [APIField("dialect", "string?", "whose texts it formats: clients with this `client.dialect`")]
    /// What `ping` takes beside.
    static let ofPing = [
        APIField("transport", "\(TransportKind.luaType)|nil", "the one transport whose texts it is asked about")
    ]

    private static let names = (common + ofFormat + ofPing).map(\.name)

    var order = 100.0
    var onError: Hook.OnError
    var dialect = "plain"
    var transport: TransportKind?

    init(onError: Hook.OnError) { self.onError = onError }

    private static func choices(for event: HookEvent) -> String {
        event == .message ? "\"skip\", \"block\" or \"fail\"" : "\"skip\" or \"block\""
    }

    /// Reads a table; returns what is wrong with it, or nil.
    mutating func read(_ table: LuaTable, event: HookEvent, isDefault: Bool) -> String? {
        for index in 0..<table.count {
            let (key, value) = table.entry(index)
            guard let name = key.text else { return "options have names, and one of these is a \(key.typeName)" }
            switch (name, value) {
            case ("order", _) where isDefault: return "a default has no order: it comes after all other hooks"
            case ("order", .integer(let order)): self.order = Double(order)
            case ("order", .number(let order)) where order.isFinite: self.order = order
            case ("order", _): return "option 'order' takes a number"
            case ("on_error", .bytes):
                guard let onError = Hook.OnError(rawValue: value.text ?? "") else {
                    return "option 'on_error' takes \(Self.choices(for: event)), not \"\(value.text ?? "")\""
                }
                guard onError != .fail || event == .message else {
                    return "option 'on_error' takes \"fail\" for 'message' only; \"block\" is the same without a word"
                }
                self.onError = onError
            case ("on_error", _): return "option 'on_error' takes \(Self.choices(for: event))"
            case ("dialect", _) where event != .format: return "option 'dialect' goes with 'format' only"
            case ("dialect", .bytes): self.dialect = value.text ?? ""
            case ("dialect", _): return "option 'dialect' takes a dialect's name"
            case ("transport", _) where event != .ping: return "option 'transport' goes with 'ping' only"
            case ("transport", _):
                guard case .bytes = value, let transport = TransportKind(named: value.text ?? "") else {
                    return "option 'transport' takes \(TransportKind.luaChoices)"
                }
                self.transport = transport
            default:
                return "unknown option '\(name)'; \(Suggestion.phrase(for: name, among: Self.names))"
            }
        }
        return nil
    }
}
