// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import RelayCore
import TestSupport
import Testing

@testable import RelayHooks

/// What holds on the way of a text from stage to stage.
@Suite(.timeLimit(.minutes(15)))
struct PipelineTests {
    @Test func `a name given in message is the one that format sees`() throws {
        let chat = try Chat(#"relay.on("message", function(m) m.sender.name = "ana " .. #m.text end)"#)
        let (ana, bia) = (chat.connect(), chat.connect())
        chat.says(ana, "oi")
        chat.says(ana, "bom dia")
        #expect(bia.writes == ["ana 2 disse: oi", "ana 7 disse: bom dia"])
    }

    @Test func `clients that message hooks move or close are where they are when the text is routed`() throws {
        let chat = try Chat(
            """
            relay.on("message", function(m)
              local who, what = m.text:match("^(%d) (%S+)")
              local client = relay.clients()[tonumber(who)]
              if what == "close" then client:close("bye") else client.room = what end
            end)
            """
        )
        let (ana, bia, caio) = (chat.connect(), chat.connect(), chat.connect())
        let dora = chat.connect()
        chat.says(ana, "2 outra")
        #expect((bia.hears, caio.hears, dora.hears).0 == "", "bia has left the room")
        chat.says(ana, "3 close")
        #expect(caio.hears == "" && caio.isClosed)
        #expect(dora.hears == "('10.0.0.1', 4001) disse: 3 close")
        // The sender moves: its new room hears it, the old one does not.
        chat.says(ana, "1 outra")
        #expect(bia.hears == "('10.0.0.1', 4001) disse: 1 outra")
        #expect(dora.hears == "")
        // A sender that is closed speaks to its last room once more.
        chat.says(ana, "1 close")
        #expect(ana.isClosed && bia.hears == "('10.0.0.1', 4001) disse: 1 close")
    }

    @Test func `a route hook may close a recipient, and a format hook all of them`() throws {
        let chat = try Chat(
            """
            relay.on("route", function(m) if m.text == "r" then relay.clients()[2]:close("x") end end)
            relay.on("format", function(m)
              if m.text == "f" then for _, client in ipairs(relay.clients()) do client:close("x") end end
            end)
            """
        )
        let (ana, bia, caio) = (chat.connect(), chat.connect(), chat.connect())
        chat.says(ana, "r")
        #expect(bia.isClosed && bia.hears == "" && caio.hears == "('10.0.0.1', 4001) disse: r")
        chat.says(ana, "f")
        #expect(ana.isClosed && caio.isClosed && chat.hub.clientCount == 0)
    }

    @Test func `every hook of a stage is called once, whichever of them fail, answer or are measured`() throws {
        // More messages than are all measured, so that hooks are called one by one as well as all at once.
        let count = HookCost.firstRuns + 3 * HookCost.measuredRuns
        let chat = try Chat(
            """
            seen = {}
            local function hook(n, body)
              relay.on("message", function(m)
                seen[n] = (seen[n] or 0) + 1
                return body(m)
              end)
            end
            hook(1, function() end)
            hook(2, function() error("x") end)
            hook(3, function(m) return m.text .. "!" end)
            hook(4, function() return {} end)
            hook(5, function(m) return m.text .. "?" end)
            relay.on("relayed", function() error("y") end)
            relay.on("relayed", function(_, text) last = text end)
            relay.on("stop", function() relay.log.info(table.concat(seen, " ") .. " " .. last) end)
            """,
            hasStock: false
        )
        let (ana, bia) = (chat.connect(), chat.connect())
        for _ in 0..<count { chat.says(ana, "x") }
        #expect(bia.writes.count == count && bia.writes.allSatisfy { $0 == "x!?" })
        chat.hooks.stop()
        #expect(chat.log.entries.last?.message == "\(count) \(count) \(count) \(count) \(count) x!?")
        let calls = chat.hooks.hookStatus.filter { $0.event == "message" }.map(\.calls)
        #expect(calls == Array(repeating: count, count: 5))
        #expect(chat.hooks.hookStatus.filter { $0.event == "message" }.map(\.failures) == [0, count, 0, count, 0])
    }

    @Test func `a pause lasts by a clock that nobody sets`() throws {
        var limits = Limits()
        limits.pauseAfter = .milliseconds(1)
        limits.pauseTime = .seconds(30)
        var luaLimits = LuaLimits()
        luaLimits.hooks.cpuTime = .milliseconds(5)
        var uptime = 100.0
        let chat = try Chat(
            ["a.lua": "calls = 0 relay.on('connect', function() while true do end end)"],
            limits: limits,
            luaLimits: luaLimits,
            uptime: { uptime }
        )
        let isPaused = { chat.hooks.hookStatus.contains { $0.isPaused } }
        _ = chat.connect()
        #expect(isPaused())
        chat.clock.now += 3_600
        #expect(isPaused(), "a clock set forward ends no pause")
        chat.clock.now -= 7_200
        uptime += 29
        _ = chat.connect()
        #expect(isPaused())
        #expect(chat.hooks.hookStatus.first { $0.event == "connect" }?.calls == 1)
        uptime += 2
        #expect(!isPaused(), "a clock set back prolongs none")
        _ = chat.connect()
        #expect(chat.hooks.hookStatus.first { $0.event == "connect" }?.calls == 2)
    }
}
