// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayCore
import StockScripts
import TestSupport
import Testing
import WireFormats

@testable import RelayHooks

/// The events before somebody is in: `ping` and `admit`.
@Suite struct ArrivalHookTests {
    private let monitor = ClientOrigin(transport: .udp, host: "192.0.2.7", port: 777)

    private func ping(_ chat: Chat, _ text: String, from origin: ClientOrigin) -> String? {
        Array(text.utf8)
            .withUnsafeBytes { bytes in
                chat.hub.ping(bytes, from: origin).map { String(decoding: $0, as: UTF8.self) }
            }
    }

    // MARK: Pings

    @Test func `the stock answer to a ping is a ping, over UDP and to nothing else`() throws {
        let chat = try Chat()
        #expect(self.ping(chat, "ping", from: self.monitor) == "ping")
        for text in ["Ping", "ping ", "pin", ""] { #expect(self.ping(chat, text, from: self.monitor) == nil) }
        #expect(chat.console.lines == ["Mensagem recebida de ('192.0.2.7', 777)", "ping"])
        // Over TCP it is a text, as it was in the original.
        let ana = chat.connect()
        let bia = chat.connect()
        chat.says(ana, "ping")
        #expect(bia.hears == "('10.0.0.1', 4001) disse: ping")
        #expect(ana.hears == "")
    }

    @Test func `a member's ping goes to it alone, and no further`() throws {
        let chat = try Chat(
            """
            relay.on("message", function(m) relay.log.info("message " .. m.text) end)
            relay.on("relayed", function(m) relay.log.info("relayed " .. m.text) end)
            """
        )
        let ana = chat.connect(transport: .udp)
        let bia = chat.connect(transport: .udp)
        chat.console.lines.removeAll()
        chat.says(ana, "ping")
        #expect(ana.hears == "ping")
        #expect(bia.hears == "")
        #expect(chat.log.entries.isEmpty)
        #expect(chat.console.lines == ["Mensagem recebida de ('10.0.0.1', 4001)", "ping"])
        #expect(chat.hub.counters.pings == 1)
        #expect(chat.hub.counters.messages == 0)
    }

    @Test func `ping knows where a text comes from, and its first answer counts`() throws {
        let chat = try Chat(
            """
            relay.on("ping", function(text, from)
              if text == "where" then
                return from.host .. "|" .. from.port .. "|" .. from.address .. "|" .. from.transport
              end
            end)
            relay.on("ping", { order = 5 }, function(text) if text == "never" then return false end end)
            relay.on("ping", function(text) if text == "never" then return "x" end end)
            relay.on("ping", function(text) if text == "quiet" then return "" end end)
            """
        )
        let six = ClientOrigin(transport: .udp, host: "2001:db8::1", port: 5)
        #expect(self.ping(chat, "where", from: six)?.isEmpty == false)
        let ana = chat.connect(transport: .udp)
        chat.says(ana, "where")
        #expect(ana.hears == "10.0.0.1|4001|10.0.0.1:4001|udp")
        #expect(self.ping(chat, "never", from: six) == nil)
        let bia = chat.connect(transport: .udp)
        chat.says(ana, "quiet")
        #expect(ana.hears == "" && bia.hears == "", "an answer of nothing is an answer")
        let tcp = chat.connect()
        chat.says(tcp, "where")
        #expect(tcp.hears == "10.0.0.1|4003|10.0.0.1:4003|tcp")
    }

    @Test func `a hook for one transport is not asked about the other`() throws {
        let chat = try Chat(
            """
            relay.on("ping", { transport = "udp" }, function(text) if text == "x" then return "udp" end end)
            relay.on("ping", { transport = "tcp" }, function(text) if text == "x" then return "tcp" end end)
            """
        )
        #expect(self.ping(chat, "x", from: self.monitor) == "u")
        let udp = chat.connect(transport: .udp)
        chat.says(udp, "x")
        #expect(udp.hears == "udp")
        let tcp = chat.connect()
        chat.says(tcp, "x")
        #expect(tcp.hears == "tcp")
    }

    @Test func `a ping hook that fails makes no ping, and the text goes on`() throws {
        let chat = try Chat("relay.on('ping', function(text) error('oops') end)", hasStock: false)
        let ana = chat.connect()
        let bia = chat.connect()
        chat.says(ana, "ping")
        #expect(bia.hears == "ping")
        #expect(self.ping(chat, "ping", from: self.monitor) == nil)
        #expect(chat.log.failures == ["scripts/test.lua:1: oops"], "at most one a second is logged")
    }

    @Test func `where a text came from is gone when its hooks are`() throws {
        let chat = try Chat(
            """
            local kept
            relay.on("ping", function(text, from) kept = kept or from end)
            relay.on("start", function() return kept.host end)
            relay.on("stop", function() return kept.hots end)
            """
        )
        _ = self.ping(chat, "x", from: self.monitor)
        chat.hooks.start()
        chat.hooks.stop()
        #expect(
            chat.log.failures == [
                "scripts/test.lua:3: a text's origin is readable only inside a hook; keep its fields instead",
                "scripts/test.lua:4: a ping's origin has no field 'hots'; did you mean 'host'?",
            ]
        )
    }

