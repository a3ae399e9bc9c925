// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import LuaScripting
import Testing

/// A small host: scripts register hooks with `relay.keep`, the test runs them with `run`, and `relay.report` hands
/// values over.
final class Probe: LuaHost {
    /// What is wrong with records that scripts answer.
    var judge: (LuaValue) -> String? = { _ in nil }

    /// A Lua value copied out of a callback.
    enum Seen: Equatable {
        case `nil`
        case boolean(Bool)
        case integer(Int64)
        case number(Double)
        case bytes([UInt8])
        case object(LuaType, Int64, payload: [UInt8])
        case function
        case table(Int)
        case refusal([UInt8])
        case leveled([UInt8], Int)
        case list([Seen])
        case other

        init(_ value: LuaValue) {
            switch value {
            case .nil: self = .nil
            case .boolean(let flag): self = .boolean(flag)
            case .integer(let integer): self = .integer(integer)
            case .number(let number): self = .number(number)
            case .bytes(let bytes): self = .bytes(Array(bytes))
            case .object(let object): self = .object(object.type, object.id, payload: Array(object.payload))
            case .function: self = .function
            case .table(let table): self = .table(table.count)
            case .refusal(let reason): self = .refusal(Array(reason))
            case .leveled(let bytes, let level): self = .leveled(Array(bytes), level)
            case .other: self = .other
            }
        }

