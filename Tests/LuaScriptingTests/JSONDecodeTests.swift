// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import Testing

/// What `relay.json.decode` takes, and what it says about the rest.
@Suite struct JSONDecodeTests {
    private let probe: Probe

    init() throws {
        self.probe = try Probe()
        try self.probe.load(
            """
            local function shown(value)
              if value == relay.json.null then return "null" end
              if type(value) == "string" then return '"' .. value .. '"' end
              if math.type(value) == "float" then return string.format("%.17gf", value) end
              if type(value) ~= "table" then return tostring(value) end
              local parts = {}
              for key, inner in pairs(value) do
                parts[#parts + 1] = (math.type(key) and "" or key .. "=") .. shown(inner)
              end
              if not value[1] then table.sort(parts) end
              return "{" .. table.concat(parts, ",") .. "}"
            end
            relay.keep("decode", function(text)
              local value, reason = relay.json.decode(text)
              relay.report(value == nil and "no: " .. reason or shown(value))
            end)
            """
        )
    }

    /// The decoded value as text, or `no:` and the reason.
    private func decoded(_ bytes: [UInt8]) -> String? {
        let outcome = bytes.withUnsafeBytes { self.probe.run("decode", .bytes($0)) }
        return outcome.errors.first.map { "raised: \($0.message)" } ?? self.probe.last?.text
    }

    private func decoded(_ text: String) -> String? { self.decoded(Array(text.utf8)) }

