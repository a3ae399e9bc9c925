// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import Testing

@Suite(.timeLimit(.minutes(15)))
struct ObjectTests {
    @Test func `One object is always the same Lua value, also as a key`() throws {
        let probe = try Probe()
        try probe.load("kept = { [relay.thing(5)] = 'five' } relay.keep('a', function(t) relay.report(kept[t]) end)")
        let thing = try #require(probe.thing)
        for _ in 1...2 { probe.run("a", .object(LuaObject(type: thing, id: 5))) }
        probe.run("a", .object(LuaObject(type: thing, id: 6)))
        #expect(probe.reports == [.bytes(Array("five".utf8)), .bytes(Array("five".utf8)), .nil])
        #expect(try probe.value("rawequal(relay.thing(5), relay.things()[1])") == .boolean(false))
        #expect(try probe.value("rawequal(relay.thing(3), relay.things()[3])") == .boolean(true))
        #expect(try probe.value("rawequal(relay.note(), relay.note())") == .boolean(false))
        #expect(try probe.value("#relay.things()") == .integer(3))
    }

    @Test func `A forgotten object is a new value with fresh data`() throws {
        let probe = try Probe()
        #expect(try probe.attempt("relay.thing(1).data.x = 1 relay.report(relay.thing(1).data.x)") == nil)
        #expect(probe.last == .integer(1))
        #expect(
            try probe.attempt("local old = relay.thing(1) relay.forget(1) relay.report(old == relay.thing(1))") == nil
        )
        #expect(probe.last == .boolean(false))
        #expect(try probe.value("relay.thing(1).data.x") == .nil)
    }

    @Test func `Forgetting inside a host function leaves the caller's place and limits alone`() throws {
        let probe = try Probe()
        #expect(try probe.attempt("relay.forget(9)\nrelay.caller()") == nil)
        #expect(probe.callers.first?.hasSuffix(".lua:3") == true, "\(probe.callers)")
        #expect(try probe.attempt("while true do relay.forget(9) end")?.kind == .timeout)
        #expect(try probe.attempt("pcall(function() while true do relay.forget(9) end end)")?.kind == .timeout)
        #expect(
            try probe.attempt("coroutine.wrap(function() while true do relay.forget(9) end end)()")?.kind == .timeout
        )
        try probe.expectHealthy()
    }

    @Test func `A data table belongs to its object and lasts`() throws {
        let probe = try Probe()
        try probe.load(
            """
            relay.keep("a", function(thing) thing.data.count = (thing.data.count or 0) + 1 end)
            relay.keep("a", function(thing) relay.report(thing.data.count) end)
            """
        )
        let thing = try #require(probe.thing)
        for id: Int64 in [1, 1, 2, 1] { probe.run("a", .object(LuaObject(type: thing, id: id))) }
        #expect(probe.reports == [.integer(1), .integer(2), .integer(1), .integer(3)])
        #expect(try probe.attempt("relay.thing(1).data = {}")?.message.contains("thing.data is read-only") == true)
    }

    @Test func `Fields are read and written through the host`() throws {
        let probe = try Probe()
        #expect(try probe.attempt("local t = relay.thing(7) t.name = 'Ana' relay.report(t.name, t.id)") == nil)
        #expect(probe.reports == [.bytes(Array("Ana".utf8)), .integer(7)])
        #expect(probe.names[7] == Array("Ana".utf8))
        #expect(try probe.attempt("relay.thing(7).id = 8")?.message.hasSuffix(":2: thing.id is read-only") == true)
        #expect(try probe.attempt("relay.thing(7).greet = 8")?.message.contains("thing.greet is read-only") == true)
        #expect(try probe.attempt("relay.thing(7).name = {}")?.message.contains("takes a string, not a table") == true)
        #expect(
            try probe.attempt("return relay.thing(7).broken")?.message.hasSuffix(":2: this field cannot be read today")
                == true
        )
    }

    @Test func `An unknown field is explained, read or written`() throws {
        let probe = try Probe()
        for body in ["return relay.thing(1).nmae", "relay.thing(1).nmae = 1"] {
            #expect(
                try probe.attempt(body)?.message.hasSuffix(":2: a thing has no field 'nmae'; there is 'name'") == true
            )
        }
        for key in ["1", "{}", "print", "1.5", "true", "0/0"] {
            #expect(try probe.attempt("return relay.thing(1)[\(key)]")?.message.contains("has no field") == true)
        }
    }

    @Test func `A method needs its object`() throws {
        let probe = try Probe()
        #expect(try probe.value("relay.thing(3):greet('bia')")?.text == "thing 3 greets bia")
        #expect(try probe.value("relay.thing(3):greet()")?.text == "thing 3 greets nobody")
        #expect(try probe.value("relay.thing(3):greet('a', 2, 3, 4, 5, 6, 7, 8, 9)")?.text == "thing 3 greets a")
        for call in [
            "greet()", "greet('x')", "greet({})", "greet(relay.note())", "greet(nil)", "greet(coroutine.running())",
        ] {
            #expect(
                try probe.attempt("relay.thing(3).\(call)")?.message.contains("call 'greet' with a colon") == true,
                "\(call)"
            )
        }
    }

    @Test func `An object's metatable is out of reach`() throws {
        let probe = try Probe()
        #expect(try probe.value("type(getmetatable(relay.thing(1)))")?.text == "string")
        for body in [
            "setmetatable(relay.thing(1), {})", "rawset(relay.thing(1), 'id', 2)", "rawget(relay.thing(1), 1)",
        ] {
            #expect(try probe.attempt(body)?.kind == .error)
        }
        #expect(try probe.value("tostring(relay.thing(12))")?.text == "thing 12")
    }

    @Test func `An object's payload crosses with it`() throws {
        let probe = try Probe()
        let note = try #require(probe.note)
        #expect(try probe.value("relay.note()") == .object(note, 7, payload: [0, 255, 65]))
        let answer = LuaAnswerSchema(
            event: "route",
            accepted: [.object(note)],
            acceptsFalse: false,
            longest: 0,
            expected: "a note"
        )
        try probe.load(
            "relay.keep('a', function() return relay.note() end) relay.keep('a', function() return relay.thing(1) end)"
        )
        let outcome = probe.run("a", answer: answer)
        #expect(outcome.answers == [.object(note, 7, payload: [0, 255, 65]), .nil])
        #expect(outcome.errors.first?.message.contains("route answered a thing; it may answer a note") == true)
    }

    @Test(
        "Strings cross as bytes",
        arguments: [
            [], [0], [0, 0, 65, 0], [0xFF, 0xFE], [0xC3], [0xED, 0xA0, 0x80], Array("ol\u{e1} \u{1F600}".utf8),
            [UInt8](0...255),
        ] as [[UInt8]]
    )
    func bytes(bytes: [UInt8]) throws {
        let probe = try Probe()
        try probe.load(
            """
            relay.keep("a", function(text)
              relay.report(text, #text, relay.echo(text), text .. "")
              relay.thing(1).name = text
              return text
            end)
            """
        )
        let any = LuaAnswerSchema(
            event: "a",
            accepted: [.bytes],
            acceptsFalse: false,
            longest: 1 << 20,
            expected: "bytes"
        )
        let outcome = bytes.withUnsafeBytes { probe.run("a", .bytes($0), answer: any) }
        #expect(outcome.errors.isEmpty)
        #expect(probe.reports == [.bytes(bytes), .integer(Int64(bytes.count)), .bytes(bytes), .bytes(bytes)])
        #expect(outcome.answers == [.bytes(bytes)])
        #expect(probe.names[1] == bytes)
    }

    @Test func `A long text crosses whole`() throws {
        let probe = try Probe()
        let long = [UInt8]((0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
        try probe.load("relay.keep('a', function(text) relay.report(text) end)")
        long.withUnsafeBytes { _ = probe.run("a", .bytes($0)) }
        #expect(probe.last == .bytes(long))
    }

    @Test func `Other values cross unchanged`() throws {
        let probe = try Probe()
        let error = try probe.attempt(
            """
            relay.report(nil, true, false, 1, -1, math.maxinteger, math.mininteger, 1.5, 1 / 0, 2.0, {}, print,
              coroutine.running(), relay.bytes(), relay.echo(nil))
            """
        )
        #expect(error == nil)
        #expect(
            probe.reports == [
                .nil, .boolean(true), .boolean(false), .integer(1), .integer(-1), .integer(.max), .integer(.min),
                .number(1.5), .number(.infinity), .number(2), .table(0), .function, .other,
                .bytes(Array("ol\u{e1}\0".utf8)), .nil,
            ]
        )
    }

    @Test func `A table's entries cross one level deep`() throws {
        let probe = try Probe()
        #expect(try probe.attempt("relay.entries({ 'a', x = { 1 }, [relay.thing(1)] = print })") == nil)
        #expect(probe.entries.count == 3)
        #expect(probe.entries.contains { $0.key == .integer(1) && $0.value == .bytes([97]) })
        #expect(probe.entries.contains { $0.key == .bytes([120]) && $0.value == .table(0) })
        #expect(probe.entries.contains { $0.value == .function })
        let error = try probe.attempt("local t = {} for i = 1, 65 do t[i] = i end relay.entries(t)")
        #expect(error?.message.contains("at most 64 entries") == true)
    }

    @Test func `print joins its arguments as text`() throws {
        let probe = try Probe()
        #expect(try probe.attempt("print(1, nil, 'a', {}, relay.thing(2), true) print()") == nil)
        #expect(probe.texts == ["1\tnil\ta\ttable\tthing 2\ttrue", ""])
        #expect(try probe.attempt("print(('x'):rep(3000), ('y'):rep(3000))") == nil)
        #expect(probe.last?.text?.utf8.count == 6001)
    }

    @Test func `A hook registered inside a coroutine or by pcall is kept`() throws {
        let probe = try Probe()
        try probe.load("coroutine.wrap(relay.keep)('a', function() relay.report('one') end)")
        try probe.load("pcall(relay.keep, 'a', function() relay.report('two') end)")
        try probe.load("pcall(relay.keep, 'a', 12)")
        #expect(probe.run("a").errors.isEmpty)
        #expect(probe.texts == ["one", "two"])
    }
}
