// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import RelayCore
import RelayHooks
import TestSupport
import Testing
import WireFormats

@Suite struct EventTests {
    @Test func `a user's hook wins over the stock default`() throws {
        let chat = try Chat(#"relay.on("format", function(m) return "<" .. m.text .. ">" end)"#)
        let ana = chat.connect()
        let bia = chat.connect()
        chat.says(ana, "oi")
        #expect(bia.hears == "<oi>")
    }

    @Test func `nil is no opinion, and the first answer counts`() throws {
        let chat = try Chat(
            """
            relay.on("format", function() return nil end)
            relay.on("format", function() return "second" end)
            relay.on("format", function() return "third" end)
            """
        )
        let ana = chat.connect()
        let bia = chat.connect()
        chat.says(ana, "oi")
        #expect(bia.hears == "second")
    }

    @Test func `hooks run by order, then by registration, defaults last`() throws {
        let chat = try Chat(
            """
            local function add(mark) return function(m) return m.text .. mark end end
            relay.default("message", add("d"))
            relay.on("message", { order = 200 }, add("c"))
            relay.on("message", add("a"))
            relay.on("message", add("b"))
            relay.on("message", { order = -1.5 }, add("0"))
            """,
            hasStock: false
        )
        let ana = chat.connect()
        let bia = chat.connect()
        chat.says(ana, "x")
        #expect(bia.hears == "x0abcd")
    }

    @Test func `a filter's answer is the text for all that follow, and false swallows it`() throws {
        let chat = try Chat(
            """
            local seen = {}
            relay.on("message", function(m) if m.text == "no" then return false end return m.text:upper() end)
            relay.on("message", function(m) seen[#seen + 1] = m.text .. m.size end)
            relay.on("route", function(m) seen[#seen + 1] = m.text end)
            relay.on("relayed", function(m, text) relay.log.info(table.concat(seen, " ") .. " " .. text) end)
            """,
            hasStock: false
        )
        let ana = chat.connect()
        let bia = chat.connect()
        chat.says(ana, "no")
        #expect(bia.hears == "")
        chat.says(ana, "yes")
        #expect(bia.hears == "YES")
        #expect(chat.log.entries.last?.message == "YES3 YES YES")
    }

    @Test func `a filter may answer an empty text`() throws {
        let chat = try Chat(#"relay.on("message", function() return "" end)"#)
        let ana = chat.connect()
        let bia = chat.connect()
        chat.says(ana, "oi")
        #expect(bia.hears == "('10.0.0.1', 4001) disse: ")
    }

    @Test func `name is asked once, before connect`() throws {
        let chat = try Chat(
            """
            relay.on("name", function(client) relay.log.info("name"); return "ana" end)
            relay.on("connect", function(client) relay.log.info("connect " .. client.name) end)
            """
        )
        _ = chat.connect()
        #expect(chat.log.entries.map(\.message) == ["name", "connect ana"])
    }

    @Test func `without a name the address is the name`() throws {
        let chat = try Chat(#"relay.on("connect", function(c) relay.log.info(c.name) end)"#, hasStock: false)
        _ = chat.connect("10.0.0.9")
        _ = chat.connect("::1")
        #expect(chat.log.entries.map(\.message) == ["10.0.0.9:4001", "[::1]:4002"])
    }

    @Test func `in disconnect all fields are readable, later methods answer false`() throws {
        let chat = try Chat(
            """
            local gone
            relay.on("disconnect", function(client, reason)
              gone = client
              relay.log.info(("%s %s %s %d %s"):format(reason, client.name, client.room, client.port, client.data.x))
            end)
            relay.on("connect", function(client) client.data.x = "kept" end)
            relay.on("message", function(m)
              relay.log.info(tostring(gone:send("x")) .. tostring(gone:close()) .. tostring(gone.name) .. gone.id)
            end)
            """
        )
        let ana = chat.connect()
        let bia = chat.connect()
        chat.leaves(ana, "left")
        #expect(chat.log.entries.last?.message == "left ('10.0.0.1', 4001) tcp 4001 kept")
        chat.says(bia, "oi")
        #expect(chat.log.entries.last?.message == "falsefalsenil1")
        #expect(chat.log.failures.isEmpty)
    }

    @Test func `a client that a hook has closed is readable until its disconnect is over`() throws {
        let chat = try Chat(
            """
            relay.on("message", function(m)
              local other = relay.client(2)
              other:close("kicked")
              relay.send(relay.everyone, "kicked " .. other.name)
              return false
            end)
            relay.on("disconnect", function(client) relay.log.info(client.name .. client.host) end)
            """
        )
        let ana = chat.connect()
        _ = chat.connect()
        chat.says(ana, "x")
        #expect(ana.hears == "kicked ('10.0.0.1', 4002)")
        #expect(chat.log.entries.map(\.message) == ["('10.0.0.1', 4002)10.0.0.1"])
    }

    @Test(arguments: ["name", "connect", "console"])
    func `a client that is closed as it comes leaves without an error`(event: String) throws {
        let chat = try Chat("relay.on('\(event)', function(c) \(event == "console" ? "c.client" : "c"):close() end)")
        let ana = chat.connect()
        #expect(ana.isClosed)
        #expect(chat.log.failures == [])
        #expect(chat.hub.clientCount == 0)
    }

    @Test func `what scripts send in one tick is bounded`() throws {
        var limits = Limits()
        limits.outputBytes = 1_000
        let chat = try Chat(
            "relay.on('message', function(m) for i = 1, 100 do m.sender:send(('x'):rep(100)) end end)",
            limits: limits
        )
        let ana = chat.connect()
        chat.says(ana, "x")
        #expect(ana.hears.utf8.count == 1_000)
        #expect(chat.log.failures.first?.contains("scripts have sent 1000 bytes in this tick") == true)
        chat.says(ana, "x")
        #expect(ana.hears.utf8.count == 1_000, "the next tick has its own")
    }

    @Test func `a client closed in a hook is reported after the hook`() throws {
        let chat = try Chat(
            """
            relay.on("message", function(m)
              m.sender:close("kicked")
              relay.log.info("closed")
              return false
            end)
            relay.on("disconnect", function(client, reason) relay.log.info(reason) end)
            """
        )
        let ana = chat.connect()
        chat.says(ana, "oi")
        #expect(chat.log.entries.map(\.message) == ["closed", "kicked"])
        #expect(ana.isClosed)
    }

    @Test func `tell lets a script speak for the host`() throws {
        var limits = Limits()
        limits.clients = 1
        let chat = try Chat(
            #"relay.on("system_message", function(client, kind) return kind .. client.port end)"#,
            limits: limits
        )
        let ana = chat.connect()
        chat.hub.refuseTooLong(from: try #require(ana.client))
        chat.hub.endTick()
        #expect(ana.hears == "too_long4001")
        #expect(chat.connect().client == nil)
        let text = chat.hub.refuse(ClientOrigin(transport: .tcp, host: "h", port: 7), wire: .raw)
        #expect(text.map { String(decoding: $0, as: UTF8.self) } == "full7")
        #expect(chat.hub.counters.refused == 1)
        #expect(chat.hub.counters.tooLong == 1)
    }

    @Test func `the console gets lines, lists, or nothing, and the recipients of a message`() throws {
        let chat = try Chat(
            """
            relay.on("console", function(event)
              if event.kind == "connect" then return false end
              if event.kind == "message" then
                local to = {}
                for i, client in ipairs(event.to) do to[i] = client.id end
                return { event.text, table.concat(to, ",") }
              end
              return event.kind .. " " .. (event.reason or event.address) .. " " .. event.transport
            end)
            """
        )
        chat.hooks.listening(transport: .tcp, address: "h:1")
        let ana = chat.connect()
        _ = chat.connect()
        _ = chat.connect()
        chat.says(ana, "oi")
        chat.leaves(ana, "left")
        #expect(chat.console.lines == ["listening h:1 tcp", "oi", "2,3", "disconnect left tcp"])
    }

    @Test func `a full console is not asked for a line, only counted`() throws {
        let chat = try Chat(#"relay.on("console", function(e) relay.log.info(e.kind) return "x" end)"#)
        let ana = chat.connect()
        chat.console.isFull = true
        let before = chat.log.entries.count
        chat.says(ana, "oi")
        #expect(chat.log.entries.count == before)
        #expect(chat.console.skipped == 1)
    }

    @Test func `relayed gets the plain text even when nobody else is there`() throws {
        let chat = try Chat(#"relay.on("relayed", function(m, text) relay.log.info(text) end)"#)
        let ana = chat.connect()
        chat.says(ana, "oi")
        #expect(chat.log.entries.last?.message == "('10.0.0.1', 4001) disse: oi")
    }

    @Test func `start and stop run once each`() throws {
        let chat = try Chat(
            """
            relay.on("start", function() relay.log.info("start") end)
            relay.on("stop", function() relay.log.info("stop") end)
            """
        )
        chat.hooks.start()
        chat.hooks.stop()
        #expect(chat.log.entries.map(\.message) == ["start", "stop"])
    }

    @Test func `without any script texts pass as they are`() throws {
        let chat = try Chat([:], hasStock: false)
        let ana = chat.connect()
        let bia = chat.connect()
        chat.says(ana, [0xFF, 0x00])
        #expect(bia.writes.count == 1)
        #expect(chat.console.lines.isEmpty)
    }
}
