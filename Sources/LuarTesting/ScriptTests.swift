// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
public import LuaScripting
public import RelayCore
public import RelayHooks

/// The tests in a scripts folder: Lua files whose names end with `_test.lua`.
///
/// ```lua
/// test("a nickname is used", function(t)
///   local ana, bia = t:connect(), t:connect("tcp", "10.0.0.2:5000")
///   ana:says("/nick ana")
///   ana:says("oi")
///   bia:hears("ana: oi")
/// end)
/// ```
///
/// Each test has a ``HookHarness`` of its own with the folder's scripts; each file a Lua state of its own.
public struct ScriptTests {
    private let scripts: ScriptSet
    private let values: ScriptValues
    private let limits: Limits
    private let scriptLimits: LuaLimits

    /// Failures of hooks that a failed test shows at the most.
    private static let mostFailures = 5

    /// What a test may use: much more than a hook, but it ends.
    private static let testLimits: LuaLimits = {
        var limits = LuaLimits()
        limits.hooks = LuaLimits.Budget(cpuTime: .seconds(10), instructions: .max)
        return limits
    }()

    /// Finds the tests of a folder.
    ///
    /// - Parameters:
    ///   - scripts: The folder's files over the stock scripts.
    ///   - values: What operators set for the scripts; a test's own settings count more.
    ///   - limits: The relay's limits.
    ///   - scriptLimits: What the scripts may use.
    public init(
        _ scripts: ScriptSet,
        values: ScriptValues = ScriptValues(),
        limits: Limits = Limits(),
        scriptLimits: LuaLimits = LuaLimits()
    ) {
        self.scripts = scripts
        self.values = values
        self.limits = limits
        self.scriptLimits = scriptLimits
    }

    /// The files with tests, by the names that reports give them.
    public var files: [String] { self.scripts.tests.map(\.name) }

    /// Runs the tests, one after the other.
    ///
    /// - Parameter filter: Only those whose file or name has this in it; nil for all.
    /// - Returns: What they came to.
    /// - Throws: `ScriptError` for scripts that do not load at all.
    public func run(filter: String? = nil) throws -> ScriptTestReport {
        // Scripts that do not load are told once, and not by every test.
        _ = try HookHarness(self.scripts, self.values, limits: self.limits, scriptLimits: self.scriptLimits)
        var report = ScriptTestReport()
        for file in self.scripts.tests { report.tests += self.run(file, filter) }
        return report
    }

    private func run(_ file: LuaSource, _ filter: String?) -> [ScriptTestReport.Entry] {
        let bindings = TestBindings(scripts: self.scripts, file: file)
        let isWanted = { (name: String) in filter.map { file.name.contains($0) || name.contains($0) } ?? true }
        do {
            let state = try LuaState(limits: Self.testLimits, host: bindings)
            bindings.state = state
            bindings.types = try TestAPI.define(in: state)
            state.beginLoading()
            try state.load(file.key)
            return bindings.tests.filter { isWanted($0.name) }
                .map { test in
                    ScriptTestReport.Entry(
                        file: file.name,
                        line: test.line,
                        name: test.name,
                        failure: self.failure(of: test, bindings, state, file)
                    )
                }
        } catch {
            let problem = (error as? LuaError).map { Self.failure($0, in: file) }
            let failure = problem ?? ScriptTestReport.Failure(place: file.name, reason: "\(error)")
            return [ScriptTestReport.Entry(file: file.name, line: 1, name: "(the file loads)", failure: failure)]
        }
    }

    private func failure(
        of test: TestBindings.Test,
        _ bindings: TestBindings,
        _ state: LuaState,
        _ file: LuaSource
    ) -> ScriptTestReport.Failure? {
        let place = "\(file.name):\(test.line)"
        let harness: HookHarness
        do {
            harness = try self.harness(for: test)
        } catch {
            return ScriptTestReport.Failure(place: place, reason: "\(error)")
        }
        harness.timerTimeLimit = Self.testLimits.hooks.cpuTime
        bindings.begin(on: harness)
        defer { bindings.end() }
        var error: LuaError?
        if let function = test.function, let argument = bindings.argument {
            var calls = LuaCalls(LuaHookList([LuaHook(function)]), schema: nil, argument)
            state.beginRun()
            if case .failed(let failure) = state.call(&calls) { error = failure }
            state.endRun()
        }
        var failure = bindings.failure ?? error.map { Self.failure($0, in: file) }
        if failure == nil, harness.budget.isExceeded {
            failure = ScriptTestReport.Failure(place: place, reason: HarnessBudget.problem)
        }
        let unexpected = harness.failures.dropFirst(bindings.seen.failures)
        if let known = failure {
            // What a hook was to do and did not is often why the test fails.
            failure?.difference =
                known.difference
                + unexpected.prefix(Self.mostFailures)
                .map { "failed: the \($0.event) of \($0.script):\($0.line): \(Self.line($0.message))" }
        } else if let first = unexpected.first {
            let more = unexpected.count > 1 ? " (and \(unexpected.count - 1) more)" : ""
            failure = ScriptTestReport.Failure(
                place: "\(first.script):\(first.line)",
                reason: "the \(first.event) \(first.event == "timer" ? "" : "hook ")failed: \(first.message)\(more)",
                difference: first.traceback.split(separator: "\n").map { Self.line($0) }
            )
        }
        if failure != nil { failure?.difference += bindings.printed.map { "printed: " + Self.line($0) } }
        return failure
    }

    private func harness(for test: TestBindings.Test) throws -> HookHarness {
        var values = self.values
        values.source = .test
        for setting in test.settings { values.set(setting.name, to: .text(setting.value)) }
        let start = try test.start.map { text in
            guard let date = Self.date(text) else { throw StartError(text: text) }
            return date
        }
        return try HookHarness(
            self.scripts,
            values,
            limits: self.limits,
            scriptLimits: self.scriptLimits,
            at: start
        )
    }

    /// A line in which Lua's tabs are what they look like.
    private static func line(_ text: some StringProtocol) -> String { String(text).replacing("\t", with: "  ") }

    private struct StartError: Error, CustomStringConvertible {
        var text: String
        var description: String { "'\(self.text)' is no time; write it like 2026-01-05 23:00" }
    }

    /// A time of this machine's time zone.
    private static func date(_ text: String) -> Date? {
        guard let match = text.wholeMatch(of: #/(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?/#) else {
            return nil
        }
        let number = { (text: Substring?) in text.flatMap { Int($0) } ?? 0 }
        let components = DateComponents(
            calendar: .current,
            year: number(match.1),
            month: number(match.2),
            day: number(match.3),
            hour: number(match.4),
            minute: number(match.5),
            second: number(match.6)
        )
        return components.isValidDate ? components.date : nil
    }

    private static func failure(_ error: LuaError, in file: LuaSource) -> ScriptTestReport.Failure {
        switch error.kind {
        case .error:
            if let position = error.message.firstMatch(of: #/^(.+?\.lua:[0-9]+): /#) {
                let reason = String(error.message[position.range.upperBound...])
                return ScriptTestReport.Failure(place: String(position.1), reason: reason)
            }
            return ScriptTestReport.Failure(place: file.name, reason: error.message)
        case .timeout:
            let place = error.script.map { "\($0):\(error.line ?? 0)" } ?? file.name
            return ScriptTestReport.Failure(
                place: place,
                reason: "it did not end within \(self.testLimits.hooks.cpuTime) of CPU time"
            )
        case .memory:
            return ScriptTestReport.Failure(
                place: file.name,
                reason: "it took more than \(self.testLimits.memory) bytes of memory"
            )
        }
    }
}
