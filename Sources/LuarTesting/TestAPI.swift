// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore
internal import RelayHooks

/// What files with tests see: `test`, and the objects that tests get.
enum TestAPI {
    /// Host functions.
    enum Function: Int, CaseIterable {
        case test
        case print
        case connect
        case measure
        case advance
        case mails
        case console
        case log
        case equal
        case failsWith
        case stop
        case says
        case hears
        case heard
        case leaves
        case missing
    }

    /// Host functions and methods as tests see them; `t` is the object that a test gets.
    static let functions: [(function: Function, description: APIFunction)] = {
        let texts = APIParameter("...", "string")
        let text = APIParameter("text", "string")
        return [
            (
                .test,
                APIFunction(
                    "test",
                    [
                        APIParameter("name", "string"), APIParameter("options?", "relay.TestOptions"),
                        APIParameter("fn", "fun(t: relay.Test)"),
                    ],
                    "Adds a test; its function runs with a relay of its own."
                )
            ),
            (
                .connect,
                APIFunction(
                    "t:connect",
                    [APIParameter("transport?", TransportKind.luaType), APIParameter("address?", "string")],
                    returns: ["relay.TestClient"],
                    "A client; `\"tcp\"` and an address of its own if left out. Over UDP its first text lets it in"
                )
            ),
            (.says, APIFunction("client:says", [text], "It sends a text")),
            (.leaves, APIFunction("client:leaves", [APIParameter("reason?", "string")], "It disconnects")),
            (
                .hears,
                APIFunction(
                    "client:hears",
                    [texts],
                    "Expects exactly these texts since it was last asked; without any, silence"
                )
            ),
            (.heard, APIFunction("client:heard", [], returns: ["string[]"], "All that it has heard")),
            (
                .measure,
                APIFunction(
                    "t:measure",
                    [
                        APIParameter("ms", "number|\"timeout\"|\"refused\"|\"inconclusive\""),
                        APIParameter("target?", "string"),
                    ],
                    returns: ["{ status: string?, level: integer?, held: boolean }"],
                    "Measures a target, ten seconds after the last time; `\"timeout\"` `\"refused\"` `\"inconclusive\"` in place "
                        + "of milliseconds. Answers `status` `level` `held`"
                )
            ),
            (.advance, APIFunction("t:advance", [APIParameter("seconds", "number")], "Lets time pass; timers run")),
            (
                .mails,
                APIFunction(
                    "t:mails",
                    [],
                    returns: ["{ subject: string, text: string, html: string?, to: string[] }[]"],
                    "The mails since it was last asked: `subject` `text` `html` `to`"
                )
            ),
            (
                .console,
                APIFunction("t:console", [], returns: ["string[]"], "The lines on the console since it was last asked")
            ),
            (.log, APIFunction("t:log", [], returns: ["string[]"], "The texts in the log since it was last asked")),
            (
                .equal,
                APIFunction(
                    "t:equal",
                    [APIParameter("actual", "any"), APIParameter("expected", "any")],
                    "Expects the same; tables are compared by what is in them, three deep"
                )
            ),
            (
                .failsWith,
                APIFunction(
                    "t:fails_with",
                    [text],
                    "Expects that a hook failed with this in its error. A failure that no test expects fails the test"
                )
            ),
            (.stop, APIFunction("t:stop", [], "Stops the relay")),
        ]
    }()

    /// Fields of a client.
    enum ClientField: String, CaseIterable {
        case id
        case name
        case room
        case dialect
        case here
        case reason

        var described: APIField {
            switch self {
            case .id: APIField("id", "integer?", "its `client.id`, once it is in")
            case .name: APIField("name", "string", "what it is called")
            case .room: APIField("room", "string?", "where it is")
            case .dialect: APIField("dialect", "string?", "the dialect it gets")
            case .here: APIField("here", "boolean", "whether it is connected")
            case .reason: APIField("reason", "string?", "why it is not any more")
            }
        }
    }

