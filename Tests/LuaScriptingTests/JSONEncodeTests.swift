// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import Testing

/// What `relay.json.encode` makes of values, and what it refuses.
@Suite struct JSONEncodeTests {
    private let probe: Probe

    init() throws {
        self.probe = try Probe()
    }

    @Test(arguments: [
        ("true", "true"), ("false", "false"), ("relay.json.null", "null"), ("relay.json.empty_array", "[]"),
        ("{}", "{}"),
        ("0", "0"), ("-1", "-1"), ("math.maxinteger", "9223372036854775807"),
        ("math.mininteger", "-9223372036854775808"),
        ("0.0", "0.0"), ("-0.0", "-0.0"), ("1.0", "1.0"), ("1.5", "1.5"), ("0.1", "0.1"),
        ("0.1 + 0.2", "0.30000000000000004"),
        ("1/3", "0.3333333333333333"), ("2^53", "9007199254740992.0"), ("1e15", "1e+15"), ("1e100", "1e+100"),
        ("1e-7", "1e-07"),
        ("5e-324", "4.94065645841247e-324"), ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("''", "\"\""), ("'olá'", "\"olá\""), (#"'"\\/'"#, #""\"\\/""#), (#"'\8\12\n\r\t'"#, #""\b\f\n\r\t""#),
        (#"'\0\1\31'"#, #""\u0000\u0001\u001f""#), (#"'\127'"#, "\"\u{7F}\""),
        (#"'\u{2028}x\u{2029}\u{202A}'"#, "\"\\u2028x\\u2029\u{202A}\""),
        (#"'a\u{1F600}\u{20AC}'"#, "\"a\u{1F600}€\""),
        ("{ 1, 2, 3 }", "[1,2,3]"), ("{ { 1 }, {} }", "[[1],{}]"), ("{ [1.0] = 'x' }", "[\"x\"]"),
        ("{ [2] = 'b', [1] = 'a' }", "[\"a\",\"b\"]"),
        ("{ x = 1 }", #"{"x":1}"#), ("{ b = 1, a = { z = 1, y = { 2 } } }", #"{"a":{"y":[2],"z":1},"b":1}"#),
        ("{ ['1'] = 1, ['10'] = 2, ['2'] = 3 }", #"{"1":1,"10":2,"2":3}"#),
        ("{ B = 1, a = 2, [''] = 3, ab = 4, ['é'] = 5 }", #"{"":3,"B":1,"a":2,"ab":4,"é":5}"#),
        (#"{ ['"\n'] = 1 }"#, #"{"\"\n":1}"#), ("{ relay.json.null, relay.json.empty_array }", "[null,[]]"),
        ("setmetatable({ 1 }, { __index = { 2 }, __len = function() return 9 end, __pairs = error })", "[1]"),
        ("(function() local t = { 1 } return { t, t } end)()", "[[1],[1]]"),
    ])
    func `a value has one text`(expression: String, text: String) throws {
        #expect(try self.probe.value("relay.json.encode(\(expression))")?.text == text)
    }

    @Test(arguments: [
        ("", "value is nil: relay.json.null is what JSON has for it"), ("print", "value is a function"),
        ("coroutine.create(print)", "value is a coroutine"), ("relay.thing(1)", "value is a thing"),
        ("relay.note()", "value is a note"),
        ("{ list = { 1, 2, { x = print } } }", "value.list[3].x is a function"),
        ("{ a = { ['b c'] = { ['end'] = relay.thing(1) } } }", #"value.a["b c"]["end"] is a thing"#),
        (#"{ ['\0\127"'] = print }"#, #"value["\000\127\""] is a function"#),
        ("{ [string.rep('x', 41)] = print }", "value[\"\(String(repeating: "x", count: 40))...\"] is a function"),
        ("{ 1, x = 2 }", "value is a table with both names and positions"),
        ("{ a = { [2] = 1 } }", "value.a is a list with holes: fill them with relay.json.null"),
        ("{ 1, nil, 3 }", "value is a list with holes"), ("{ [1 << 40] = 1 }", "value is a list with holes"),
        ("{ [0] = 1 }", "a key of value is [0]: JSON's keys are names, or 1 to the number of values"),
        ("{ x = { [-1] = 1 } }", "a key of value.x is [-1]"),
        ("{ [1.5] = 1 }", "a key of value is [1.5]"), ("{ [true] = 1 }", "a key of value is [true]"),
        ("{ { [{}] = 1 } }", "a key of value[1] is [a table]"),
        ("{ [relay.json.null] = 1 }", "a key of value is [an object]"),
        ("{ [print] = 1 }", "a key of value is [an object]"),
        ("{ x = 1/0 }", "value.x is infinite: JSON has no such number"), ("-1/0", "value is infinite"),
        ("0/0", "value is not a number (nan)"),
        (#"{ x = '\255' }"#, "value.x is a string that is not UTF-8; relay.utf8(text) makes it so"),
        (#"'a\xED\xA0\x80'"#, "value is a string that is not UTF-8"),
        (#"{ x = { ['\255'] = 1 } }"#, "a key of value.x is a string that is not UTF-8"),
        ("relay", "value is a read-only table of the relay"),
        ("{ string }", "value[1] is a read-only table"), ("relay.record()", "value is a read-only table"),
    ])
    func `what JSON cannot say raises with its path`(expression: String, reason: String) throws {
        let message = try #require(try self.probe.attempt("relay.json.encode(\(expression))")?.message)
        #expect(message.hasPrefix("script1.lua:2: relay.json.encode: \(reason)"), "\(message)")
    }

    @Test func `a cycle is found by its depth, which ends at 32`() throws {
        let cycle = "local t = {}; t.a = t; relay.json.encode(t)"
        let message = try #require(try self.probe.attempt(cycle)?.message)
        #expect(
            message.hasSuffix(".a.a is a table within 32 others, which is too deep: does it hold itself?"),
            "\(message)"
        )
        let deep = { (count: Int) in
            "local t = {}; for i = 2, \(count) do t = { t } end; relay.report(relay.json.encode(t))"
        }
        #expect(try self.probe.attempt(deep(32)) == nil)
        #expect(self.probe.last?.text == String(repeating: "[", count: 31) + "{}" + String(repeating: "]", count: 31))
        #expect(try self.probe.attempt(deep(33))?.message.contains("within 32 others") == true)
    }

    @Test func `a long path is cut, and the error stays one line`() throws {
        let body = "local t = print; for i = 1, 30 do t = { [string.rep('k', 35)] = t } end; relay.json.encode(t)"
        let message = try #require(try self.probe.attempt(body)?.message)
        #expect(message.hasSuffix("... is a function"))
        #expect(message.utf8.count < 700)
    }

    @Test func `a text ends at 1 MiB`() throws {
        let probe = try Probe(Probe.limits(memory: 64 << 20, cpuTime: .seconds(10), instructions: 100_000_000))
        let longest = "string.rep('x', (1 << 20) - 2)"
        #expect(try probe.value("#relay.json.encode(\(longest))") == .integer(1 << 20))
        for expression in [
            "\(longest) .. 'x'", "{ \(longest) }", "{ [\(longest)] = 1 }", "string.rep('\\0', 200000)",
            "(function() local t = {} for i = 1, 30 do t = { t, t } end return t end)()",
            "(function() local t = {} for i = 1, 600000 do t[i] = 1 end return t end)()",
        ] {
            let message = try probe.attempt("relay.json.encode(\(expression))")?.message
            #expect(
                message?.contains("relay.json.encode: the text would be longer than 1048576 bytes") == true,
                "\(expression)"
            )
        }
    }

    @Test func `names come in order, however they were put in`() throws {
        let body = """
            math.randomseed(7)
            local names, first = {}, {}
            for i = 1, 300 do names[i] = string.rep(string.char(math.random(97, 99)), math.random(0, 5)) .. i end
            for i = 1, 300 do first[names[i]] = i end
            local second = {}
            for i = 300, 1, -1 do second[names[i]] = i end
            table.sort(names)
            local parts = {}
            for i, name in ipairs(names) do parts[i] = '"' .. name .. '":' .. first[name] end
            relay.report(relay.json.encode(first) == "{" .. table.concat(parts, ",") .. "}")
            relay.report(relay.json.encode(second) == relay.json.encode(first))
            """
        #expect(try self.probe.attempt(body) == nil)
        #expect(self.probe.reports == [.boolean(true), .boolean(true)])
    }
}
