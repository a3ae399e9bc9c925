// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import RelayCore
import TestSupport
import Testing

@Suite struct FailureTests {
    @Test func `a failing hook counts as nil, the others still run, and the log says where`() throws {
        let chat = try Chat(
            """
            relay.on("format", function(m)
              error("boom")
            end)
            """
        )
        let ana = chat.connect()
        let bia = chat.connect()
        chat.says(ana, "oi")
        #expect(bia.hears == "('10.0.0.1', 4001) disse: oi")
        let entry = try #require(chat.log.entries.last { $0.message == "hook failed" })
        #expect(entry.metadata["error"] == "scripts/test.lua:2: boom")
        #expect(entry.metadata["hook.event"] == "format")
        #expect(entry.metadata["hook.script"] == "scripts/test.lua:1")
        #expect(entry.metadata["error.traceback"]?.contains("scripts/test.lua:2") == true)
    }

    @Test func `with on_error block a failing filter swallows the message`() throws {
        let chat = try Chat(#"relay.on("message", { on_error = "block" }, function() error("boom") end)"#)
        let ana = chat.connect()
        let bia = chat.connect()
        chat.says(ana, "oi")
        #expect(bia.hears == "")
    }

    @Test func `no hook runs twice after a failure`() throws {
        let chat = try Chat(
            """
            local calls = 0
            relay.on("message", function(m) calls = calls + 1 return m.text .. calls end)
            relay.on("message", function() error("boom") end)
            relay.on("message", function(m) return m.text .. "!" end)
            """,
            hasStock: false
        )
        let ana = chat.connect()
        let bia = chat.connect()
        chat.says(ana, "x")
        chat.says(ana, "y")
        #expect(bia.hears == "x1!y2!")
    }

    @Test(arguments: [
        (#"relay.on("format", function() return 42 end)"#, "format answered a number"),
        (#"relay.on("format", function() return true end)"#, "format answered true"),
        (#"relay.on("format", function() return {} end)"#, "format answered a table"),
        (#"relay.on("console", function() return { 1 } end)"#, "a list with something else than strings"),
        (#"relay.on("name", function() return false end)"#, "name answered false"),
        (#"relay.on("name", function() return ("x"):rep(129) end)"#, "129 bytes, more than the limit of 128"),
        (#"relay.on("format", function() return ("x"):rep(200705) end)"#, "more than the limit of 200704"),
    ])
    func `an answer of a wrong type is an error and counts as none`(script: String, error: String) throws {
        let chat = try Chat(script)
        let ana = chat.connect()
        let bia = chat.connect()
        chat.says(ana, "oi")
        #expect(bia.hears == "('10.0.0.1', 4001) disse: oi")
        #expect(chat.log.failures.contains { $0.contains(error) && $0.hasPrefix("scripts/test.lua:1:") })
    }

    @Test func `an endless loop fails with a timeout and others chat on`() throws {
        let chat = try Chat(
            #"relay.on("message", function(m) if m.text == "loop" then while true do pcall(error) end end end)"#
        )
        let ana = chat.connect()
        let bia = chat.connect()
        chat.says(ana, "loop")
        #expect(bia.hears == "('10.0.0.1', 4001) disse: loop")
        #expect(chat.log.entries.last { $0.message == "hook failed" }?.metadata["hook.failure"] == "timeout")
        chat.says(bia, "oi")
        #expect(ana.hears == "('10.0.0.1', 4002) disse: oi")
    }

    @Test func `a script without end in memory fails with memory and the state lives on`() throws {
        let chat = try Chat(
            """
            relay.on("message", function(m)
              if m.text == "eat" then local t = {} while true do t[#t + 1] = ("x"):rep(100000) .. #t end end
            end)
            """,
            luaMemory: 8 << 20
        )
        let ana = chat.connect()
        let bia = chat.connect()
        chat.says(ana, "eat")
        #expect(["memory", "timeout"].contains(chat.log.entries.last?.metadata["hook.failure"]))
        chat.says(ana, "oi")
        #expect(bia.hears.hasSuffix("disse: oi"))
    }

    @Test func `a hook that keeps passing limits is paused, then tried again`() throws {
        var limits = Limits()
        limits.pauseAfter = .seconds(1)
        let chat = try Chat(
            """
            relay.on("message", function(m) while true do end end)
            """,
            limits: limits
        )
        // No sender's texts are to blame for more than half.
        let (ana, bia, caio) = (chat.connect(), chat.connect(), chat.connect())
        for _ in 0..<20 { for person in [ana, bia, caio] { chat.says(person, "x") } }
        let failures = chat.log.failures.count
        #expect(chat.log.entries.contains { $0.message.hasPrefix("hook paused") })
        #expect(!chat.log.entries.contains { $0.message.hasPrefix("sender refused") })
        let before = chat.log.entries.count { $0.message == "hook failed" }
        _ = bia.hears
        chat.says(ana, "x")
        #expect(chat.log.entries.count { $0.message == "hook failed" } == before, "a paused hook is not entered")
        #expect(bia.hears == "('10.0.0.1', 4001) disse: x", "and counts as nil")
        chat.clock.now += 31
        chat.says(ana, "x")
        #expect(chat.log.failures.count > failures)
    }

    @Test func `plain errors never pause a hook`() throws {
        let chat = try Chat(#"relay.on("message", { on_error = "block" }, function(m) error("x") end)"#)
        let ana = chat.connect()
        let bia = chat.connect()
        for _ in 0..<5_000 { chat.says(ana, "x") }
        #expect(bia.hears == "")
        #expect(!chat.log.entries.contains { $0.message.hasPrefix("hook paused") })
    }

    @Test func `a hook that fails on every message does not fill the log`() throws {
        let chat = try Chat(#"relay.on("message", function(m) error("x") end)"#)
        let ana = chat.connect()
        for _ in 0..<1_000 { chat.says(ana, "x") }
        #expect(chat.log.failures.count == 1)
        chat.clock.now += 1
        chat.says(ana, "x")
        #expect(chat.log.entries.last?.metadata["log.unlogged"] == "999")
        #expect(chat.log.entries.last?.metadata["hook.failures"] == "1001")
    }

    @Test(arguments: [
        (#"m.text = "x""#, "return the new text instead"), (#"m.sender = nil"#, "return the new text instead"),
        (#"relay.others.x = 1"#, "a route has no field 'x'"), (#"m.sender.send = 1"#, "read-only"),
    ])
    func `what cannot be assigned says what to do`(code: String, error: String) throws {
        let chat = try Chat("relay.on(\"message\", function(m) \(code) end)")
        chat.says(chat.connect(), "x")
        #expect(chat.log.failures.first?.contains(error) == true, "\(chat.log.failures)")
    }

    @Test func `a passed limit is named with its value`() throws {
        var limits = LuaLimits()
        limits.hooks = .init(cpuTime: .seconds(60), instructions: 100_000)
        let chat = try Chat(["a.lua": "relay.on('message', function() while true do end end)"], luaLimits: limits)
        chat.says(chat.connect(), "x")
        // With the fifth of the reserve that each of five files has.
        #expect(chat.log.failures == ["time limit passed: more than 110000 instructions"])
    }

    @Test func `a message kept beyond its hook is readable only inside one`() throws {
        let chat = try Chat(
            """
            local kept
            relay.on("message", function(m) kept = m end)
            relay.on("disconnect", function() return kept.text end)
            """
        )
        let ana = chat.connect()
        chat.says(ana, "x")
        chat.leaves(ana)
        #expect(chat.log.failures.first?.contains("readable only inside a hook") == true)
    }

    @Test(arguments: [
        (#"relay.log.warning("x")"#, "did you mean 'warn'?"), (#"relay.only(nil)"#, "argument 1 is nil"),
        (#"c.name = 1"#, "client.name takes a string"), (#"c.id = 1"#, "client.id is read-only"),
        (#"c.room = ("x"):rep(129)"#, "may have 128 bytes"), (#"c.name = "\xff""#, "must be UTF-8"),
        (#"c.nmae = "x""#, "did you mean 'name'?"), (#"return c.romo"#, "did you mean 'room'?"),
        (#"c.send("x")"#, "with a colon"), (#"c:send(1)"#, "takes a string"),
        (#"relay.sned()"#, "did you mean 'send'?"), (#"relay.log.wran("x")"#, "did you mean 'warn'?"),
        (#"relay.only("x")"#, "relay.only takes clients"), (#"relay.send("tcp", "x")"#, "takes a route first"),
        (#"relay.client("1")"#, "an integer"), (#"relay.utf8(1)"#, "takes a string"),
        (#"relay.on("stop", print)"#, "only while scripts are loaded"), (#"relay.x = 1"#, "relay is read-only"),
        (#"relay.send(relay.everyone, ("x"):rep(200705))"#, "a text may have 200704 bytes"),
    ])
    func `a wrong use of the API is an error with file, line and a way out`(code: String, error: String) throws {
        let chat = try Chat("relay.on(\"connect\", function(c)\n\(code)\nend)")
        _ = chat.connect()
        let failure = try #require(chat.log.failures.first)
        #expect(failure.contains(error))
        #expect(failure.hasPrefix("scripts/test.lua:2:"))
    }
}

extension Chat {
    convenience init(_ script: String, luaMemory: Int) throws {
        var limits = LuaLimits()
        limits.memory = luaMemory
        try self.init(["test.lua": script], luaLimits: limits)
    }
}
