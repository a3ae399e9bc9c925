// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import Testing

@Suite(.timeLimit(.minutes(15)))
struct ErrorTests {
    private static let reply = LuaAnswerSchema(
        event: "format",
        accepted: [.bytes],
        acceptsFalse: true,
        longest: 10,
        expected: "a text or false"
    )
    private static let lines = LuaAnswerSchema(
        event: "console",
        accepted: [.bytes, .list],
        acceptsFalse: false,
        longest: 10,
        expected: "a line or a list of lines"
    )

    @Test func `An error tells message, script, line and calls`() throws {
        let probe = try Probe()
        try probe.load(
            """
            local function inner() error("out of cheese") end
            local function outer() inner() return 1 end
            relay.keep("fails", function() outer() return 1 end)
            """,
            as: "kitchen"
        )
        let error = try #require(probe.run("fails").errors.first)
        #expect(error.kind == .error)
        #expect(error.message == "kitchen.lua:1: out of cheese")
        #expect("\(error)" == error.message)
        #expect(error.script == "kitchen.lua")
        #expect(error.line == 1)
        for line in 1...3 { #expect(error.traceback.contains("kitchen.lua:\(line):"), "\(error.traceback)") }
    }

    @Test func `A syntax error tells script and line`() throws {
        let probe = try Probe()
        let error = #expect(throws: LuaError.self) { try probe.load("local a = 1\nlocal b = = 2", as: "typo") }
        #expect(error?.kind == .error)
        #expect(error?.message.hasPrefix("typo.lua:2:") == true)
        try probe.expectHealthy()
    }

    @Test func `A script is tried again after it failed to load`() throws {
        let probe = try Probe()
        #expect(throws: LuaError.self) { try probe.load("local = 1", as: "typo") }
        #expect(throws: Never.self) { try probe.load("relay.report('mended')", as: "typo") }
        #expect(probe.texts == ["mended"])
    }

    @Test func `A run after an error starts with a clean slate`() throws {
        let probe = try Probe()
        #expect(try probe.attempt("error('first')")?.message.hasSuffix("first") == true)
        #expect(try probe.attempt("error()")?.message.contains("first") == false)
        let bare = try probe.attempt("error('bare', 0)")
        #expect(bare?.message == "bare")
        try probe.expectHealthy()
    }

    @Test(
        "An error need not be a text",
        arguments: [
            ("nil", "(the error is a nil value)"), ("{}", "(the error is a table value)"),
            ("true", "(the error is a boolean value)"), ("print", "(the error is a function value)"),
            ("setmetatable({}, { __tostring = function() return 'told' end })", "told"),
            ("relay.thing(4)", "thing 4"),
        ]
    )
    func values(value: String, message: String) throws {
        let probe = try Probe()
        let error = try probe.attempt("error(\(value))")
        #expect(error?.kind == .error)
        #expect(error?.message == message)
        #expect(error?.line == 2)
        #expect(try probe.attempt("pcall(error) error(\(value), 2)")?.message == message)
        try probe.expectHealthy()
    }

    @Test func `An error's number is its message`() throws {
        #expect(try Probe().attempt("error(42, 0)")?.message.contains("42") == true)
    }

    @Test func `An error that is a table passes through pcall unchanged`() throws {
        let probe = try Probe()
        let error = try probe.attempt(
            """
            local mine = {}
            local ok, caught = pcall(error, mine)
            relay.report(ok, rawequal(caught, mine))
            local ok2, text = xpcall(error, function(e) return { e } end, mine)
            relay.report(ok2, rawequal(text[1], mine))
            local co = coroutine.wrap(function() error(mine) end)
            relay.report(select(2, pcall(co)) == mine)
            """
        )
        #expect(error == nil)
        #expect(probe.reports == [.boolean(false), .boolean(true), .boolean(false), .boolean(true), .boolean(true)])
    }

    @Test func `An error caught and raised again keeps its first place in the message`() throws {
        let probe = try Probe()
        let error = try probe.attempt("local _, why = pcall(function()\nerror('deep')\nend)\nerror(why, 0)")
        #expect(error?.message.hasSuffix(".lua:3: deep") == true)
        #expect(error?.line == 5)
    }

    @Test func `An error in a coroutine arrives with its place`() throws {
        let probe = try Probe()
        let error = try probe.attempt("coroutine.wrap(function()\nerror('below')\nend)()")
        #expect(error?.message.contains(".lua:3: below") == true)
        let status = try probe.attempt(
            "local co = coroutine.create(error) relay.report(coroutine.resume(co, 'x')) relay.report(coroutine.status(co)) "
                + "relay.report(coroutine.resume(co))"
        )
        #expect(status == nil)
        #expect(probe.texts == ["x", "dead", "cannot resume dead coroutine"])
    }

    @Test func `A host function's failure arrives with script and line`() throws {
        let probe = try Probe()
        try probe.load("relay.keep('a', function()\n\n  relay.fail('no such room')\nend)", as: "rooms")
        let error = try #require(probe.run("a").errors.first)
        #expect(error.message == "rooms.lua:3: no such room")
        #expect(error.script == "rooms.lua")
        #expect(error.line == 3)
        #expect(try probe.value("select(2, pcall(relay.fail, 'caught'))")?.text == "caught")
    }

    @Test func `A missing name in the host's table is explained`() throws {
        let probe = try Probe()
        #expect(try probe.attempt("return relay.sned()")?.message.hasSuffix(":2: relay has no 'sned'") == true)
        #expect(try probe.attempt("return relay.deep.x")?.message.hasSuffix(":2: relay.deep has no 'x'") == true)
    }

    @Test func `A long or strange error text is cut, not lost`() throws {
        let probe = try Probe()
        let long = try #require(try probe.attempt("error(('x'):rep(100000), 0)"))
        #expect(long.message.hasPrefix("xxx"))
        #expect(long.message.utf8.count < 2000)
        #expect(try probe.attempt("error('\\xff\\xfe', 0)")?.message == "\u{FFFD}\u{FFFD}")
        try probe.expectHealthy()
    }

    @Test(
        "An answer of the wrong kind is an error that names the event",
        arguments: [
            "12", "true", "{}", "print", "relay.thing(1)", "relay.note()", "coroutine.running()", "('x'):rep(11)",
        ]
    )
    func wrongAnswer(value: String) throws {
        let probe = try Probe()
        try probe.load(
            "relay.keep('a', function() return \(value) end)\nrelay.keep('a', function() return 'ok' end)",
            as: "own"
        )
        let outcome = probe.run("a", answer: Self.reply)
        #expect(outcome.errors.count == 1)
        let message = outcome.errors.first?.message ?? ""
        #expect(message.hasPrefix("own.lua:1: format answered "), "\(message)")
        #expect(message.contains("it may answer a text or false"))
        #expect(outcome.answers == [.nil, .bytes(Array("ok".utf8))])
    }

    @Test(
        "A list answer is checked entry by entry",
        arguments: [
            "{ 'a', 1 }", "{ 'a', {} }", "{ 'aaaaa', 'bbbbbb' }", "{ 'a', nil, 'b' }", "{ 1 }", "false",
        ]
    )
    func wrongList(value: String) throws {
        let probe = try Probe()
        try probe.load("relay.keep('a', function() return \(value) end)")
        let outcome = probe.run("a", answer: Self.lines)
        #expect(outcome.errors.first?.message.contains("console answered") == true)
        #expect(outcome.answers == [.nil])
    }

    @Test func `Good answers arrive, also an empty list and one whose metatable lies`() throws {
        let probe = try Probe()
        for body in [
            "return nil", "return", "return ''", "return '0123456789', 'surplus'", "return {}", "return { 'a', '' }",
            "return setmetatable({ 'a' }, { __len = function() return 1 << 60 end, __index = error })",
        ] {
            try probe.load("relay.keep('a', function() \(body) end)")
        }
        let outcome = probe.run("a", answer: Self.lines)
        #expect(outcome.errors.isEmpty)
        #expect(
            outcome.answers == [
                .nil, .nil, .bytes([]), .bytes(Array("0123456789".utf8)), .list([]),
                .list([.bytes([97]), .bytes([])]), .list([.bytes([97])]),
            ]
        )
    }

