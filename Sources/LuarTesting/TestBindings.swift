// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayHooks

/// The Lua side of one file of tests: collects its tests, and does what the one that runs asks for.
///
/// The file has a Lua state of its own, beside that of the harness whose scripts it tests.
final class TestBindings: LuaHost {
    /// A test that the file has.
    struct Test {
        var name: String
        var function: LuaFunction?
        var settings: [(name: String, value: String)] = []
        /// When it begins, as `2026-01-05 23:00`.
        var start: String?
        var line: Int
    }

    /// What an expectation that was not met, or an error of the test's own, says.
    typealias Failure = ScriptTestReport.Failure

    private let scripts: ScriptSet
    private let file: LuaSource
    private var isFileFound = false
    /// Set once the state is open.
    unowned(unsafe) var state: LuaState?
    var types: TestAPI.Types?
    /// The tests, in order.
    private(set) var tests: [Test] = []
    private var isCollecting = true

    // The test that runs.
    private(set) var harness: HookHarness?
    private(set) var clients: [HarnessClient] = []
    /// How much of what the harness keeps the test has asked for.
    var seen = (mails: 0, console: 0, log: 0, failures: 0)
    var failure: Failure?
    /// What it printed.
    var printed: [String] = []

    init(scripts: ScriptSet, file: LuaSource) {
        self.scripts = scripts
        self.file = file
    }

    // MARK: Running

    /// Readies a harness for a test.
    func begin(on harness: HookHarness) {
        self.isCollecting = false
        for index in self.clients.indices { self.forget(index) }
        self.clients = []
        self.seen = (0, 0, 0, 0)
        self.failure = nil
        self.printed = []
        self.harness = harness
    }

    /// What a test's function is called with.
    var argument: LuaValue? { self.types.map { .object(LuaObject(type: $0.test, id: 0)) } }

    /// Lets go of the harness.
    func end() { self.harness = nil }

    private func forget(_ index: Int) {
        if let types = self.types { self.state?.forget(types.client, Int64(index)) }
    }

    func refusal(of answer: LuaValue) -> String? { nil }

    func find(_ name: String) -> Result<LuaSource, LuaSource.Missing> {
        guard !self.isFileFound else { return self.scripts.find(name) }
        self.isFileFound = true
        return .success(self.file)
    }

    /// Where the test stands now, as `file:line`.
    var place: String {
        let (script, line) = self.state?.caller ?? ("", 0)
        return "\(script):\(line)"
    }

    /// Adds a client.
    func add(_ client: HarnessClient) -> LuaResult {
        guard let types = self.types else { return .value(.nil) }
        self.clients.append(client)
        return .value(.object(LuaObject(type: types.client, id: Int64(self.clients.count - 1))))
    }

    // MARK: Fields

    func get(_ field: Int, of object: LuaObject) -> LuaResult {
        guard object.type == self.types?.client, self.clients.indices.contains(Int(object.id)) else {
            return .value(.nil)
        }
        let client = self.clients[Int(object.id)]
        let text = { (text: String?) -> LuaResult in text.map { .text($0) } ?? .value(.nil) }
        switch TestAPI.ClientField.allCases[field] {
        case .id: return .value(client.id.map { .integer($0) } ?? .nil)
        case .name: return .text(client.name)
        case .room: return text(client.room)
        case .dialect: return text(client.dialect)
        case .here: return .value(.boolean(client.isHere))
        case .reason: return text(client.reason)
        }
    }

    func explain(missing key: LuaValue, in type: LuaType) -> String {
        guard let types = self.types else { return "unknown field" }
        let (typeName, names) = TestAPI.fieldNames(of: type, in: types)
        let name = key.text ?? "[\(key.typeName)]"
        return "a \(typeName) has no '\(name)'; \(Suggestion.phrase(for: name, among: names))"
    }

