// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayCore
import TestSupport
import Testing

@Suite struct RouteTests {
    private func chat(_ script: String) throws -> (Chat, Chat.Person, Chat.Person, Chat.Person) {
        let chat = try Chat(script, hasStock: false)
        return (chat, chat.connect(), chat.connect(), chat.connect(transport: .udp))
    }

    @Test func `others is the sender's room without the sender`() throws {
        let (chat, ana, bia, caio) = try self.chat(#"relay.on("route", function() return relay.others end)"#)
        chat.says(ana, "x")
        #expect((ana.hears, bia.hears, caio.hears) == ("", "x", ""))
    }

    @Test func `everyone is all clients, the sender included`() throws {
        let (chat, ana, bia, caio) = try self.chat(#"relay.on("route", function() return relay.everyone end)"#)
        chat.says(ana, "x")
        #expect((ana.hears, bia.hears, caio.hears) == ("x", "x", "x"))
    }

    @Test func `a room is that room without the sender`() throws {
        let (chat, ana, bia, caio) = try self.chat(
            #"relay.on("route", function(m) return relay.room(m.text) end)"#
        )
        chat.says(ana, "udp")
        #expect((ana.hears, bia.hears, caio.hears) == ("", "", "udp"))
        chat.says(ana, "tcp")
        #expect((ana.hears, bia.hears, caio.hears) == ("", "tcp", ""))
        chat.says(ana, "nowhere")
        #expect((ana.hears, bia.hears, caio.hears) == ("", "", ""))
    }

    @Test func `only is those clients, each once`() throws {
        let (chat, ana, bia, caio) = try self.chat(
            #"relay.on("route", function(m) return relay.only(m.sender, relay.client(3), relay.client(3)) end)"#
        )
        chat.says(ana, "x")
        #expect((ana.hears, bia.hears, caio.hears) == ("x", "", "x"))
    }

    @Test func `false is nobody, and the message counts as relayed to nobody`() throws {
        let (chat, ana, bia, caio) = try self.chat(#"relay.on("route", function() return false end)"#)
        chat.says(ana, "x")
        #expect((ana.hears, bia.hears, caio.hears) == ("", "", ""))
        #expect(chat.hub.counters.deliveries == 0)
    }

    @Test func `one line puts transports into one room`() throws {
        let (chat, ana, bia, caio) = try self.chat(#"relay.on("connect", function(c) c.room = "chat" end)"#)
        chat.says(caio, "x")
        #expect((ana.hears, bia.hears, caio.hears) == ("x", "x", ""))
    }

    @Test func `routes are addresses for a script's own texts`() throws {
        let (chat, ana, bia, caio) = try self.chat(
            """
            relay.on("message", function(m)
              local n = relay.send(relay.others, "o") + relay.send(relay.everyone, "e")
                + relay.send(relay.room("udp"), "r") + relay.send(relay.only(m.sender), "s")
              m.sender:send("=" .. n)
              return false
            end)
            """
        )
        chat.says(ana, "x")
        #expect((ana.hears, bia.hears, caio.hears) == ("es=6", "oe", "er"))
    }

    @Test func `others outside a message is an error that names the way out`() throws {
        let chat = try Chat(#"relay.on("connect", function() relay.send(relay.others, "x") end)"#)
        _ = chat.connect()
        #expect(chat.log.failures.first?.contains("relay.room") == true)
    }

    @Test func `each dialect among the recipients is formatted once`() throws {
        let chat = try Chat(
            """
            relay.on("connect", function(c) if c.id > 2 then c.dialect = "json" end end)
            relay.on("format", function(m) relay.log.info("plain") return "p:" .. m.text end)
            relay.on("format", { dialect = "json" }, function(m) relay.log.info("json") return '{"t":"' .. m.text .. '"}' end)
            """
        )
        let people = (0..<6).map { _ in chat.connect() }
        chat.says(people[0], "x")
        #expect(people.map(\.hears) == ["", "p:x"] + Array(repeating: #"{"t":"x"}"#, count: 4))
        #expect(chat.log.entries.map(\.message).sorted() == ["json", "plain"])
    }

    @Test func `a dialect without a formatter gets the text, and one whose formatter says false gets nothing`() throws {
        let chat = try Chat(
            """
            relay.on("connect", function(c) c.dialect = ({ "plain", "bare", "mute" })[c.id] end)
            relay.on("format", { dialect = "mute" }, function() return false end)
            """
        )
        let people = (0..<3).map { _ in chat.connect() }
        chat.says(people[0], "x")
        #expect(people.map(\.hears) == ["", "x", ""])
    }

    @Test func `a client is always the same Lua value and its data is the scripts' own`() throws {
        let chat = try Chat(
            """
            local count = {}
            relay.on("message", function(m)
              count[m.sender] = (count[m.sender] or 0) + 1
              m.sender.data.n = (m.sender.data.n or 0) + 1
              assert(m.sender == relay.client(m.sender.id) and relay.clients()[1] == m.sender)
              return count[m.sender] .. "/" .. m.sender.data.n .. "/" .. #relay.clients("tcp") .. #relay.clients("no")
            end)
            """,
            hasStock: false
        )
        let ana = chat.connect()
        let bia = chat.connect()
        chat.says(ana, "x")
        chat.says(ana, "x")
        #expect(bia.hears == "1/1/202/2/20")
    }
}
