// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting

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

    /// Methods of the object that a test gets.
    static let testMethods: [(name: String, function: Function)] = [
        ("connect", .connect), ("measure", .measure), ("advance", .advance), ("mails", .mails), ("console", .console),
        ("log", .log), ("equal", .equal), ("fails_with", .failsWith), ("stop", .stop),
    ]

    /// Methods of a client.
    static let clientMethods: [(name: String, function: Function)] = [
        ("says", .says), ("hears", .hears), ("heard", .heard), ("leaves", .leaves),
    ]

    /// Fields of a client.
    enum ClientField: String, CaseIterable {
        case id
        case name
        case room
        case dialect
        case here
        case reason
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
        for (name, function) in self.testMethods {
            try state.defineField(name, of: types.test, .method, function.rawValue, takesTrees: function == .equal)
        }
        for (name, function) in self.clientMethods {
            try state.defineField(name, of: types.client, .method, function.rawValue)
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
        type == types.test
            ? ("test", self.testMethods.map(\.name))
            : ("client", ClientField.allCases.map(\.rawValue) + self.clientMethods.map(\.name))
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
        case .bytes(let bytes), .leveled(let bytes, _): return Self.quoted(String(decoding: bytes, as: UTF8.self))
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

    private static func quoted(_ text: String) -> String {
        let inner = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
        return "\"\(inner)\""
    }
}