    func set(_ field: Int, of object: LuaObject, to value: LuaValue) -> String? {
        "what a test gets is read-only; scripts change clients"
    }

    // MARK: Functions

    func call(_ function: Int, _ arguments: LuaArguments) -> LuaResult {
        guard let function = TestAPI.Function(rawValue: function) else { return .failure("unknown function") }
        switch function {
        case .test: return self.collect(arguments)
        case .print:
            // A test that prints without end is told by its first lines.
            if self.printed.count < Self.mostPrinted {
                self.printed.append(String((arguments[0].text ?? "").prefix(Self.longestPrinted)))
            } else if self.printed.count == Self.mostPrinted {
                self.printed.append("… and more")
            }
            return .value(.nil)
        case .missing:
            let name = arguments[1].text ?? "[\(arguments[1].typeName)]"
            return TestAPI.sampleFields.contains(name)
                ? .value(.nil)
                : .failure(
                    "\(arguments[0].text ?? "") has no '\(name)'; "
                        + Suggestion.phrase(for: name, among: TestAPI.sampleFields)
                )
        default:
            guard let harness = self.harness else {
                return .failure("a test's object works only while the test runs")
            }
            // Also where the test catches the error, nothing happens any more.
            guard !harness.budget.isExceeded else { return self.fail(HarnessBudget.problem) }
            return self.call(function, arguments, harness)
        }
    }

    /// `test(name, options, fn)`.
    private func collect(_ arguments: LuaArguments) -> LuaResult {
        guard self.isCollecting else { return .failure("test is called while the file is loaded, not within a test") }
        guard let name = arguments[0].text, !name.isEmpty else {
            return .failure("test takes a name first, not \(arguments[0].described)")
        }
        let line = self.state?.caller.line ?? 0
        var test = Test(name: name, line: line)
        var function = arguments[1]
        if case .table(let options) = function {
            function = arguments[2]
            if let problem = test.read(options) { return .failure("test(\"\(name)\"): \(problem)") }
        }
        guard case .function(let reference) = function else {
            return .failure("test(\"\(name)\") takes a function last, not \(function.described)")
        }
        guard self.tests.count < Self.mostTests else {
            return .failure("too many tests: the limit is \(Self.mostTests) in a file")
        }
        test.function = reference
        self.tests.append(test)
        return .value(.nil)
    }

    private static let mostTests = 10_000
    /// Lines that a test may print, and how long they are shown.
    private static let mostPrinted = 200
    private static let longestPrinted = 2_000
}

extension TestBindings.Test {
    /// What stands in them.
    static let options = [
        APIField("settings", "table<string, string|number|boolean>?", "what operators would set, by name"),
        APIField("at", "string?", "when it begins, as `2026-01-05 23:00`"),
    ]
    private static let names = options.map(\.name)

    /// Reads the options of a test; returns what is wrong with them, or nil.
    mutating func read(_ options: LuaTable) -> String? {
        for index in 0..<options.count {
            let (key, value) = options.entry(index)
            switch (key.text, value) {
            case ("at", .bytes): self.start = value.text
            case ("at", _): return "option 'at' is a time like \"2026-01-05 23:00\", not \(value.described)"
            case ("settings", .table(let settings)):
                for index in 0..<settings.count {
                    let (name, value) = settings.entry(index)
                    guard let name = name.text, let value = Self.setting(value) else {
                        return "settings are like [\"latency.normal_ms\"] = 80"
                    }
                    self.settings.append((name, value))
                }
            case ("settings", _): return "option 'settings' is a table, not \(value.described)"
            default:
                let name = key.text ?? "[\(key.typeName)]"
                return "unknown option '\(name)'; \(Suggestion.phrase(for: name, among: Self.names))"
            }
        }
        return nil
    }

    private static func setting(_ value: LuaValue) -> String? {
        switch value {
        case .bytes: value.text
        case .boolean, .integer, .number: value.written
        default: nil
        }
    }
}
