// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import LuaScripting
import LuarTesting
import RelayHooks
import Testing

/// Other scripts in the place of those that run.
struct ReloadTests {
    /// Reloads `t.lua`, which must fail, and says why.
    private func refusal(_ relay: HookHarness, _ script: String) -> String {
        let error = #expect(throws: ScriptError.self) { try relay.reload(files: ["t.lua": script]) }
        return error?.description ?? ""
    }

    @Test func `names, rooms, dialects and data stay, and nobody comes or starts anew`() throws {
        let first = """
            for _, event in ipairs({ "start", "connect", "disconnect", "stop" }) do relay.on(event, function() print(event) end) end
            relay.on("name", function() print("name") return "somebody" end)
            relay.on("admit", function() print("admit") end)
            relay.on("message", function(m)
              local client = m.sender
              client.name, client.room, client.dialect, client.data.said = "ana", "sala", "loud", m.text
            end)
            """
        let relay = try HookHarness(files: ["t.lua": first])
        let ana = relay.connect()
        let bia = relay.connect()
        ana.says("oi")
        let before = relay.log.count
        let second =
            first.replacing("relay.on(\"message\"", with: "relay.on(\"route\"")
                + """

                relay.on("message", function(m)
                  return ("%s in %s, %s, said %s"):format(m.sender.name, m.sender.room, m.sender.dialect, m.sender.data.said)
                end)
                relay.on("format", { dialect = "loud" }, function(m) return m.text:upper() end)
                """
        try relay.reload(files: ["t.lua": second])
        #expect(relay.log.count == before)
        ana.says("x")
        #expect(relay.messages.last?.filtered == "ana in sala, loud, said oi")
        #expect(bia.isHere && ana.isHere && ana.room == "sala")
        #expect(relay.failures == [])
    }

    @Test func `where data cannot go over, the new scripts do not even begin`() throws {
        let first = "relay.on('connect', function(client) client.data.f = print end)"
        let relay = try HookHarness(files: ["t.lua": first])
        let ana = relay.connect()
        let second = "for _, client in ipairs(relay.clients()) do client:send('from the load') client:close('bye') end"
        #expect(self.refusal(relay, second).contains("data.f is a function"))
        relay.advance(by: .seconds(1))
        #expect(ana.isHere && ana.hears == [])
    }

    @Test func `old hooks, timers and metrics are gone, and states stay`() throws {
        let script = """
            local state = relay.state("kept", { max = 10 })
            relay.every(10, function() state.ticks = (state.ticks or 0) + 1; print("VERSION", state.ticks) end)
            relay.on("message", function(m) relay.metrics.count("VERSION_texts") return m.text .. " VERSION" end)
            """
        let relay = try HookHarness(files: ["t.lua": script.replacing("VERSION", with: "one")])
        let ana = relay.connect()
        ana.says("a")
        relay.advance(by: .seconds(25))
        try relay.reload(files: ["t.lua": script.replacing("VERSION", with: "two")])
        #expect(relay.metrics.isEmpty)
        ana.says("b")
        relay.advance(by: .seconds(20))
        #expect(relay.log.map(\.message) == ["one\t1", "one\t2", "two\t3", "two\t4"])
        #expect(relay.messages.map(\.filtered) == ["a one", "b two"])
        #expect(relay.metrics.map(\.name) == ["two_texts"])
    }

    @Test func `a state has the options that the new scripts declare, and goes with them`() throws {
        let script = { (declaration: String) in
            """
            local state = \(declaration)
            relay.on("message", function(m) if state then state[#state + 1] = m.text end return state and #state .. "" end)
            """
        }
        let relay = try HookHarness(files: ["t.lua": script("relay.state('kept', { max = 10 })")])
        let ana = relay.connect()
        for _ in 1...5 { ana.says("x") }
        try relay.reload(files: ["t.lua": script("relay.state('kept', { max = 2 })")])
        ana.says("x")
        #expect(relay.messages.last?.filtered == "2")
        // Scripts without it let go of it.
        try relay.reload(files: ["t.lua": script("nil")])
        try relay.reload(files: ["t.lua": script("relay.state('kept', { max = 10 })")])
        ana.says("x")
        #expect(relay.messages.last?.filtered == "1")
    }