    // MARK: Admission

    @Test func `admit lets in, prompts and refuses`() throws {
        let chat = try Chat(
            """
            relay.on("admit", function(client, text)
              if client.host == "10.0.0.9" then return false, "you are banned" end
              if client.host == "10.0.0.8" then return false end
              if client.host ~= "10.0.0.1" then return end
              if text == nil then return "password?" end
              if text ~= "sesame" then return "wrong, again?" end
              client.name = "friend"
            end)
            relay.on("system_message", function(client, kind) return kind .. " " .. client.host end)
            relay.on("connect", function(client) relay.log.info("in " .. client.host .. " " .. client.room) end)
            relay.on("disconnect", function(client) relay.log.info("out " .. client.host) end)
            """
        )
        let banned = chat.connect("10.0.0.9")
        #expect(banned.hears == "you are banned" && banned.isClosed)
        let refused = chat.connect("10.0.0.8")
        #expect(refused.hears == "refused 10.0.0.8" && refused.isClosed)
        let bia = chat.connect("10.0.0.2")
        #expect(bia.hears == "")
        let ana = chat.connect("10.0.0.1")
        #expect(ana.hears == "password?")
        chat.says(ana, "abracadabra")
        #expect(ana.hears == "wrong, again?")
        chat.says(ana, "sesame")
        chat.says(ana, "oi")
        #expect(bia.hears == "('10.0.0.1', 4004) disse: oi", "and the stock name comes after")
        #expect(chat.log.entries.map(\.message) == ["in 10.0.0.2 tcp", "in 10.0.0.1 tcp"])
        #expect(chat.hub.clientCount == 2)
    }

    @Test func `a ping is one at the door, too`() throws {
        let chat = try Chat(
            """
            relay.on("admit", function(client, text) return "senha?" end)
            relay.on("ping", function(text) if text == "PING" then return "PONG" end end)
            """
        )
        let ana = chat.connect()
        chat.says(ana, "PING")
        #expect(ana.hears == "senha?PONG")
        let bia = chat.connect(transport: .udp, wire: .datagram(limit: 1_400), saying: "bom dia")
        chat.says(bia, "ping")
        #expect(bia.writes.joined().hasSuffix("ping"))
        #expect(bia.client?.isPendingAdmission == true)
        #expect(chat.hub.counters.pings == 2)
    }

    @Test func `a client of datagrams is asked with its first text, which is relayed once it is in`() throws {
        let chat = try Chat(
            """
            relay.on("admit", function(client, text) relay.log.info(client.transport .. ": " .. tostring(text)) end)
            """
        )
        let ana = chat.connect(transport: .udp, wire: .datagram(limit: 1_400), saying: "oi")
        #expect(ana.client?.isPendingAdmission == false)
        _ = chat.connect()
        #expect(chat.log.entries.map(\.message) == ["udp: oi", "tcp: nil"])
    }

