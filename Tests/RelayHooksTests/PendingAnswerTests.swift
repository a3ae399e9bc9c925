// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayCore
import TestSupport
import Testing
import WireFormats

@testable import RelayHooks

/// Answers of `admit` that come later.
@Suite(.timeLimit(.minutes(15)))
struct PendingAnswerTests {
    /// Keeps what `admit` answers, by the client's number; `/N ...` has it answered.
    private static let script = """
        pending = {}
        relay.on("admit", function(client, text)
          if client.host == "10.0.0.1" then return end
          relay.log.info("admit " .. tostring(text))
          pending[client.id] = relay.pending(5)
          return pending[client.id]
        end)
        relay.on("message", function(m)
          local id, what, reason = m.text:match("^/(%d+) (%S+) ?(.*)$")
          if not id then return end
          local answer = ({ yes = nil, no = false })[what]
          if what == "ask" then answer = reason reason = nil end
          if reason == "" then reason = nil end
          relay.log.info(tostring(pending[tonumber(id)]:answer(answer, reason)))
          return false
        end)
        """

    /// What is logged of a hook that made a pending answer in its second line and did not return it.
    private static let forgotten =
        "scripts/test.lua:2: the hook must return what relay.pending answers; it returned nothing"

    private func logged(_ chat: Chat) -> [String] {
        chat.log.entries.map(\.message).filter { ["true", "false"].contains($0) || $0.hasPrefix("client refused") }
    }

    @Test func `a client is let in, refused or asked something once the answer comes`() throws {
        let chat = try Chat(Self.script)
        let ana = chat.connect()
        let (bia, caio, dora) = (chat.connect("b"), chat.connect("c"), chat.connect("d"))
        #expect(chat.hub.clientCount == 1 && bia.hears == "")
        chat.says(ana, "oi")
        #expect(bia.hears == "", "it is not in yet")
        chat.says(ana, "/2 yes")
        chat.says(ana, "/3 no Fora!")
        chat.says(ana, "/4 ask Senha?")
        #expect(chat.hub.clientCount == 2)
        #expect((bia.hears, caio.hears, dora.hears) == ("", "Fora!", "Senha?"))
        #expect(caio.isClosed && !bia.isClosed && !dora.isClosed)
        chat.says(bia, "olá")
        #expect(ana.hears == "('b', 4002) disse: olá")
        // The answer to the question is asked about again.
        chat.says(dora, "1234")
        #expect(chat.log.entries.contains { $0.message == "admit 1234" })
        chat.says(ana, "/4 yes")
        #expect(chat.hub.clientCount == 3)
        chat.says(dora, "cheguei")
        #expect(ana.hears == "('d', 4004) disse: cheguei")
    }