    @Test(arguments: [
        ("\nrelay.oops()", "scripts/t.lua:2: relay has no 'oops'"),
        ("x = ", "scripts/t.lua:1: unexpected symbol near <eof>"),
        ("while true do end", "loading the scripts took more than"),
        ("for i = 1, 10000 do relay.on('start', print) end", "too many hooks: the limit is 1000"),
        ("local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1e6) .. i end", "loading the scripts took more than"),
        ("relay.settings({ old = { 'number', default = 'x' } })", "setting 't.old'"),
        ("relay.state('kept', { max = 0 })", "relay.state"),
    ]) func `scripts that do not load change nothing`(script: String, reason: String) throws {
        var limits = LuaLimits()
        limits.loading.cpuTime = .milliseconds(200)
        let relay = try HookHarness(
            files: [
                "t.lua": """
                relay.settings({ old = { "number", default = 1 } })
                local state = relay.state("kept", { max = 10 })
                relay.every(10, function() print("tick") end)
                relay.on("message", function(m)
                  state.n = (state.n or 0) + 1
                  relay.metrics.count("texts")
                  m.sender.data.n = state.n
                  return m.text .. state.n
                end)
                """
            ],
            settings: ["t.old": "5"],
            scriptLimits: limits
        )
        let ana = relay.connect()
        ana.says("a")
        #expect(self.refusal(relay, script).contains(reason), "\(self.refusal(relay, script))")
        ana.says("b")
        relay.advance(by: .seconds(10))
        #expect(relay.messages.map(\.filtered) == ["a1", "b2"])
        #expect(relay.log.map(\.message) == ["tick"])
        #expect(relay.metrics.first?.value == 2)
        #expect(relay.failures == [])
        // And once it is mended it goes over.
        try relay.reload(
            files: ["t.lua": "relay.on('message', function(m) return m.text .. m.sender.data.n end)"],
            settings: [:]
        )
        ana.says("c")
        #expect(relay.messages.last?.filtered == "c2")
    }

    @Test(arguments: [
        ("m.sender.data.f = print", "client 1: data.f is a function"),
        ("m.sender.data.a = { b = { coroutine.create(print) } }", "client 1: data.a.b[1] is a coroutine"),
        ("m.sender.data.t = setmetatable({}, {})", "client 1: data.t"),
        ("local t = {} m.sender.data.t = t for _ = 1, 20 do t.t = {} t = t.t end", "client 1: data.t.t"),
    ]) func `what cannot go over refuses the reload by its path`(body: String, reason: String) throws {
        let relay = try HookHarness(files: ["t.lua": "relay.on('message', function(m) \(body) end)"])
        let ana = relay.connect()
        ana.says("x")
        #expect(relay.failures == [])
        #expect(self.refusal(relay, "").contains(reason), "\(self.refusal(relay, ""))")
        ana.says("y")
        #expect(relay.failures == [])
    }

    @Test func `data keeps its cycles, its shared tables and its clients`() throws {
        let relay = try HookHarness(files: [
            "t.lua": """
            relay.on("message", function(m)
              local game = { players = {} }
              for _, client in ipairs(relay.clients()) do
                client.data.game, game.players[client] = game, client.id
                client.data.self = client.data
              end
            end)
            """
        ])
        let ana = relay.connect()
        _ = relay.connect()
        ana.says("x")
        try relay.reload(files: [
            "t.lua": """
            relay.on("message", function(m)
              local a, b = relay.client(1), relay.client(2)
              return ("%s %s %s %s"):format(a.data.game == b.data.game, a.data.self == a.data, a.data.game.players[b], m.sender == a)
            end)
            """
        ])
        ana.says("x")
        #expect(relay.messages.last?.filtered == "true true 2 true", "\(relay.failures)")
    }

    @Test func `a data table of somebody who left does not hold up a reload`() throws {
        let relay = try HookHarness(files: ["t.lua": "relay.on('message', function(m) m.sender.data.f = print end)"])
        let ana = relay.connect()
        ana.says("x")
        ana.leaves()
        try relay.reload(files: ["t.lua": ""])
    }

    @Test func `a thousand reloads leave nothing behind`() throws {
        let relay = try HookHarness()
        let ana = relay.connect()
        let bia = relay.connect()
        for number in 1...1_000 {
            try relay.reload(files: ["t.lua": "relay.on('message', function(m) return m.text .. ' \(number)' end)"])
            ana.says("x")
        }
        #expect(bia.heard.count == 1_000 && bia.heard.last?.hasSuffix("x 1000") == true)
    }
}
