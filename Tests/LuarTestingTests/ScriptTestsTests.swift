// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import LuarTesting
import RelayHooks
import TestSupport
import Testing

@testable import HostSettings

/// Tests written in Lua.
struct ScriptTestsTests {
    private func run(_ test: String, _ files: [String: String] = [:], filter: String? = nil) throws -> ScriptTestReport
    {
        var scripts = ScriptFolder.stock
        scripts.lay(files.merging(["a_test.lua": test]) { $1 }.mapValues { Array($0.utf8) }, folder: "s")
        return try ScriptTests(scripts).run(filter: filter)
    }

    /// Why the one test fails, with the difference.
    private func failure(_ body: String, _ files: [String: String] = [:]) throws -> String {
        let report = try self.run("test('x', function(t)\n\(body)\nend)", files)
        #expect(report.tests.count == 1)
        guard let failure = report.tests.first?.failure else { return "" }
        return ([failure.place + ": " + failure.reason] + failure.difference).joined(separator: "|")
    }

    @Test(arguments: [
        "local a, b = t:connect(), t:connect('tcp', '10.0.0.2:1') a:says('oi') b:hears(a.name .. ' disse: oi') b:hears() a:hears()",
        "local a, b = t:connect('udp'), t:connect('udp') a:says('1') b:says('2') a:hears(b.name .. ' disse: 2')",
        "local a = t:connect() a:says('/sair') t:equal(a.here, false) t:equal(a.reason, 'left')",
        "local a = t:connect() a:leaves('slow') t:equal(a.reason, 'slow') t:equal(t:console()[2], 'Cliente desconectado: ' .. a.name)",
        "t:equal(t:measure(10).status, 'Normal') t:equal(t:measure('timeout').level, 3) t:equal(t:measure('inconclusive').held, nil)",
        "t:measure(10) t:equal(t:mails()[1].subject, 'Alerta de latência: Normal') t:equal(t:mails(), {})",
        "t:measure(10) t:equal(t:mails()[1].to, {}) t:equal({ a = 1, 2 }, { 2, a = 1.0 })",
        "local a = t:connect() t:equal(a.room, 'tcp') t:equal(a.dialect, 'plain') t:equal(a.id, 1)",
        "local a = t:connect() t:stop() t:equal(a.reason, 'shutdown')",
        "t:measure(10, 'a:1') t:measure(20, 'b:1') t:equal(t:console()[2], 'b:1: Conexão Normal. Latência: 20.00 ms')",
    ]) func `what a test can say and see`(body: String) throws {
        #expect(try self.failure(body) == "")
    }

    @Test func `a test that fails tells which hooks failed meanwhile`() throws {
        let script = """
            relay.on("message", function(m)
              relay.after(1, function() error("bang") end)
            end)
            """
        let failure = try self.failure(
            "local a, b = t:connect(), t:connect() a:says('1') t:advance(2) b:hears('pong')",
            ["a.lua": script]
        )
        #expect(failure.hasSuffix("|failed: the timer of s/a.lua:2: s/a.lua:2: bang"), "\(failure)")
    }

    @Test(arguments: [
        (
            "local a, b = t:connect(), t:connect()\na:says('1') a:says('2')\nb:hears('x', a.name .. ' disse: 2', 'y')",
            "s/a_test.lua:4: ('10.0.0.1', 40002) heard something else|- x|+ ('10.0.0.1', 40001) disse: 1|"
                + "  ('10.0.0.1', 40001) disse: 2|- y"
        ),
        (
            #"t:equal("\u{e9}", "e\u{301}")"#,
            "s/a_test.lua:2: the values differ|- \"e\u{301}\"|+ \"\u{e9}\""
        ), (#"t:equal("\xff", "\xfe")"#, #"s/a_test.lua:2: the values differ|- "\xfe"|+ "\xff""#),
        ("for i = 1, 1000 do print(i) end t:equal(1, 2)", "printed: 200|printed: … and more"),
        ("t:connect():hears('x')", "s/a_test.lua:2: ('10.0.0.1', 40001) heard nothing|- x"),
        ("t:equal({ 1, 'a' }, { 1, b = 'a' })", "s/a_test.lua:2: the values differ|- { 1, b = \"a\" }|+ { 1, \"a\" }"),
        ("pcall(t.equal, t, 1, 2)", "s/a_test.lua:2: the values differ|- 2|+ 1"),
        ("t:fails_with('x')", "s/a_test.lua:2: no hook failed|- x"),
        ("error('mine')", "s/a_test.lua:2: mine"),
        ("error({})", "s/a_test.lua: "),
        ("t:conect()", "s/a_test.lua:2: a test has no 'conect'; did you mean 'connect'?"),
        ("t:connect():say('x')", "s/a_test.lua:2: a client has no 'say'; did you mean 'says'?"),
        ("t:connect('tpc')", "s/a_test.lua:2: t:connect takes \"tcp\" or \"udp\" first, not \"tpc\""),
        ("t:connect('tcp', 'x:y')", "s/a_test.lua:2: t:connect: 'x:y' is no address"),
        ("t:connect('tcp', {})", "s/a_test.lua:2: t:connect takes an address like"),
        ("t:connect():says(1)", "s/a_test.lua:2: client:says takes a string, not a number"),
        ("t:advance(-1)", "s/a_test.lua:2: t:advance takes a number of seconds up to ten years, not -1"),
        ("t:advance(0/0)", "s/a_test.lua:2: t:advance takes a number of seconds up to ten years, not"),
        ("t:measure('slow')", "s/a_test.lua:2: t:measure takes milliseconds, \"timeout\", \"refused\""),
        ("return t:measure(1).stauts", "what t:measure returns has no 'stauts'; did you mean 'status'?"),
        ("test('y', print)", "s/a_test.lua:2: test is called while the file is loaded, not within a test"),
        ("t.connect = 1", "s/a_test.lua:2: "), ("relay.on('start', print)", "attempt to index a nil value"),
    ]) func `what is not so is told with its place`(body: String, reason: String) throws {
        let failure = try self.failure(body)
        #expect(!failure.isEmpty && failure.contains(reason), "\(failure)")
    }

    @Test func `a hook that fails unexpectedly fails the test, with its place and what was printed`() throws {
        let scripts = ["b.lua": "relay.on('message', function(m)\n  error('bang')\nend)"]
        let failure = try self.failure("print('a', 1) t:connect():says('oi')", scripts)
        #expect(failure.hasPrefix("s/b.lua:1: the message hook failed: s/b.lua:2: bang|"), "\(failure)")
        #expect(failure.hasSuffix("|printed: a  1"), "\(failure)")
        #expect(try self.failure("t:connect():says('oi') t:fails_with('bang')", scripts) == "")
        #expect(
            try self.failure("t:connect():says('oi') t:fails_with('boom')", scripts)
                .contains("- boom|+ s/b.lua:2: bang")
        )
    }