    @Test func `a door that fails stays shut, unless its script says otherwise`() throws {
        let shut = try Chat("relay.on('admit', function() error('oops') end)")
        #expect(shut.connect().isClosed)
        let open = try Chat("relay.on('admit', { on_error = 'skip' }, function() error('oops') end)")
        #expect(!open.connect().isClosed)
        let nonsense = try Chat("relay.on('admit', function() return false, {} end)")
        #expect(nonsense.connect().isClosed)
        #expect(
            nonsense.log.failures == [
                "scripts/test.lua:1: admit answered false, and as its reason a table; "
                    + "it may answer a string to ask, false and a reason, relay.pending(), or nil"
            ]
        )
    }

    @Test func `who was turned away is forgotten, also by the scripts that kept it`() throws {
        let chat = try Chat(
            """
            local kept
            relay.on("admit", function(client) kept = client return false end)
            relay.on("start", function()
              relay.log.info(tostring(kept.host) .. " " .. tostring(kept:send("x")) .. " " .. tostring(kept:close()))
            end)
            """
        )
        _ = chat.connect()
        chat.hooks.start()
        #expect(chat.log.entries.map(\.message) == ["nil false false"])
    }

    // MARK: The console

    @Test func `the console shows what the original's UDP server prints`() throws {
        let chat = try Chat()
        chat.hooks.listening(transport: .udp, address: "127.0.0.1:12345")
        let ana = chat.connect("127.0.0.1", transport: .udp)
        chat.says(ana, "Novo participante no chat.")
        let bia = chat.connect("127.0.0.1", transport: .udp)
        chat.says(bia, "Olá!")
        chat.leaves(bia)
        if let client = ana.client { chat.hub.unreachable(client) }
        #expect(
            chat.console.lines == [
                "Servidor UDP aguardando mensagens...",
                "Mensagem recebida de ('127.0.0.1', 4001)",
                "Novo participante no chat.",
                "Mensagem recebida de ('127.0.0.1', 4002)",
                "Olá!",
                "Enviando mensagem para ('127.0.0.1', 4001)",
                "Erro ao receber mensagem.",
            ]
        )
    }

    @Test func `the console lists those who get a text, and nobody else`() throws {
        let chat = try Chat(
            """
            relay.on("connect", function(c)
              c.room = "all"
              if c.transport == "tcp" then c.dialect = "mute" end
            end)
            relay.on("format", { dialect = "mute" }, function() return false end)
            relay.on("relayed", function(m) end)
            """
        )
        let ana = chat.connect(transport: .udp, wire: .datagram(limit: 1_400), saying: "oi")
        _ = chat.connect(transport: .udp, wire: .datagram(limit: 1_400), saying: "oi")
        _ = chat.connect()
        _ = chat.connect(transport: .udp)
        chat.console.lines.removeAll()
        chat.says(ana, String(repeating: "x", count: 1_400))
        #expect(chat.console.lines.dropFirst(2) == ["Enviando mensagem para ('10.0.0.1', 4004)"])
        chat.console.lines.removeAll()
        chat.says(ana, "curto")
        #expect(
            chat.console.lines.dropFirst(2) == [
                "Enviando mensagem para ('10.0.0.1', 4002)", "Enviando mensagem para ('10.0.0.1', 4004)",
            ]
        )
    }

    @Test func `one console event tells all of a text, and none is asked for while the console is behind`() throws {
        let chat = try Chat(
            """
            relay.on("console", function(e)
              relay.log.info(("%s %s %s %s %s %s"):format(e.kind, e.transport, tostring(e.text),
                e.from and e.from.address or "-", e.client and e.client.name or "-", e.to and #e.to or "-"))
            end)
            """
        )
        let ana = chat.connect(transport: .udp)
        _ = chat.connect(transport: .udp)
        chat.says(ana, "oi")
        chat.says(ana, "ping")
        _ = self.ping(chat, "ping", from: self.monitor)
        if let client = ana.client { chat.hub.unreachable(client) }
        let name = "('10.0.0.1', 4001)"
        #expect(
            chat.log.entries.map(\.message) == [
                "connect udp nil - \(name) -", "connect udp nil - ('10.0.0.1', 4002) -",
                "message udp oi 10.0.0.1:4001 \(name) 1", "received udp ping 10.0.0.1:4001 \(name) -",
                "received udp ping 192.0.2.7:777 - -", "unreachable udp nil - \(name) -",
                "disconnect udp nil - \(name) -",
            ]
        )
        chat.console.isFull = true
        _ = self.ping(chat, "ping", from: self.monitor)
        #expect(chat.log.entries.count == 7)
        #expect(chat.console.skipped == 1)
    }
}