        var text: String? {
            guard case .bytes(let bytes) = self else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// What one run brought.
    struct Outcome {
        var answers: [Seen] = []
        var errors: [LuaError] = []
        /// CPU time of this thread.
        var used = Duration.zero
    }

    /// The host functions' numbers.
    enum Function: Int, CaseIterable {
        case report, keep, fail, thing, things, note, echo, bytes, greet, caller, forget, entries, tree, record, missing
    }

    static let small = limits(memory: 8 << 20)

    static func limits(
        memory: Int,
        cpuTime: Duration = .milliseconds(50),
        instructions: Int64 = 2_000_000
    ) -> LuaLimits {
        var limits = LuaLimits()
        limits.memory = memory
        limits.hooks = .init(cpuTime: cpuTime, instructions: instructions)
        limits.loading = .init(cpuTime: .seconds(1), instructions: 50_000_000)
        return limits
    }

    var scripts: [String: [UInt8]] = [:]
    var names: [Int64: [UInt8]] = [:]
    private(set) var reports: [Seen] = []
    private(set) var entries: [(key: Seen, value: Seen)] = []
    private(set) var callers: [String] = []
    private(set) var thing = LuaType?.none
    private(set) var note = LuaType?.none
    private var hooks: [String: [LuaFunction]] = [:]
    private(set) var state: LuaState?
    private var scriptCount = 0

    init(_ limits: LuaLimits = Probe.small) throws {
        let state = try LuaState(limits: limits, host: self)
        self.state = state
        for function in Function.allCases where function != .greet && function != .missing {
            try state.defineFunction(
                "relay.\(function)",
                function.rawValue,
                keepsFunctions: function == .keep,
                takesTrees: function == .tree
            )
        }
        try state.defineFunction("print", Function.report.rawValue)
        try state.defineFunction("relay.deep.report", Function.report.rawValue)
        try state.defineConstant("relay.api", .integer(1))
        try state.defineLibrary("relay.json.decode", .jsonDecode)
        try state.defineLibrary("relay.json.encode", .jsonEncode)
        try state.defineLibrary("relay.json.null", .jsonNull)
        try state.defineLibrary("relay.json.empty_array", .jsonEmptyArray)
        let thing = try state.defineType("thing", sameValue: true)
        try state.defineField("id", of: thing, .read, 0)
        try state.defineField("name", of: thing, .readWrite, 1)
        try state.defineField("broken", of: thing, .read, 2)
        try state.defineField("data", of: thing, .data, 3)
        try state.defineField("greet", of: thing, .method, Function.greet.rawValue)
        self.thing = thing
        let note = try state.defineType("note", sameValue: false)
        try state.defineField("id", of: note, .read, 0)
        self.note = note
        try state.seal(missing: Function.missing.rawValue)
    }

    var memory: Int { self.state?.memory ?? 0 }
    /// Values reported as text.
    var texts: [String] { self.reports.compactMap(\.text) }
    /// The last value reported.
    var last: Seen? { self.reports.last }

    // MARK: What a test does

    /// Loads a text as a script of its own.
    func load(_ text: String, as name: String? = nil) throws {
        self.scriptCount += 1
        let name = name ?? "script\(self.scriptCount)"
        self.scripts[name] = Array(text.utf8)
        try self.require(name)
    }

    /// Loads a script by name.
    func require(_ name: String) throws {
        self.state?.beginLoading()
        try self.state?.load(name)
    }

    /// Runs the hooks of an event.
    ///
    /// With the file number of each hook these have shares of the reserve; without, there is only what all share.
    @discardableResult
    func run(
        _ event: String,
        _ first: LuaValue? = nil,
        answer: LuaAnswerSchema? = nil,
        files: [Int32] = [],
        hasSpareMemory: Bool = false,
    ) -> Outcome {
        let hooks = (self.hooks[event] ?? []).enumerated()
            .map { index, function in
                LuaHook(function, file: index < files.count ? files[index] : -1, hasSpareMemory: hasSpareMemory)
            }
        var calls = LuaCalls(LuaHookList(hooks), schema: answer, first)
        var outcome = Outcome()
        guard let state else { return outcome }
        let start = Self.cpuTime()
        state.beginRun(files: Set(files).count)
        while calls.next < hooks.count {
            // One by one where answers are of interest, all at once where they are not.
            switch state.call(&calls, atMost: answer == nil ? .max : 1) {
            case .called, .held: outcome.answers.append(.nil)
            case .answered(.table(let table)):
                outcome.answers.append(.list((0..<table.count).map { Seen(table.entry($0).value) }))
            case .answered(let value): outcome.answers.append(Seen(value))
            case .failed(let error):
                outcome.errors.append(error)
                outcome.answers.append(.nil)
            }
        }
        state.endRun()
        outcome.used = Self.cpuTime() - start
        return outcome
    }

    /// Runs a text as the only hook of an event of its own and returns its error, if any.
    @discardableResult
    func attempt(_ text: String) throws -> LuaError? {
        let event = "attempt\(self.scriptCount)"
        try self.load("relay.keep('\(event)', function()\n\(text)\nend)")
        return self.run(event).errors.first
    }

    /// The functions that scripts keep for an event.
    func functions(_ event: String) -> [LuaFunction] { self.hooks[event] ?? [] }

    /// The things' data, on its way to another probe.
    func pack() throws(LuaDataSnapshot.Refusal) -> LuaDataSnapshot? {
        guard let state, let thing else { return nil }
        return try state.pack(dataOf: thing)
    }

    /// Takes over the things' data of another probe.
    func unpack(_ snapshot: LuaDataSnapshot) throws(LuaError) {
        guard let state, let thing else { return }
        try state.unpack(snapshot, as: thing)
    }

    /// The value of an expression.
    func value(_ expression: String) throws -> Seen? {
        let error = try self.attempt("relay.report((\(expression)))")
        try #require(error == nil, "\(expression): \(error?.message ?? "")")
        return self.last
    }

    /// Checks that hooks, calls, coroutines and allocation work as on the first day.
    func expectHealthy(sourceLocation: SourceLocation = #_sourceLocation) throws {
        let error = try self.attempt(
            """
            local sum = 0
            for i = 1, 20000 do sum = sum + i end
            local co = coroutine.wrap(function(a) local b = coroutine.yield(a + 1); return b * 2 end)
            local ok, why = pcall(error, "caught", 0)
            local text = table.concat({ co(1), co(21), tostring(ok), why, string.rep("ab", 3) }, " ")
            relay.report(sum .. " " .. text)
            """
        )
        #expect(error == nil, "the next run failed", sourceLocation: sourceLocation)
        #expect(self.last?.text == "200010000 2 42 false caught ababab", sourceLocation: sourceLocation)
    }

    private static func cpuTime() -> Duration {
        var now = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now)
        return .seconds(now.tv_sec) + .nanoseconds(now.tv_nsec)
    }