    @Test func `an answer counts once, and not for one who has left or was too late`() throws {
        let chat = try Chat(Self.script)
        let (ana, bia, caio) = (chat.connect(), chat.connect("b"), chat.connect("c"))
        chat.says(ana, "/2 yes")
        chat.says(ana, "/2 no")
        chat.hub.close(try #require(caio.client), reason: "left")
        chat.hub.endTick()
        chat.says(ana, "/3 yes")
        let dora = chat.connect("d")
        #expect(chat.hooks.nextTimer == chat.clock.now + 5)
        chat.clock.now += 5
        chat.hooks.runTimers()
        chat.hub.endTick()
        chat.says(ana, "/4 yes")
        let answers = self.logged(chat).filter { !$0.hasPrefix("admit") }
        #expect(answers == ["true", "false", "false", "client refused: no answer came in time", "false"])
        #expect(dora.isClosed && chat.hub.clientCount == 2 && !bia.isClosed)
        #expect(chat.hooks.pending.count == 0 && chat.hooks.nextTimer == nil)
    }

    @Test func `an answer may come before the hook returns, and is none for another client`() throws {
        let chat = try Chat(
            """
            relay.on("admit", function(client)
              local pending = relay.pending()
              if client.host == "no" then pending:answer(false, "Fora!") return pending end
              if client.host == "yes" then pending:answer() return pending end
              if client.host == "old" then return old end
              if client.host == "not" then return false, "Não!" end
              old = pending
            end)
            """
        )
        #expect(chat.connect("no").hears == "Fora!")
        #expect(!chat.connect("yes").isClosed && chat.hub.clientCount == 1)
        #expect(chat.connect("not").hears == "Não!" && chat.log.failures.isEmpty)
        #expect(chat.connect("other").isClosed && chat.hub.clientCount == 1)
        #expect(chat.log.failures == [Self.forgotten])
        #expect(chat.connect("old").isClosed, "that of another client")
        #expect(self.logged(chat) == ["client refused: admit answered with a pending answer that is not this client's"])
        #expect(chat.hooks.pending.count == 0)
    }

    @Test(arguments: [false, true])
    func `no opinion has the next hooks asked, sooner or later`(isLate: Bool) throws {
        let answer = isLate ? "relay.after(1, function() pending:answer() end)" : "pending:answer()"
        let chat = try Chat(
            """
            relay.on("admit", function(client, text)
              relay.log.info("first " .. tostring(text))
              local pending = relay.pending()
              \(answer)
              return pending
            end)
            relay.on("admit", function(client, text)
              relay.log.info("second " .. tostring(text))
              if client.host == "pending" then local pending = relay.pending() pending:answer() return pending end
              if client.host == "banned" then return false, "banned" end
              if not text then return "senha?" end
            end)
            relay.on("admit", function(client, text) relay.log.info("third " .. tostring(text)) end)
            """
        )
        let people = ["banned", "pending", "asked"].map { chat.connect($0) }
        if isLate {
            #expect(people.allSatisfy { $0.hears.isEmpty && !$0.isClosed })
            chat.clock.now += 1
            chat.hooks.runTimers()
            chat.hub.endTick()
        }
        #expect(people.map(\.hears) == ["banned", "", "senha?"] && people.map(\.isClosed) == [true, false, false])
        #expect(chat.hub.clientCount == 1)
        chat.says(people[2], "luar")
        chat.clock.now += 1
        chat.hooks.runTimers()
        #expect(chat.hub.clientCount == 2)
        let asked = chat.log.entries.map(\.message).filter { $0.hasSuffix("luar") }
        #expect(asked == ["first luar", "second luar", "third luar"])
        #expect(chat.log.entries.count { $0.message == "third nil" } == 1)
    }

    @Test func `an answer that a ping hook gives lets a client in once, and its text is heard`() throws {
        let chat = try Chat(
            """
            local pending
            relay.on("admit", function(client)
              if client.host == "10.0.0.1" then return end
              pending = relay.pending()
              return pending
            end)
            relay.on("ping", function(text)
              if pending then relay.log.info(tostring(pending:answer())) pending = nil end
            end)
            relay.on("connect", function(client) relay.log.info("connect " .. client.id) end)
            """
        )
        let ana = chat.connect(transport: .udp, saying: "oi")
        let bia = chat.connect("b", transport: .udp, saying: "um")
        chat.says(bia, "dois")
        chat.says(bia, "três")
        #expect(
            chat.log.entries.map(\.message).filter { $0 == "true" || $0.hasPrefix("connect") }
                == ["connect 1", "true", "connect 2"]
        )
        #expect(ana.hears == "('b', 4002) disse: um('b', 4002) disse: dois('b', 4002) disse: três")
        chat.says(ana, "olá")
        #expect(bia.hears == "('10.0.0.1', 4001) disse: olá")
    }

