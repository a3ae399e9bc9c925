// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import LuaScripting
import Testing

/// Objects whose keys are the scripts' own, at the border between Lua and Swift.
@Suite struct KeyedTests {
    /// A host with one keyed object, `shelf`, and one function, `report`.
    private final class Shelf: LuaHost {
        var entries: [(key: [UInt8], value: Int64)] = []
        var reports: [String] = []
        private(set) var state: LuaState?
        private var script: [UInt8] = []

        init(memory: Int = 8 << 20) throws {
            let limits = LuaLimits()
            let state = try LuaState(
                limits: {
                    var all = limits
                    all.memory = memory
                    return all
                }(),
                host: self
            )
            self.state = state
            let type = try state.defineType("shelf", sameValue: true, keyed: true)
            try state.defineFunction("report", 0)
            try state.defineConstant("shelf", .object(LuaObject(type: type, id: 5)))
            try state.seal(missing: 1)
        }

        func run(_ text: String) throws {
            self.script = Array(text.utf8)
            self.state?.beginLoading()
            try self.state?.load("script\(self.reports.count)-\(text.hashValue)")
        }

        func entry(_ key: LuaValue, of object: LuaObject) -> LuaResult {
            guard case .bytes(let bytes) = key else { return .failure("no key: \(key.described)") }
            guard let entry = self.entries.first(where: { $0.key.elementsEqual(bytes) }) else { return .value(.nil) }
            return .value(.integer(entry.value))
        }

        func setEntry(_ key: LuaValue, of object: LuaObject, to value: LuaValue) -> String? {
            guard object.id == 5, case .bytes(let bytes) = key else { return "no key: \(key.described)" }
            let key = Array(bytes)
            self.entries.removeAll { $0.key == key }
            if case .integer(let number) = value { self.entries.append((key, number)) }
            return nil
        }

        func entryCount(of object: LuaObject) -> Int { self.entries.count }

        func listEntries(of object: LuaObject, _ add: (_ key: LuaValue, _ value: LuaValue) -> Void) {
            for entry in self.entries {
                entry.key.withUnsafeBytes { key in
                    // A key without bytes has no address either.
                    add(.bytes(key), entry.value < 0 ? .bytes(key) : .integer(entry.value))
                }
            }
        }

        func call(_ function: Int, _ arguments: LuaArguments) -> LuaResult {
            guard function == 0 else { return .failure("there is no '\(arguments[1].text ?? "")'") }
            self.reports.append(arguments[0].text ?? arguments[0].described)
            return .value(.nil)
        }

        func find(_ name: String) -> Result<LuaSource, LuaSource.Missing> {
            .success(LuaSource(key: name, name: "script.lua", text: self.script))
        }

        func get(_ field: Int, of object: LuaObject) -> LuaResult { .failure("a keyed object has no fields") }
        func set(_ field: Int, of object: LuaObject, to value: LuaValue) -> String? { "a keyed object has no fields" }
        func explain(missing key: LuaValue, in type: LuaType) -> String { "a keyed object has no fields" }
        func refusal(of answer: LuaValue) -> String? { nil }
    }

    @Test func `reads, writes, length and pairs all go to the host, names of methods too`() throws {
        let shelf = try Shelf()
        try shelf.run(
            #"""
            shelf["a\0b"], shelf.name, shelf[""], shelf.__index = -4, 2, 3, 1
            report(tostring(shelf.__index) .. shelf.name .. shelf[""] .. shelf["a\0b"] .. #shelf)
            shelf.name = nil
            local all = {}
            for key, value in pairs(shelf) do all[#all + 1] = #key .. ":" .. tostring(value):gsub("\0", "0") end
            report(table.concat(all, " "))
            report(tostring(shelf.absent))
            """#
        )
        #expect(shelf.reports == ["123-44", "7:1 0:3 3:a0b", "nil"])
    }

    @Test(arguments: [
        ("shelf[1] = 2", "script.lua:1: no key: a number"), ("return shelf[{}]", "script.lua:1: no key: a table"),
        ("shelf()", "attempt to call a shelf value"), ("next(shelf)", "table expected, got shelf"),
        ("setmetatable(shelf, {})", "table expected, got shelf"),
        ("rawset(shelf, 'a', 1)", "table expected, got shelf"),
    ])
    func `what the host refuses, and what only tables can, is an error at the script's line`(
        text: String,
        expected: String
    ) throws {
        let shelf = try Shelf()
        let error = try #require(throws: LuaError.self) { try shelf.run(text) }
        #expect(error.message.contains(expected), "\(error.message)")
        try shelf.run("report(getmetatable(shelf))")
        #expect(shelf.reports == ["locked"])
    }

    @Test func `a listing that Lua's memory does not hold is an error, and all goes on`() throws {
        let shelf = try Shelf(memory: 2 << 20)
        for number in 0..<3_000 {
            shelf.entries.append((Array("\(number)".utf8) + .init(repeating: 120, count: 1_000), 1))
        }
        let error = try #require(throws: LuaError.self) { try shelf.run("for key in pairs(shelf) do end") }
        #expect(error.kind == .memory)
        shelf.entries.removeLast(2_990)
        try shelf.run("local n = 0 for _ in pairs(shelf) do n = n + 1 end report('n' .. n)")
        #expect(shelf.reports == ["n10"])
    }
}