    @Test(arguments: [
        ("null", "null"), ("true", "true"), ("false", "false"), (" null ", "null"), ("\t\r\n true\t\r\n ", "true"),
        ("0", "0"), ("-0", "0"), ("1", "1"), ("-1", "-1"), ("10", "10"), ("1234567890", "1234567890"),
        ("9007199254740993", "9007199254740993"), ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"), ("9223372036854775808", "9.2233720368547758e+18f"),
        ("-9223372036854775809", "-9.2233720368547758e+18f"), ("18446744073709551616", "1.8446744073709552e+19f"),
        ("0.0", "0f"), ("-0.0", "-0f"), ("-0e1", "-0f"), ("1.0", "1f"), ("0.5", "0.5f"), ("-0.5", "-0.5f"),
        ("1e0", "1f"), ("1E0", "1f"), ("1e+2", "100f"), ("1E+2", "100f"), ("1e-2", "0.01f"), ("1.5e3", "1500f"),
        ("0e0", "0f"), ("0E+00", "0f"), ("1e05", "100000f"), ("1.7976931348623157e308", "1.7976931348623157e+308f"),
        ("5e-324", "4.9406564584124654e-324f"), ("1e-400", "0f"), ("-1e-400", "-0f"),
        ("0.1000000000000000055511151231257827", "0.10000000000000001f"),
        ("1.00000000000000000000000000000000000000000000000000000000000000000000000001", "1f"),
        ("\"\"", "\"\""), ("\"a\"", "\"a\""), ("\"a b\"", "\"a b\""), ("\"\u{7F}\"", "\"\u{7F}\""),
        ("\"olá\"", "\"olá\""), ("\"€\"", "\"€\""), ("\"\u{1F600}\"", "\"\u{1F600}\""),
        ("\"\u{2028}\"", "\"\u{2028}\""),
        ("\"\u{FFFF}\"", "\"\u{FFFF}\""), ("\"\u{10FFFF}\"", "\"\u{10FFFF}\""),
        ("\"\u{D7FF}\u{E000}\"", "\"\u{D7FF}\u{E000}\""),
        ("\"/\"", "\"/\""), ("\"'\"", "\"'\""), (#""\"\\\/""#, #"""\/""#), (#""\b\f\n\r\t""#, "\"\u{8}\u{C}\n\r\t\""),
        (#""\u0041""#, "\"A\""), (#""\u00e1\u00E1""#, "\"áá\""), (#""\u20ac""#, "\"€\""), (#""\u0000""#, "\"\0\""),
        (#""\ud83d\ude00""#, "\"\u{1F600}\""), (#""\uD83D\uDE00!""#, "\"\u{1F600}!\""),
        (#""\uDBFF\uDFFF""#, "\"\u{10FFFF}\""),
        (#""\uD800\uDC00""#, "\"\u{10000}\""), (#""\uFFFF\uD7FF\uE000""#, "\"\u{FFFF}\u{D7FF}\u{E000}\""),
        (#""\u2028""#, "\"\u{2028}\""), (#""a\tb\nc""#, "\"a\tb\nc\""), (#""\\u0041""#, #""\u0041""#),
        (#""\\\\""#, #""\\""#), (#""á\u00e1€\u20AC""#, "\"áá€€\""),
        ("[]", "{}"), ("[ ]", "{}"), ("[\n]", "{}"), ("[1]", "{1}"), ("[1,2]", "{1,2}"), (" [ 1 , 2 ] ", "{1,2}"),
        ("[[]]", "{{}}"), ("[null,true,\"a\",1.5]", "{null,true,\"a\",1.5f}"), ("[[1],[2,[3]]]", "{{1},{2,{3}}}"),
        ("[null]", "{null}"), ("[{}]", "{{}}"), ("[-1,-2]", "{-1,-2}"),
        ("{}", "{}"), ("{ }", "{}"), ("{\"a\":1}", "{a=1}"), (" { \"a\" : 1 , \"b\" : 2 } ", "{a=1,b=2}"),
        ("{\"\":1}", "{=1}"), ("{\"a\":{\"a\":{}}}", "{a={a={}}}"), ("{\"a\":[1,{\"b\":null}]}", "{a={1,{b=null}}}"),
        (#"{"\u0061":1}"#, "{a=1}"), ("{\"a\":null}", "{a=null}"), ("{\"1\":2}", "{1=2}"),
        ("{\"a\":1,\"A\":2}", "{A=2,a=1}"),
        (#"{"a\u0000b":1}"#, "{a\0b=1}"),
    ])
    func `a text of the standard is its value`(text: String, value: String) {
        #expect(self.decoded(text) == value)
    }

    @Test(arguments: [
        ("", "a value is missing at byte 1"), ("  ", "a value is missing at byte 3"),
        ("1 2", "something follows the value at byte 3"), ("[1]]", "something follows the value at byte 4"),
        ("{}}", "something follows the value at byte 3"), ("\"a\"b", "something follows the value at byte 4"),
        ("nulll", "something follows the value at byte 5"), ("1,", "something follows the value at byte 2"),
        ("1 // one", "something follows the value at byte 3"), ("null\0", "something follows the value at byte 5"),
        ("nul", "an unknown word at byte 1"), ("None", "a value is missing at byte 1"),
        ("nil", "an unknown word at byte 1"),
        ("True", "a value is missing at byte 1"), ("TRUE", "a value is missing at byte 1"),
        ("tru", "an unknown word at byte 1"),
        ("falsy", "an unknown word at byte 1"), ("NaN", "a value is missing at byte 1"),
        ("nan", "an unknown word at byte 1"),
        ("Infinity", "a value is missing at byte 1"), ("-Infinity", "a digit is missing at byte 2"),
        ("-NaN", "a digit is missing at byte 2"), ("inf", "a value is missing at byte 1"),
        ("undefined", "a value is missing at byte 1"),
        ("'a'", "a value is missing at byte 1"), ("a", "a value is missing at byte 1"),
        ("\\u0031", "a value is missing at byte 1"),
        ("/* a */ 1", "a value is missing at byte 1"), ("// a\n1", "a value is missing at byte 1"),
        ("# a\n1", "a value is missing at byte 1"),
        ("\u{FEFF}1", "a value is missing at byte 1"), ("\u{A0}1", "a value is missing at byte 1"),
        ("\u{B}1", "a value is missing at byte 1"),
        ("\u{C}1", "a value is missing at byte 1"), ("1\u{2028}", "something follows the value at byte 2"),
        ("\u{0}", "a value is missing at byte 1"),
        ("+1", "a value is missing at byte 1"), ("-", "a digit is missing at byte 2"),
        ("--1", "a digit is missing at byte 2"),
        ("- 1", "a digit is missing at byte 2"), ("01", "a number begins with a zero at byte 1"),
        ("-01", "a number begins with a zero at byte 2"), ("00", "a number begins with a zero at byte 1"),
        ("012.5", "a number begins with a zero at byte 1"), ("1.", "a digit is missing at byte 3"),
        ("1.e1", "a digit is missing at byte 3"), (".5", "a value is missing at byte 1"),
        ("-.5", "a digit is missing at byte 2"),
        ("1e", "a digit is missing at byte 3"), ("1e+", "a digit is missing at byte 4"),
        ("1e-", "a digit is missing at byte 4"),
        ("1e1.5", "something follows the value at byte 4"), ("1.2.3", "something follows the value at byte 4"),
        ("0x10", "something follows the value at byte 2"), ("1a", "something follows the value at byte 2"),
        ("1_000", "something follows the value at byte 2"),
        ("1e309", "a number too large for a float at byte 1"), ("-1e309", "a number too large for a float at byte 1"),
        ("[1e99999]", "a number too large for a float at byte 2"),
        ("1\u{660}", "something follows the value at byte 2"),
        ("[", "a value is missing at byte 2"), ("[1", "a comma or ']' is missing at byte 3"),
        ("[1,", "a value is missing at byte 4"),
        ("[1,]", "a value is missing at byte 4"), ("[,1]", "a value is missing at byte 2"),
        ("[1,,2]", "a value is missing at byte 4"),
        ("[,]", "a value is missing at byte 2"), ("[1 2]", "a comma or ']' is missing at byte 4"),
        ("[1;2]", "a comma or ']' is missing at byte 3"),
        ("[1}", "a comma or ']' is missing at byte 3"), ("[1:2]", "a comma or ']' is missing at byte 3"),
        ("]", "a value is missing at byte 1"),
        ("[\"a\", \"b\" \"c\"]", "a comma or ']' is missing at byte 11"),
        ("[1, // one\n2]", "a value is missing at byte 5"),
        ("[[1]", "a comma or ']' is missing at byte 5"), ("[a]", "a value is missing at byte 2"),
        ("{", "a name in quotes or '}' is missing at byte 2"), ("}", "a value is missing at byte 1"),
        ("{a:1}", "a name in quotes or '}' is missing at byte 2"),
        ("{'a':1}", "a name in quotes or '}' is missing at byte 2"),
        ("{1:1}", "a name in quotes or '}' is missing at byte 2"),
        ("{null:1}", "a name in quotes or '}' is missing at byte 2"),
        ("{,}", "a name in quotes or '}' is missing at byte 2"), ("{]", "a name in quotes or '}' is missing at byte 2"),
        ("{\"a\"", "a colon is missing at byte 5"), ("{\"a\"}", "a colon is missing at byte 5"),
        ("{\"a\" 1}", "a colon is missing at byte 6"),
        ("{\"a\",1}", "a colon is missing at byte 5"), ("{\"a\"=1}", "a colon is missing at byte 5"),
        ("{\"a\":", "a value is missing at byte 6"), ("{\"a\":}", "a value is missing at byte 6"),
        ("{\"a\"::1}", "a value is missing at byte 6"),
        ("{\"a\":1", "a comma or '}' is missing at byte 7"), ("{\"a\":1]", "a comma or '}' is missing at byte 7"),
        ("{\"a\":1,}", "a name in quotes is missing at byte 8"),
        ("{\"a\":1,,\"b\":2}", "a name in quotes is missing at byte 8"),
        ("{\"a\":1 \"b\":2}", "a comma or '}' is missing at byte 8"),
        ("{\"a\":1,b:2}", "a name in quotes is missing at byte 8"),
        ("{\"a\":1,\"a\":2}", "a name for the second time at byte 8"),
        (#"{"a":1,"\u0061":1}"#, "a name for the second time at byte 8"),
        ("{\"a\":null,\"a\":null}", "a name for the second time at byte 11"),
        ("{\"a\":false,\"a\":1}", "a name for the second time at byte 12"),
        ("\"", "a string without an end at byte 1"), ("\"a", "a string without an end at byte 1"),
        ("[\"a]", "a string without an end at byte 2"),
        (#""\""#, "a string without an end at byte 1"), (#""\"#, "a string without an end at byte 1"),
        ("\"a\nb\"", "a control character in a string at byte 3"),
        ("\"\t\"", "a control character in a string at byte 2"),
        ("\"\u{1F}\"", "a control character in a string at byte 2"),
        ("\"\0\"", "a control character in a string at byte 2"),
        (#""\x41""#, "an unknown escape at byte 2"), (#""\a""#, "an unknown escape at byte 2"),
        (#""\'""#, "an unknown escape at byte 2"),
        (#""\0""#, "an unknown escape at byte 2"), (#""\U0041""#, "an unknown escape at byte 2"),
        ("\"\\\n\"", "an unknown escape at byte 2"),
        ("\"\\\0\"", "an unknown escape at byte 2"), (#""\ ""#, "an unknown escape at byte 2"),
        (#""\u""#, "four hexadecimal digits are missing at byte 4"),
        (#""\u12"#, "four hexadecimal digits are missing at byte 6"),
        (#""\u123""#, "four hexadecimal digits are missing at byte 7"),
        (#""\u00g0""#, "four hexadecimal digits are missing at byte 6"),
        (#""\u+041""#, "four hexadecimal digits are missing at byte 4"),
        (#""\u 041""#, "four hexadecimal digits are missing at byte 4"),
        (#""\ud800""#, "half a surrogate pair at byte 2"), (#""\udc00""#, "half a surrogate pair at byte 2"),
        (#""\ud800a""#, "half a surrogate pair at byte 2"), (#""\ud800\n""#, "half a surrogate pair at byte 2"),
        (#""\ud800\ud800""#, "half a surrogate pair at byte 2"),
        (#""\ude00\ud83d""#, "half a surrogate pair at byte 2"),
        (#""\ud800\u0041""#, "half a surrogate pair at byte 2"), (#""a\udfff""#, "half a surrogate pair at byte 3"),
        (#""\ud83d\u""#, "four hexadecimal digits are missing at byte 10"),
        (#""\ud83d\"#, "half a surrogate pair at byte 2"),
    ])
    func `any other text is refused, with what is wrong and where`(text: String, reason: String) {
        #expect(self.decoded(text) == "no: \(reason)")
    }

    @Test(
        arguments: [
            // Alone, cut short, overlong, surrogates, too high, and never in UTF-8.
            [0x80], [0xBF], [0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x98], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80],
            [0xE0, 0x9F, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xED, 0xA0, 0x80],
            [0xED, 0xBF, 0xBF],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFE], [0xFF],
            [0xC3, 0x28],
            [0xE2, 0x28, 0xA1], [0xE2, 0x82, 0x28], [0xF0, 0x28, 0x8C, 0xBC], [0xF0, 0x90, 0x28, 0xBC],
            [0xF0, 0x90, 0x8C, 0x28],
        ] as [[UInt8]]
    )
    func `a string must be UTF-8, also as a name, and outside of strings nothing is`(bytes: [UInt8]) {
        let quoted = [0x22] + bytes + [0x22]
        #expect(self.decoded(quoted) == "no: a byte that is not UTF-8 at byte 2")
        #expect(self.decoded([0x7B] + quoted + Array(":1}".utf8)) == "no: a byte that is not UTF-8 at byte 3")
        // Behind an escape, and where the text ends within a character.
        #expect(self.decoded(Array(#""\n"#.utf8) + bytes + [0x22]) == "no: a byte that is not UTF-8 at byte 4")
        #expect(self.decoded([0x22] + bytes) == "no: a byte that is not UTF-8 at byte 2")
        #expect(self.decoded(bytes) == "no: a value is missing at byte 1")
    }

    @Test func `nesting ends at 32 levels`() {
        let nested = { (count: Int) in String(repeating: "[", count: count) + String(repeating: "]", count: count) }
        #expect(self.decoded(nested(32))?.hasPrefix("{{") == true)
        #expect(self.decoded(nested(33)) == "no: more than 32 levels of nesting at byte 33")
        let objects = String(repeating: "{\"a\":", count: 33)
        #expect(self.decoded(objects) == "no: more than 32 levels of nesting at byte 161")
        // What was closed does not count.
        #expect(
            self.decoded("[" + (0..<40).map { _ in nested(31) }.joined(separator: ",") + "]")?.hasPrefix("{") == true
        )
    }

    @Test func `values end at 100000, and a text at 1 MiB`() throws {
        let probe = try Probe(Probe.limits(memory: 64 << 20, cpuTime: .seconds(10), instructions: 100_000_000))
        let error = try probe.attempt(
            """
            local list = "[" .. string.rep("1,", 99998) .. "1]"
            relay.report(#relay.json.decode(list))
            relay.report((select(2, relay.json.decode("[1," .. list:sub(2)))))
            local longest = '"' .. string.rep("x", (1 << 20) - 2) .. '"'
            relay.report(#relay.json.decode(longest))
            relay.report((select(2, relay.json.decode(longest .. " "))))
            """
        )
        #expect(error == nil)
        #expect(
            probe.reports == [
                .integer(99_999), .bytes(Array("more than 100000 values at byte 200000".utf8)), .integer(1_048_574),
                .bytes(Array("a text of 1048577 bytes; the limit is 1048576".utf8)),
            ]
        )
    }

    @Test(arguments: [
        ("", "nil"), ("nil", "nil"), ("5", "a number"), ("{}", "a table"), ("relay.json.null", "a userdata"),
    ])
    func `what is no string is the script's own mistake`(argument: String, called: String) throws {
        let error = try self.probe.attempt("relay.json.decode(\(argument))")
        #expect(error?.message == "script2.lua:2: relay.json.decode takes a string, not \(called)")
    }

    @Test func `a constant that the host was given comes back as the same constant`() throws {
        try self.probe.load("relay.keep('back', function(value) relay.report(value == relay.json.null) end)")
        guard case .object(let type, let id, _) = try self.probe.value("relay.json.null") else {
            Issue.record("null is no object")
            return
        }
        self.probe.run("back", .object(LuaObject(type: type, id: id)))
        #expect(self.probe.last == .boolean(true))
    }

    @Test func `null is a constant that says what it is`() throws {
        #expect(try self.probe.value("tostring(relay.json.null)")?.text == "relay.json.null")
        #expect(try self.probe.value("relay.json.decode('null') == relay.json.null") == .boolean(true))
        #expect(try self.probe.value("getmetatable(relay.json.null)")?.text == "locked")
        let message = try self.probe.attempt("local value = relay.json.null.x")?.message
        #expect(message?.contains("relay.json.null has no fields: compare with it") == true)
        #expect(try self.probe.attempt("relay.json.empty_array[1] = 1")?.message.contains("has no fields") == true)
    }
}