    @Test func `an answer for a client that was closed meanwhile, or while the relay stops, counts for nothing`() throws
    {
        let chat = try Chat(Self.script)
        let ana = chat.connect()
        let (bia, _) = (chat.connect("b"), chat.connect("c"))
        chat.hub.close(try #require(bia.client), reason: "x")
        chat.says(ana, "/2 yes")
        chat.hub.stopAdmitting()
        chat.says(ana, "/3 yes")
        #expect(self.logged(chat) == ["false", "false"])
    }

    @Test func `one whom a name hook closes has not joined, and does not leave`() throws {
        let chat = try Chat(
            """
            relay.on("name", function(client) client:close("x") end)
            relay.on("connect", function() relay.log.info("connect") end)
            relay.on("disconnect", function() relay.log.info("disconnect") end)
            """
        )
        #expect(chat.connect().isClosed && chat.hub.counters.connected == 0)
        #expect(!chat.log.entries.contains { $0.message.hasSuffix("connect") })
    }

    @Test(arguments: [(#"{ on_error = "skip" }, "#, false), ("", true)])
    func `a pending answer that is made and not returned is a failure`(options: String, isRefused: Bool) throws {
        let chat = try Chat(
            """
            relay.on("admit", \(options)function(client)
              local pending = relay.pending()
              relay.after(1, function() relay.log.info(tostring(pending:answer(false))) end)
            end)
            """
        )
        #expect(chat.connect().isClosed == isRefused)
        #expect(chat.log.failures == [Self.forgotten])
        #expect(chat.hooks.pending.count == 0)
        chat.clock.now += 1
        chat.hooks.runTimers()
        #expect(self.logged(chat) == ["false"])
    }

    @Test(arguments: [
        ("local pending = relay.pending() pending:answer() return pending", "", true),
        ("return relay.pending()", "", true), ("return 'senha?'", "", true), ("return false, 'Fora!'", "", true),
        ("return relay.pending()", #"{ on_error = "skip" }, "#, false),
        ("return 'senha?'", #"{ on_error = "skip" }, "#, false),
    ])
    func `it fails before the hooks behind it answer`(next: String, options: String, isRefused: Bool) throws {
        let chat = try Chat(
            """
            relay.on("admit", \(options)function(client) relay.pending() relay.pending() end)
            relay.on("admit", function(client) \(next) end)
            """
        )
        let ana = chat.connect()
        #expect(ana.isClosed == isRefused)
        #expect(chat.log.failures.count == 1 && chat.log.failures.first?.hasPrefix("scripts/test.lua:1: ") == true)
        #expect(ana.hears == (isRefused || next.contains("pending") ? "" : "senha?"))
        #expect(chat.hooks.pending.count == (isRefused || !next.contains("pending") ? 0 : 1))
    }

    @Test func `a datagram is no answer to a question that its own ping hook asks`() throws {
        let chat = try Chat(
            """
            local pending
            relay.on("admit", function(client, text)
              relay.log.info("admit " .. text)
              if text ~= "um" then return end
              pending = relay.pending()
              return pending
            end)
            relay.on("ping", function(text) if text == "dois" then pending:answer("senha?") end end)
            """
        )
        let ana = chat.connect(transport: .udp, saying: "um")
        chat.says(ana, "dois")
        #expect(chat.hub.clientCount == 0)
        chat.says(ana, "três")
        #expect(chat.hub.clientCount == 1)
        #expect(chat.log.entries.map(\.message).filter { $0.hasPrefix("admit") } == ["admit um", "admit três"])
    }

    @Test func `who is asked about again after a reload asks once to come in`() throws {
        let chat = try Chat(Self.script)
        var requests: [Int64] = []
        chat.hooks.observers.onAdmissionRequest = { client, _ in requests.append(client.id) }
        let bia = chat.connect("b")
        _ = try chat.hooks.reload(
            ScriptSet(stock: [:], own: ["a.lua": Array("relay.on('admit', function(c) return 'Senha?' end)".utf8)]),
            values: ScriptValues()
        )
        chat.hub.endTick()
        #expect(requests == [1] && bia.hears == "Senha?")
        chat.says(bia, "1234")
        #expect(requests == [1, 1])
    }

    @Test func `a reload asks the new scripts`() throws {
        let chat = try Chat(Self.script)
        let (ana, bia) = (chat.connect(), chat.connect("b"))
        _ = try chat.hooks.reload(
            ScriptSet(stock: [:], own: ["a.lua": Array("relay.on('admit', function(c) return 'Senha?' end)".utf8)]),
            values: ScriptValues()
        )
        chat.hub.endTick()
        #expect(bia.hears == "Senha?" && chat.hub.clientCount == 1)
        #expect(chat.hooks.pending.count == 0 && ana.hears == "")
    }

    @Test func `what came by a datagram is said once its sender is let in`() throws {
        let chat = try Chat(Self.script)
        let ana = chat.connect()
        chat.hub.rename(try #require(ana.client), to: "ana")
        _ = chat.hub.move(try #require(ana.client), to: "udp")
        let bia = chat.connect("b", transport: .udp, wire: .datagram(limit: 1_400), saying: "oi, sou a bia")
        chat.says(bia, "ainda não")
        chat.says(bia, "ping")
        chat.says(ana, "/2 yes")
        #expect(ana.hears == "('b', 4002) disse: oi, sou a bia")
        #expect(chat.hub.client(2)?.isPendingAdmission == false)
    }

    @Test(arguments: [
        ("relay.pending()", "works only in an admit hook"),
        ("x = relay.pending", "no mistake"),
    ])
    func `outside admit there is none`(body: String, problem: String) throws {
        let chat = try Chat("relay.on('message', function() \(body) end)")
        chat.says(chat.connect(), "x")
        #expect(chat.log.failures.allSatisfy { $0.contains(problem) })
        #expect(chat.log.failures.isEmpty == (problem == "no mistake"))
    }

    @Test(arguments: [
        ("relay.pending(70)", "more than 0 and up to 60 seconds, not 70"),
        ("relay.pending('x')", "takes a number of seconds"),
        ("relay.pending():answer(1)", "takes what admit may answer"), ("relay.pending().answer()", "with a colon"),
        ("relay.pending():answer(true)", "takes what admit may answer"),
        ("relay.pending():answer(('x'):rep(250000))", "more bytes than the limit"),
    ])
    func `mistakes are named`(body: String, problem: String) throws {
        let chat = try Chat("relay.on('admit', function() \(body) end)")
        #expect(chat.connect().isClosed)
        #expect(chat.log.failures.first?.contains(problem) == true, "\(chat.log.failures)")
    }
}
