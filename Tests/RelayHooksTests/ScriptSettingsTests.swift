// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Logging
import StockScripts
import TestSupport
import Testing

@testable import RelayHooks

/// What scripts let operators set.
@Suite struct ScriptSettingsTests {
    private func engine(_ script: String, _ values: ScriptValues = .init()) throws -> Chat {
        try Chat(["a.lua": script], hasStock: false, values: values)
    }

    private func values(_ pairs: [(String, ScriptValues.Value)], _ source: ScriptValues.Source = .commandLine)
        -> ScriptValues
    {
        var values = ScriptValues()
        values.source = source
        for (name, value) in pairs { values.set(name, to: value) }
        return values
    }

    /// What a script prints of its settings.
    private func printed(_ declaration: String, _ values: ScriptValues = .init(), _ text: String = "set.x") throws
        -> String
    {
        let chat = try self.engine("local set = relay.settings({ x = \(declaration) })\nprint(\(text))", values)
        return chat.log.entries.first?.message ?? ""
    }

    /// Why a script is refused.
    private func refusal(_ script: String, _ values: ScriptValues = .init()) -> String {
        do {
            _ = try self.engine(script, values)
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: [
        ("{ 'number', default = 1.5 }", "1.5"), ("{ 'number', default = 100, min = 0 }", "100"),
        ("{ 'integer', default = -7 }", "-7"), ("{ 'string', default = 'olá' }", "olá"),
        ("{ 'boolean', default = false }", "false"), ("{ 'choice', default = 'b', choices = { 'a', 'b' } }", "b"),
        ("{ 'secret' }", "nil"), ("{ 'secret', default = 'x' }", "x"),
    ]) func `a default is the value where nobody sets one`(declaration: String, shown: String) throws {
        #expect(try self.printed(declaration, .init(), "set.x") == shown)
    }

    @Test(arguments: [
        ("{ 'number', default = 1 }", ScriptValues.Value.text("80"), "80"),
        ("{ 'number', default = 1 }", .text("2.5e3"), "2500"),
        ("{ 'integer', default = 1, max = 9 }", .text("9"), "9"),
        ("{ 'string', default = 'a' }", .text("b=c, d"), "b=c, d"),
        ("{ 'boolean', default = false }", .text("yes"), "true"),
        ("{ 'choice', default = 'a', choices = { 'a', 'b' } }", .text("b"), "b"),
        ("{ 'list', default = {} }", .text("a, b"), "2 a b"),
        ("{ 'list', default = { 'z' } }", .list(["a", "b"]), "2 a b"),
        ("{ 'list', default = { 'z' } }", .text(""), "0 nil nil"),
    ]) func `what an operator sets has the setting's type`(
        declaration: String,
        value: ScriptValues.Value,
        shown: String
    ) throws {
        let text =
            declaration.contains("'list'")
            ? "#set.x .. ' ' .. tostring(set.x[1]) .. ' ' .. tostring(set.x[2])" : "tostring(set.x)"
        #expect(try self.printed(declaration, self.values([("a.x", value)]), text) == shown)
    }

    @Test func `a map is a table by name`() throws {
        let declaration = "{ 'map', default = { k = 'v' } }"
        let text = "tostring(set.x.k) .. tostring(set.x.l)"
        #expect(try self.printed(declaration, .init(), text) == "vnil")
        #expect(try self.printed(declaration, self.values([("a.x", .text("k=1,l=2=3"))]), text) == "12=3")
        #expect(try self.printed(declaration, self.values([("a.x", .map(["l": "5"]))]), text) == "nil5")
    }

    @Test func `later sources count more`() throws {
        var values = self.values([("a.x", .text("1"))], .file("luar.yaml", line: 3))
        values.merge(self.values([("A_X", .text("2"))], .environment("LUAR_SET_A_X")))
        #expect(try self.printed("{ 'number', default = 0 }", values) == "2")
        values.merge(self.values([("a.x", .text("3"))]))
        #expect(try self.printed("{ 'number', default = 0 }", values) == "3")
    }

    @Test(arguments: [
        ("{ 'number', default = 1 }", "abc", "--set a.x: it takes a number, not 'abc'"),
        ("{ 'number', default = 1 }", "nan", "it takes a number, not 'nan'"),
        ("{ 'number', default = 1 }", "0x10", "it takes a number, not '0x10'"),
        ("{ 'number', default = 1, min = 0, max = 5 }", "6", "it takes a number from 0 to 5, not '6'"),
        ("{ 'integer', default = 1, min = 1 }", "0", "it takes a whole number from 1 on, not '0'"),
        ("{ 'integer', default = 1, max = 4.5 }", "5", "it takes a whole number up to 4.5, not '5'"),
        ("{ 'integer', default = 1 }", "1.5", "it takes a whole number, not '1.5'"),
        ("{ 'boolean', default = true }", "maybe", "it takes true or false, not 'maybe'"),
        ("{ 'choice', default = 'a', choices = { 'a', 'b' } }", "c", "it takes \"a\", \"b\", not 'c'"),
        ("{ 'map', default = {} }", "k", "'k' is no pair; write name=value,name=value"),
    ]) func `a wrong value is refused with its place and what is allowed`(
        declaration: String,
        value: String,
        reason: String
    ) {
        let refusal = self.refusal("\nrelay.settings({ x = \(declaration) })", self.values([("a.x", .text(value))]))
        #expect(refusal.hasPrefix("scripts/a.lua:2: setting 'a.x': --set a.x: "))
        #expect(refusal.contains(reason), "\(refusal)")
    }

    @Test(arguments: [
        ("relay.settings()", "relay.settings takes a table of settings, not nil"),
        ("relay.settings({ x = 5 })", "setting 'a.x': it is described by a table"),
        ("relay.settings({ x = {} })", "setting 'a.x': its type comes first"),
        ("relay.settings({ x = { 'nmber', default = 1 } })", "there is no type 'nmber'; did you mean 'number'?"),
        ("relay.settings({ x = { 'number', defalt = 1 } })", "unknown option 'defalt'; did you mean 'default'?"),
        ("relay.settings({ x = { 'number' } })", "it has no default and no value; give it one with --set a.x=VALUE"),
        ("relay.settings({ x = { 'number', default = 'y' } })", "its default is wrong: it takes a number, not 'y'"),
        ("relay.settings({ x = { 'number', default = 0/0 } })", "its default is wrong"),
        ("relay.settings({ x = { 'number', default = print } })", "its default is a function, which no setting takes"),
        ("relay.settings({ x = { 'string', default = 'y', min = 1 } })", "option 'min' goes with numbers only"),
        ("relay.settings({ x = { 'choice', default = 'y' } })", "a choice needs 'choices'"),
        ("relay.settings({ x = { 'choice', default = 'y', choices = { 'z' } } })", "it takes \"z\", not 'y'"),
        ("relay.settings({ x = { 'list', default = { { 'y' } } } })", "its default is wrong: it takes a list of texts"),
        (
            "relay.settings({ ['a b'] = { 'number', default = 1 } })",
            "a setting's name is a word like normal_ms, not 'a b'"
        ),
        ("relay.settings({ { 'number', default = 1 } })", "a setting's name is a word like normal_ms, not a number"),
        ("relay.settings({})\nrelay.settings({})", "scripts/a.lua:2: relay.settings is called once in a file"),
        (
            "local set = relay.settings({ x = { 'number', default = 1 } })\nprint(set.y)",
            "settings of a has no 'y'; did you mean 'x'?"
        ),
        ("relay.settings({ x = { 'number', default = 1 } }).x = 2", "settings of a is read-only"),
        ("rawset(relay.settings({ x = { 'number', default = 1 } }), 'x', 2)", "this table is read-only"),
    ]) func `a wrong declaration is refused with file and line`(script: String, reason: String) {
        let refusal = self.refusal(script)
        #expect(refusal.hasPrefix("scripts/a.lua:"), "\(refusal)")
        #expect(refusal.contains(reason), "\(refusal)")
    }

    @Test func `two settings that one variable would set are refused`() {
        let files = [
            "a.lua": "relay.settings({ b_tok = { 'string', default = 'x' } })",
            "a_b.lua": "relay.settings({ tok = { 'secret' } })",
        ]
        let error = #expect(throws: ScriptError.self) { try Chat(files, hasStock: false) }
        #expect(error?.description.contains("LUAR_SET_A_B_TOK would set 'a.b_tok' as well; rename one of them") == true)
    }

    @Test func `settings are declared while scripts are loaded`() throws {
        let chat = try self.engine("relay.on('message', function() relay.settings({}) end)")
        chat.says(chat.connect(), "oi")
        #expect(chat.log.failures.contains { $0.contains("relay.settings works only while scripts are loaded") })
    }

    @Test func `a value that no script takes is refused, with the one that was meant`() {
        let script = "relay.settings({ limit_ms = { 'number', default = 1 } })"
        #expect(
            self.refusal(script, self.values([("a.limit", .text("1"))]))
                == "--set a.limit: no script has this setting; did you mean 'a.limit_ms'?"
        )
        #expect(
            self.refusal(script, self.values([("A_LIMT_MS", .text("1"))], .environment("LUAR_SET_A_LIMT_MS")))
                == "LUAR_SET_A_LIMT_MS in the environment: no script has this setting; did you mean 'LUAR_SET_A_LIMIT_MS'?"
        )
        #expect(
            self.refusal("", self.values([("a.x", .text("1"))], .file("luar.yaml", line: 7)))
                == "luar.yaml:7: a.x: no script has this setting; no script has settings"
        )
        // What is wrong with others does not hide it.
        let both = self.refusal(script, self.values([("a.limit_ms", .text("x")), ("a.limit", .text("1"))]))
        #expect(both.contains("it takes a number, not 'x'"), "\(both)")
        #expect(both.contains("--set a.limit: no script has this setting"), "\(both)")
        // That is the chat client's.
        #expect(self.refusal("", self.values([("chat.x", .text("1"))])) == "")
    }

    @Test func `a secret is not for the command line, and is shown nowhere`() throws {
        let script = "local set = relay.settings({ key = { 'secret' } })\nprint(#set.key)"
        let refusal = self.refusal(script, self.values([("a.key", .text("hush"))]))
        #expect(refusal.contains("a secret is not for the command line"))
        #expect(!refusal.contains("hush"))
        let values = self.values([("A_KEY", .text("hush"))], .environment("LUAR_SET_A_KEY"))
        let chat = try self.engine(script, values)
        #expect(chat.log.entries.map(\.message) == ["4"])
        #expect(
            chat.hooks.loaded.settings.entries.map { "\($0.name) \($0.value ?? "-") \($0.from)" } == [
                "a.key - environment LUAR_SET_A_KEY"
            ]
        )
        let wrong = self.refusal(script, self.values([("a.key", .list(["hush"]))], .file("luar.yaml", line: 1)))
        #expect(wrong.contains("luar.yaml:1: a.key: its value cannot be used"))
        #expect(!wrong.contains("hush"))
    }

    @Test func `the report lists what can be set, and where values come from`() {
        let log = LogRecord()
        let report = ScriptReport(
            of: ScriptSet(stock: StockScripts.files),
            folder: nil,
            values: self.values([("latency.slow_ms", .text("400"))]),
            logger: Logger(label: "test") { _ in RecordingHandler(record: log) },
            version: "9.9.9"
        )
        #expect(
            report.settings.map { "\($0.name) \($0.type) \($0.value ?? "-") \($0.from)" } == [
                "alerts.notify choice every default", "commands.unknown choice auto default",
                "format.controls choice mask default", "latency.normal_ms number 100 default",
                "latency.slow_ms number 400 command line",
            ]
        )
    }
}