    /// The types of tests.
    static let described: [APIType] = [
        APIType(
            "relay.Test",
            "test",
            "What a test gets: a relay, and what to expect of it.",
            methods: methods(of: "t")
        ),
        APIType(
            "relay.TestClient",
            "client",
            "A client in a test.",
            fields: ClientField.allCases.map(\.described),
            methods: methods(of: "client")
        ),
        APIType(
            "relay.TestOptions",
            "options of a test",
            "What a test begins with.",
            fields: TestBindings.Test.options
        ),
    ]

    private static func methods(of word: String) -> [APIFunction] {
        self.functions.map(\.description).filter { $0.method?.type == word }
    }

    /// Fields of what `t:measure` returns.
    static let sampleFields = ["status", "level", "held"]

    /// The types of one state.
    struct Types {
        var test: LuaType
        var client: LuaType
    }

    /// Defines everything in a fresh state, and seals it.
    static func define(in state: LuaState) throws -> Types {
        let types = Types(
            test: try state.defineType("test", sameValue: true),
            client: try state.defineType("client", sameValue: true)
        )
        for (function, description) in self.functions {
            guard let method = description.method else { continue }
            let type = method.type == "t" ? types.test : types.client
            try state.defineField(
                method.name,
                of: type,
                .method,
                function.rawValue,
                takesTrees: function == .equal
            )
        }
        for (index, field) in ClientField.allCases.enumerated() {
            try state.defineField(field.rawValue, of: types.client, .read, index)
        }
        try state.defineFunction("test", Function.test.rawValue, keepsFunctions: true, takesTrees: true)
        try state.defineFunction("print", Function.print.rawValue)
        try state.seal(missing: Function.missing.rawValue)
        return types
    }

    /// Names that a type's fields and methods have, for suggestions.
    static func fieldNames(of type: LuaType, in types: Types) -> (type: String, names: [String]) {
        let word = type == types.test ? "test" : "client"
        let described = self.described.first { $0.word == word }
        let methods = described?.methods.compactMap { $0.method?.name } ?? []
        return (word, (described?.fields.map(\.name) ?? []) + methods)
    }
}

extension LuaValue {
    /// The value as one would write it in Lua, tables with their keys in order: equal values have equal texts.
    var written: String {
        switch self {
        case .nil: return "nil"
        case .boolean(let flag): return "\(flag)"
        case .refusal: return "false"
        case .integer(let number): return "\(number)"
        case .number(let number):
            return number == number.rounded() && abs(number) < 1e15 ? "\(Int64(number))" : "\(number)"
        case .bytes(let bytes), .leveled(let bytes, _): return Self.quoted(bytes)
        case .object(let object): return "object \(object.id)"
        case .function: return "a function"
        case .other: return "a coroutine"
        case .table(let table):
            var fields: [(key: String, order: Int64, text: String)] = []
            for index in 0..<table.count {
                let (key, value) = table.entry(index)
                switch key {
                case .integer(let position): fields.append(("", position, value.written))
                case .bytes: fields.append((key.text ?? "", .max, "\(key.text ?? "") = \(value.written)"))
                default: fields.append((key.written, .max, "[\(key.written)] = \(value.written)"))
                }
            }
            let texts = fields.sorted { ($0.order, $0.key) < ($1.order, $1.key) }.map(\.text)
            return texts.isEmpty ? "{}" : "{ \(texts.joined(separator: ", ")) }"
        }
    }

    private static func quoted(_ bytes: UnsafeRawBufferPointer) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            // Bytes that are no text are told apart, too.
            let inner = bytes.map { byte in
                (0x20..<0x7F).contains(byte)
                    ? String(UnicodeScalar(byte)) : "\\x" + String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
            }
            return "\"\(inner.joined())\""
        }
        let inner = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
        return "\"\(inner)\""
    }
}