    @Test func `No hook runs twice after one failed, and the rest still run`() throws {
        let probe = try Probe()
        for (index, body) in ["return 'a'", "error('b')", "return 'c'", "while true do end", "return 'e'"].enumerated()
        {
            try probe.load("relay.keep('a', function() relay.report('\(index)') \(body) end)")
        }
        let outcome = probe.run("a", answer: Self.reply)
        // The fifth begins on a budget that the fourth has used up.
        #expect(outcome.errors.map(\.kind).prefix(2) == [.error, .timeout])
        #expect(probe.texts.prefix(4) == ["0", "1", "2", "3"])
        #expect(probe.texts.count <= 5)
        #expect(outcome.answers.count == 5)
        #expect(outcome.answers[0] == .bytes([97]))
        #expect(outcome.answers[1] == .nil)
        #expect(outcome.answers[2] == .bytes([99]))
        #expect(outcome.answers[3] == .nil)
    }

    @Test func `An event without hooks, and answers nobody asked for, are nothing`() throws {
        let probe = try Probe()
        #expect(probe.run("none").answers.isEmpty)
        try probe.load("relay.keep('a', function() return {}, 1, print end)")
        #expect(probe.run("a").answers == [.nil])
        #expect(probe.run("a").errors.isEmpty)
    }
}
