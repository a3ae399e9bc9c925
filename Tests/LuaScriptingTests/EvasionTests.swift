// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import Testing

/// Ways around the limits: work that no instruction count shows.
///
/// Pattern matching inside one call is not bounded yet.
///
/// Each of these ends by itself after some seconds, so that a hole shows as a failure rather than a hang.
@Suite(.timeLimit(.minutes(15)))
struct EvasionTests {
    @Test(
        "A library function over a large text counts as time",
        arguments: [
            "os.date(format)", "utf8.len(text)", "string.packsize(text)", "tonumber(text, 36)", "text:rep(1, text)",
            "string.unpack(text, zeros)", "text:byte(1, 200000)", "text < zeros",
        ]
    )
    func large(body: String) throws {
        let probe = try Probe(Probe.limits(memory: 48 << 20))
        try probe.load(
            """
            text, zeros = ("b"):rep(1 << 8):rep(1 << 15), ("\0"):rep(1 << 8):rep(1 << 15)
            format = ("%n"):rep(1 << 8):rep(1 << 13)
            relay.keep("a", function() for i = 1, 1000 do pcall(function() return \(body) end) end end)
            """
        )
        let outcome = probe.run("a")
        #expect(outcome.errors.count <= 1)
        #expect(outcome.used < .milliseconds(500), "50 ms were allowed")
        try probe.expectHealthy()
    }

    @Test func `The clock runs from the first instruction on`() throws {
        let probe = try Probe(Probe.limits(memory: 32 << 20, cpuTime: .milliseconds(5)))
        try probe.load(
            "text = ('a'):rep(64):rep(1 << 16) relay.keep('a', function() for i = 1, 100 do local _ = text:upper() end end)"
        )
        let outcome = probe.run("a")
        #expect(outcome.errors.map(\.kind) == [.timeout])
        #expect(outcome.used < .milliseconds(250), "5 ms were allowed")
    }

    @Test func `A sort whose table lies about its length does not widen the budget`() throws {
        let probe = try Probe()
        try probe.load(
            """
            local list = {}
            for i = 55, 0, -1 do list[1 << i] = 1 end
            relay.keep("a", function()
              pcall(table.sort, list)
              for i = 1, 10 do table.move({}, 1, 1000000, 2) end
            end)
            """
        )
        let outcome = probe.run("a")
        #expect(outcome.errors.map(\.kind) == [.timeout], "ten million steps on two million instructions")
        #expect(outcome.used < .milliseconds(500), "50 ms were allowed")
        try probe.expectHealthy()
    }

    @Test func `A sort of large texts is stopped`() throws {
        let probe = try Probe(Probe.limits(memory: 32 << 20))
        try probe.load(
            """
            local text = ("x"):rep(1 << 8):rep(1 << 14)
            local a, b, list = text .. "a", text .. "b", {}
            for i = 1, 2000 do list[i] = i % 2 == 0 and a or b end
            relay.keep("a", function() table.sort(list) end)
            """
        )
        let outcome = probe.run("a")
        #expect(outcome.errors.map(\.kind) == [.timeout])
        #expect(outcome.used < .milliseconds(500), "50 ms were allowed")
        try probe.expectHealthy()
    }

    @Test func `A coroutine made before the large texts is watched as closely as one made after`() throws {
        let probe = try Probe(Probe.limits(memory: 64 << 20))
        try probe.load(
            """
            local text
            local pool = {}
            for i = 1, 50 do
              pool[i] = coroutine.wrap(function()
                coroutine.yield()
                local len = utf8.len
                for j = 1, 100 do len(text) end
              end)
              pool[i]()
            end
            text = ("x"):rep(1 << 8):rep(1 << 16)
            relay.keep("a", function() for i = 1, 10 do pool[i]() end end)
            """
        )
        let outcome = probe.run("a")
        #expect(outcome.errors.map(\.kind) == [.timeout])
        #expect(outcome.used < .milliseconds(500), "50 ms were allowed")
        try probe.expectHealthy()
    }

    @Test func `Collecting garbage at the brink of the memory limit counts as time`() throws {
        let probe = try Probe(Probe.limits(memory: 16 << 20))
        try probe.load(
            """
            local limit = 16 * 1024
            local chain
            relay.keep("fill", function()
              for i = 1, 20000 do
                if limit - collectgarbage("count") < 0.5 then return end
                chain = { chain }
              end
            end)
            relay.keep("a", function() for i = 1, 3000 do local _ = {} end relay.report("done") end)
            """
        )
        for _ in 1...40 { probe.run("fill") }
        #expect(probe.memory > 15 << 20)
        let outcome = probe.run("a")
        #expect(outcome.used < .milliseconds(500), "50 ms were allowed")
        #expect(outcome.errors.count == 1)
    }

    @Test func `Weak tables that hold each other count as time`() throws {
        let probe = try Probe(Probe.limits(memory: 32 << 20))
        try probe.load(
            """
            local keep = {}
            relay.keep("a", function()
              local mode = { __mode = "k" }
              local tables = {}
              for i = 1, 300 do tables[i] = setmetatable({}, mode) end
              local key = {}
              keep[1], keep[2] = key, tables
              for i = 1, 30000 do
                local following = {}
                tables[300 - i % 300][key] = following
                key = following
              end
            end)
            relay.keep("b", function() for i = 1, 100000 do local _ = {} end end)
            """
        )
        for event in ["a", "b", "b"] { #expect(probe.run(event).used < .milliseconds(500), "50 ms were allowed") }
    }

    /// `lua_resume` makes its error text outside of any protection: without memory for it, Lua resets the dead thread,
    /// which runs its `__close` with hooks off.
    @Test func `A dead coroutine resumed without memory stays dead`() throws {
        let probe = try Probe(Probe.limits(memory: 1 << 20))
        try probe.load(
            """
            closed = false
            local limit = 1024
            local m = {}
            local value = setmetatable({}, m)
            m.__close = function() closed = true end
            relay.keep("kill", function()
              dead = coroutine.create(function() local c <close> = value while true do end end)
              coroutine.resume(dead)
            end)
            local list, n, chain = {}, 0, nil
            for i = 1, 4000 do list[i] = false end
            relay.keep("fill", function()
              local count, text, resume, dead = collectgarbage, tostring, coroutine.resume, dead
              while limit - count("count") > 8 do chain = { chain } end
              while limit - count("count") > 0.05 do n = n + 1 list[n] = text(n) end
              resume(dead)
            end)
            relay.keep("tell", function() if closed then relay.report(true) end end)
            """
        )
        #expect(probe.run("kill").errors.map(\.kind) == [.timeout])
        for _ in 1...300 {
            probe.run("fill")
            probe.run("tell")
        }
        #expect(probe.memory > 1000 << 10)
        #expect(probe.reports.isEmpty)
    }
}