    // MARK: LuaHost

    func refusal(of answer: LuaValue) -> String? { self.judge(answer) }

    func get(_ field: Int, of object: LuaObject) -> LuaResult {
        switch field {
        case 0: .value(.integer(object.id))
        case 1: .text(String(decoding: self.names[object.id] ?? [], as: UTF8.self))
        default: .failure("this field cannot be read today")
        }
    }

    func explain(missing key: LuaValue, in type: LuaType) -> String {
        "a thing has no field '\(key.text ?? key.typeName)'; there is 'name'"
    }

    func set(_ field: Int, of object: LuaObject, to value: LuaValue) -> String? {
        guard field != 0 else { return "thing.id is read-only" }
        guard case .bytes(let bytes) = value else { return "thing.name takes a string, not a \(value.typeName)" }
        self.names[object.id] = Array(bytes)
        return nil
    }

    func call(_ function: Int, _ arguments: LuaArguments) -> LuaResult {
        guard let function = Function(rawValue: function), let thing, let note else {
            return .failure("unknown function")
        }
        switch function {
        case .report:
            for index in 0..<max(1, arguments.count) { self.reports.append(Seen(arguments[index])) }
            return .value(.nil)
        case .keep:
            guard let event = arguments[0].text else { return .failure("keep(event, function): no event") }
            guard case .function(let hook) = arguments[1] else {
                return .failure("keep(event, function): no function")
            }
            self.hooks[event, default: []].append(hook)
            return .value(.nil)
        case .fail: return .failure(arguments[0].text ?? "failed")
        case .thing:
            guard case .integer(let id) = arguments[0] else { return .failure("thing(id): an integer") }
            return .value(.object(LuaObject(type: thing, id: id)))
        case .things: return .objects(thing, [1, 2, 3])
        case .note: return .object(note, 7, payload: [0, 255, 65])
        case .echo: return .argument(0)
        case .bytes: return .text("ol\u{e1}\0")
        case .greet:
            guard case .object(let object) = arguments[0] else { return .failure("no object") }
            return .text("thing \(object.id) greets \(arguments[1].text ?? "nobody")")
        case .caller:
            let caller = self.state?.caller
            self.callers.append("\(caller?.script ?? ""):\(caller?.line ?? 0)")
            return .value(.nil)
        case .forget:
            guard case .integer(let id) = arguments[0] else { return .failure("forget(id): an integer") }
            self.state?.forget(thing, id)
            return .value(.nil)
        case .entries:
            guard case .table(let table) = arguments[0] else { return .failure("entries(table): no table") }
            for index in 0..<table.count {
                let entry = table.entry(index)
                self.entries.append((Seen(entry.key), Seen(entry.value)))
            }
            return .value(.nil)
        case .tree: return .text(Self.described(arguments[0]))
        case .record:
            return .record(
                name: "the record",
                [
                    "n": .integer(7), "x": .number(1.5), "t": .text("ol\u{e1}\0"), "b": .boolean(false),
                    "list": .list([.text("a"), .text("b")]), "map": .map(["k": .list([.integer(1)])]),
                    "none": .list([]),
                ]
            )
        case .missing:
            return .failure("\(arguments[0].text ?? "?") has no '\(arguments[1].text ?? arguments[1].typeName)'")
        }
    }

    /// A value with everything in it, as text.
    static func described(_ value: LuaValue) -> String {
        switch value {
        case .nil: "nil"
        case .boolean(let flag): "\(flag)"
        case .integer(let number): "\(number)"
        case .number(let number): "\(number)"
        case .table(let table):
            "{"
                + (0..<table.count).map { table.entry($0) }
                .map { "\(self.described($0.key))=\(self.described($0.value))" }.sorted().joined(separator: ",") + "}"
        default: value.text ?? value.typeName
        }
    }

    func find(_ name: String) -> Result<LuaSource, LuaSource.Missing> {
        guard let text = self.scripts[name] else { return .failure(.init(reason: "require: there is no '\(name)'")) }
        return .success(LuaSource(key: name, name: "\(name).lua", text: text))
    }
}