    @Test func `each test has a relay of its own, with its settings and its time`() throws {
        let report = try self.run(
            """
            local kept
            test("one", { settings = { ["latency.normal_ms"] = 5 }, at = "2026-12-24 18:30" }, function(t)
              kept = t:connect()
              t:equal(t:measure(8).status, "Lenta")
              t:equal(t:console()[2], "Conexão Lenta. Latência: 8.00 ms")
            end)
            test("two", function(t)
              t:equal(t:measure(8).status, "Normal")
              local other = t:connect()
              t:equal(other.id, 1)
              t:equal(kept.name == other.name, false)
            end)
            test("wrong setting", { settings = { ["latency.normal"] = 5 } }, function() end)
            test("wrong time", { at = "tomorrow" }, function() end)
            test("clock", { at = "2026-12-24 18:30" }, function(t) t:connect():says("now") t:equal(t:log()[1], "18:30") end)
            """,
            ["c.lua": "relay.on('message', function(m) print(os.date('%H:%M', math.floor(relay.now()))) end)"]
        )
        let failures = report.tests.map { $0.failure?.reason ?? "" }
        #expect(failures[0] == "" && failures[4] == "", "\(failures)")
        #expect(
            failures[2]
                == "the test's setting latency.normal: no script has this setting; did you mean 'latency.normal_ms'?"
        )
        #expect(failures[3] == "'tomorrow' is no time; write it like 2026-01-05 23:00")
    }

    @Test func `a file that does not load, and a test that never ends, leave the others alone`() throws {
        let report = try self.run(
            "test('endless', function() while true do end end)\ntest('memory', function() local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000) .. i end end)\ntest('fine', function() end)",
            ["b_test.lua": "test('x')", "c_test.lua": "test('x', { att = 1 }, print)", "d_test.lua": "oh no"]
        )
        let told = report.tests.map { "\($0.file) \($0.name): \($0.failure?.reason ?? "fine")" }
        #expect(
            told == [
                "s/a_test.lua endless: it did not end within 10.0 seconds of CPU time",
                "s/a_test.lua memory: it took more than 67108864 bytes of memory", "s/a_test.lua fine: fine",
                "s/b_test.lua (the file loads): test(\"x\") takes a function last, not nil",
                "s/c_test.lua (the file loads): test(\"x\"): unknown option 'att'; did you mean 'at'?",
                "s/d_test.lua (the file loads): syntax error near 'no'",
            ],
            "\(told)"
        )
        #expect(report.failed == 5)
    }

    @Test func `files with tests are no scripts, and may require modules`() throws {
        let report = try self.run(
            "local m = require('words') test('x', function(t) t:equal(m.word, 'oi') end)",
            ["lib/words.lua": "return { word = 'oi' }"]
        )
        #expect(report.failed == 0 && report.tests.count == 1)
        // The relay would not know `test`.
        #expect(throws: Never.self) { try HookHarness(files: ["a_test.lua": "test('x', print)"]) }
    }

    @Test func `a filter picks tests by file or name`() throws {
        let test = "test('one', function() end) test('two', function() end)"
        #expect(try self.run(test, filter: "tw").tests.map(\.name) == ["two"])
        #expect(try self.run(test, filter: "a_test").tests.count == 2)
        #expect(try self.run(test, filter: "three").tests.isEmpty)
    }

    @Test func `the report for people and the one for programs`() throws {
        let report = try self.run(
            #"""
            test('one #1', function() end)
            test('two', function(t) t:equal('a\nb', 'c"\\') end)
            """#
        )
        let people = """
            s/a_test.lua
              ok   one #1
              FAIL two
                   s/a_test.lua:2: the values differ
                     - "c\\"\\\\"
                     + "a\\nb"
            2 tests, 1 failed
            """
        #expect(report.lines.joined(separator: "\n") == people)
        let programs = ##"""
            TAP version 14
            1..2
            ok 1 - s/a_test.lua: one \#1
            not ok 2 - s/a_test.lua: two
              ---
              at: "s/a_test.lua:2"
              message: "the values differ"
              difference:
                - "- \"c\\\"\\\\\""
                - "+ \"a\\nb\""
              ...
            """##
        #expect(report.tapLines.joined(separator: "\n") == programs)
    }
}
