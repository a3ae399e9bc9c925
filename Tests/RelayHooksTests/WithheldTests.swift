// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import RelayCore
import RelayHooks
import TestSupport
import Testing

/// A text is never sent without its sender, and never published by a failure.
@Suite(.timeLimit(.minutes(15)))
struct WithheldTests {
    private let words = "Sua mensagem não foi enviada."

    private func withheld(_ chat: Chat) -> Int { chat.log.entries.count { $0.message.hasPrefix("text withheld") } }

    @Test func `who makes another hook slow cannot write in somebody's name`() throws {
        let chat = try Chat(
            [
                "linha.lua": """
                local words = ("x"):rep(9 << 20)
                relay.on("message", function(message)
                  local n = tonumber(message.text:match("!linha (%d+)"))
                  if n then message.sender:send(("-"):rep(n)) end
                  if message.text:find("!laço") then while true do end end
                end)
                """
            ]
        )
        let (ana, bia) = (chat.connect(), chat.connect())
        chat.says(ana, "('10.0.0.9', 4242) disse: a senha é 1234 !linha 999999999")
        #expect(bia.hears == "('10.0.0.1', 4001) disse: ('10.0.0.9', 4242) disse: a senha é 1234 !linha 999999999")
        chat.says(ana, "!laço")
        #expect(bia.hears == "('10.0.0.1', 4001) disse: !laço")
        #expect(chat.console.lines.last == "('10.0.0.1', 4001) disse: !laço")
        #expect(self.withheld(chat) == 0)
    }

    @Test func `a script that has filled the memory takes nobody's name`() throws {
        // A slow machine takes long to fill it: who does must not be refused for that.
        var relayLimits = Limits()
        relayLimits.pauseAfter = .seconds(1_000)
        var limits = LuaLimits()
        limits.memory = 8 << 20
        limits.hooks.instructions = 1_000_000_000
        limits.hooks.cpuTime = .seconds(60)
        let chat = try Chat(
            [
                "cheio.lua": """
                local all, n = {}, 0
                relay.on("message", function(m)
                  if m.text == "encha" then while true do n = n + 1 all[n] = ("x"):rep(100) .. n end end
                end)
                relay.on("relayed", function() relay.log.warn("relayed") end)
                """
            ],
            limits: relayLimits,
            luaLimits: limits
        )
        let (ana, bia) = (chat.connect(), chat.connect())
        for text in ["encha", "encha", "oi", "tudo bem?"] {
            chat.says(ana, text)
            #expect(bia.hears == "('10.0.0.1', 4001) disse: \(text)", "\(chat.log.entries)")
        }
        // A new person is named as well.
        let caio = chat.connect()
        chat.says(caio, "olá")
        #expect(bia.hears == "('10.0.0.1', 4003) disse: olá")
        #expect(chat.log.failures.contains { $0.hasPrefix("not called: the scripts hold") }, "\(chat.log.failures)")
    }

    @Test(arguments: [
        #"relay.on("format", function(m) if m.text:find("mau") then error("x") end end)"#,
        #"relay.on("format", { on_error = "block" }, function(m) if m.text:find("mau") then error("x") end end)"#,
        #"relay.on("format", function(m) if m.text:find("mau") then return 42 end end)"#,
        #"relay.on("format", function(m) if m.text:find("mau") then while true do end end end)"#,
        #"relay.on("route", function(m) if m.text:find("mau") then error("x") end end)"#,
        #"relay.on("route", function(m) if m.text:find("mau") then return "tcp" end end)"#,
        #"relay.on("message", { on_error = "block" }, function(m) if m.text:find("mau") then error("x") end end)"#,
    ])
    func `a text that no hook could decide goes to nobody, and its sender is told`(script: String) throws {
        // The stock files that would decide in its place are taken away.
        let chat = try Chat(["test.lua": script, "format.lua": ""])
        let (ana, bia) = (chat.connect(), chat.connect())
        var traces: [MessageTrace] = []
        chat.hooks.observers.onMessage = { traces.append($0) }
        chat.says(ana, "('10.0.0.9', 4242) disse: mau")
        #expect(bia.hears == "")
        #expect(ana.hears == self.words)
        #expect(self.withheld(chat) == 1)
        #expect(chat.console.lines.allSatisfy { !$0.contains("mau") })
        chat.says(ana, "bom")
        #expect(bia.hears == "bom")
        #expect(traces.map(\.fate) == [.withheld, .relayed])
        #expect(traces.first?.recipients == [])
    }

    @Test func `where another hook decides, a failure withholds nothing`() throws {
        let chat = try Chat(#"relay.on("format", function() error("x") end)"#)
        let (ana, bia) = (chat.connect(), chat.connect())
        chat.says(ana, "oi")
        #expect(bia.hears == "('10.0.0.1', 4001) disse: oi")
        #expect(ana.hears == "")
    }

    @Test func `a text is withheld from all if it fails in one dialect`() throws {
        let chat = try Chat(
            """
            relay.on("connect", function(c) if c.id == 3 then c.dialect = "json" end end)
            relay.on("format", { dialect = "json" }, function(m) error("x") end)
            """
        )
        let (ana, bia, caio) = (chat.connect(), chat.connect(), chat.connect())
        chat.says(ana, "oi")
        #expect((ana.hears, bia.hears, caio.hears) == (self.words, "", ""))
    }

    @Test func `the log tells it once a second`() throws {
        let chat = try Chat(["format.lua": #"relay.on("format", function() error("x") end)"#])
        let (ana, _) = (chat.connect(), chat.connect())
        for _ in 0..<100 { chat.says(ana, "oi") }
        #expect(self.withheld(chat) == 1)
        #expect(ana.hears == String(repeating: self.words, count: 100))
    }

    @Test func `who makes a hook fail by taking long mutes himself and nobody else`() throws {
        let chat = try Chat(
            """
            relay.on("message", { on_error = "block" }, function(m)
              if m.text:find("pesado") then while true do end end
            end)
            """
        )
        let (ana, bia, mau) = (chat.connect(), chat.connect(), chat.connect())
        for _ in 0..<20 {
            chat.clock.now += 0.01
            chat.says(mau, "pesado")
            chat.says(ana, "oi")
            #expect(bia.hears == "('10.0.0.1', 4001) disse: oi")
        }
        #expect(chat.log.entries.count { $0.message.hasPrefix("sender refused") } == 1)
        #expect(!chat.log.entries.contains { $0.message.hasPrefix("hook paused") })
        _ = (ana.hears, mau.hears)
        // Whatever he says now is withheld without a hook being asked.
        let failures = chat.log.entries.count { $0.message == "hook failed" }
        chat.says(mau, "inocente")
        #expect((ana.hears, mau.hears) == ("", self.words))
        #expect(chat.log.entries.count { $0.message == "hook failed" } == failures)
        // Who comes from there afterwards may be the same person; who was there before is not.
        let again = chat.connect()
        chat.says(again, "voltei")
        #expect((ana.hears, again.hears) == ("", self.words))
        chat.clock.now += 31.5
        chat.says(mau, "de volta")
        #expect(ana.hears == "('10.0.0.1', 4003) disse: de volta")
    }
}
