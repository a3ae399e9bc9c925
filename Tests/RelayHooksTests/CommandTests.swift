// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import LuaScripting
import RelayCore
import RelayHooks
import TestSupport
import Testing
import WireFormats

/// What happens to texts that begin with a slash.
@Suite(.timeLimit(.minutes(15)))
struct CommandTests {
    private static let login = """
        require("commands").add("/login", "entra com uma senha", function(client, rest)
          local name = rest:match("^ (%S+)")
          client:send("Olá, " .. name.first)
        end)
        """

    private func failures(_ chat: Chat) -> [String] {
        chat.log.entries.filter { $0.message == "hook failed" }.map { $0.metadata["error"] ?? "" }
    }

    @Test func `with stock scripts alone every unknown command is a text like any other`() throws {
        let chat = try Chat()
        let (ana, bia) = (chat.connect(), chat.connect())
        for text in ["/Op s3gredo", "/ajuda", "//x", "/", "/ sair"] {
            chat.says(ana, text)
            #expect(bia.hears == "('10.0.0.1', 4001) disse: \(text)")
            #expect(ana.hears == "")
        }
    }

    @Test func `once a script has a command, unknown ones are answered to their sender alone`() throws {
        let chat = try Chat(Self.login)
        let (ana, bia) = (chat.connect(), chat.connect())
        let lines = chat.console.lines.count
        chat.says(ana, "/Op s3gredo")
        #expect(ana.hears == "Comando desconhecido: /Op. Envie /ajuda.")
        chat.says(ana, "/ajuda")
        #expect(ana.hears == "/login: entra com uma senha\n/sair: sai do chat")
        #expect(bia.hears == "")
        #expect(chat.console.lines.count == lines)
        chat.says(ana, "//x e mais")
        #expect(bia.hears == "('10.0.0.1', 4001) disse: /x e mais")
        chat.says(ana, "/ x")
        #expect(bia.hears == "('10.0.0.1', 4001) disse: / x")
        // A name is repeated as one short line.
        chat.says(ana, "/\u{1B}[31m" + String(repeating: "x", count: 1_000))
        let answer = ana.hears
        #expect(answer.hasPrefix("Comando desconhecido: /\u{FFFD}[31mxxx") && answer.utf8.count < 120)
        #expect(bia.hears == "")
    }

    @Test func `help is a text a command, and one text for clients whose texts nothing ends`() throws {
        let chat = try Chat(Self.login)
        let wires: [WireEncoding] = [.raw, .line, .length, .memory]
        for (wire, help) in zip(
            wires,
            [
                "/login: entra com uma senha\n/sair: sai do chat",
                "/login: entra com uma senha\n/sair: sai do chat\n",
                "\0\0\0\u{1B}/login: entra com uma senha\0\0\0\u{12}/sair: sai do chat",
                "\u{1B}\0\0\0/login: entra com uma senha\u{12}\0\0\0/sair: sai do chat",
            ]
        ) {
            let ana = chat.connect(wire: wire)
            chat.says(ana, "/ajuda")
            #expect(ana.hears == help)
        }
        let bia = chat.connect(transport: .udp, wire: .datagram(limit: 1_400), saying: "oi")
        // Once it has spoken twice, it may be sent more than it said.
        chat.says(bia, "oi")
        _ = bia.hears
        chat.says(bia, "/ajuda")
        let text = bia.hears
        #expect(text.contains("/sair: sai do chat") && !text.contains("\n"))
    }

    @Test(arguments: ["relay", "answer"])
    func `a setting decides it either way`(mode: String) throws {
        let scripts = mode == "relay" ? ["a.lua": Self.login] : [:]
        let chat = try Chat(scripts, settings: ["commands.unknown": mode])
        let (ana, bia) = (chat.connect(), chat.connect())
        chat.says(ana, "/Op s3gredo")
        #expect(bia.hears == (mode == "relay" ? "('10.0.0.1', 4001) disse: /Op s3gredo" : ""))
        #expect(ana.hears == (mode == "relay" ? "" : "Comando desconhecido: /Op. Envie /ajuda."))
    }

    @Test(arguments: ["auto", "relay"])
    func `a command that fails is never relayed`(mode: String) throws {
        let chat = try Chat(["login.lua": Self.login], settings: ["commands.unknown": mode])
        let (ana, bia) = (chat.connect(), chat.connect())
        let lines = chat.console.lines.count
        chat.says(ana, "/login ana s3gredo")
        #expect((ana.hears, bia.hears) == ("O comando falhou.", ""))
        chat.says(ana, "/login")
        #expect((ana.hears, bia.hears) == ("O comando falhou.", ""))
        #expect(chat.console.lines.count == lines)
        chat.clock.now += 2
        chat.says(ana, "/login")
        #expect(self.failures(chat).count == 2, "one entry a second")
        #expect(
            self.failures(chat).allSatisfy { $0.hasPrefix("scripts/login.lua:3: attempt to") },
            "\(self.failures(chat))"
        )
        #expect(!chat.log.entries.contains { $0.message.hasPrefix("text withheld") })
    }

    @Test(arguments: ["while true do end", "local t = {} while true do t[#t + 1] = {} end", "return ('x'):rep(1e9)"])
    func `nor is one that passes a limit`(body: String) throws {
        let chat = try Chat(
            "require('commands').add('/login', 'x', function(client, rest) \(body) end)"
        )
        let (ana, bia) = (chat.connect(), chat.connect())
        chat.says(ana, "/login ana s3gredo")
        #expect((ana.hears, bia.hears) == ("O comando falhou.", ""))
        chat.says(bia, "oi")
        #expect(ana.hears == "('10.0.0.1', 4002) disse: oi")
    }

    @Test func `two commands that fail within a second have an entry each`() throws {
        let other = "require('commands').add('/outro', 'x', function() error('outra causa') end)"
        let chat = try Chat(["login.lua": Self.login, "other.lua": other])
        let ana = chat.connect()
        for text in ["/login", "/outro", "/login", "/outro"] { chat.says(ana, text) }
        #expect(self.failures(chat).count == 2)
        #expect(self.failures(chat).last == "scripts/other.lua:1: outra causa", "\(self.failures(chat))")
        chat.clock.now += 1
        chat.says(ana, "/outro")
        #expect(chat.log.entries.last { $0.message == "hook failed" }?.metadata["log.unlogged"] == "1")
    }

    @Test func `a command within JSON is not relayed as it came where memory is full`() throws {
        let example = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("examples/json-clients/json.lua")
        let filler = """
            local kept = {}
            relay.on("connect", function(client)
              if client.host == "10.0.0.9" then for i = 1, 1e9 do kept[i] = ("x"):rep(1000) .. i end end
            end)
            """
        var limits = LuaLimits()
        limits.memory = 8 << 20
        let chat = try Chat(
            ["json.lua": try String(contentsOf: example, encoding: .utf8), "login.lua": Self.login, "z.lua": filler],
            luaLimits: limits
        )
        let (ana, bia) = (chat.connect(), chat.connect())
        chat.says(ana, #"{"hello": "json"}"#)
        chat.says(ana, #"{"text": "oi"}"#)
        #expect(bia.hears == "('10.0.0.1', 4001) disse: oi")
        _ = chat.connect("10.0.0.9")
        chat.says(ana, #"{"text": "/login ana s3gredo"}"#)
        #expect(!bia.hears.contains("s3gredo"))
    }

    @Test func `where the words for it fail, too, the relay has its own`() throws {
        let chat = try Chat([
            "login.lua": Self.login, "system_messages.lua": #"relay.on("system_message", function() error("x") end)"#,
        ])
        let (ana, bia) = (chat.connect(), chat.connect())
        chat.says(ana, "/login x")
        #expect((ana.hears, bia.hears) == ("O comando falhou.", ""))
        let silent = try Chat([
            "login.lua": Self.login, "system_messages.lua": #"relay.on("system_message", function() return false end)"#,
        ])
        let caio = silent.connect()
        silent.says(caio, "/login x")
        #expect(caio.hears == "")
    }

    @Test func `who makes a command slow again and again is refused, and commands work for others`() throws {
        let chat = try Chat(
            "require('commands').add('/conta', 'x', function(client, rest) if rest ~= '' then while true do end end client:send('ok') end)"
        )
        let (ana, bia) = (chat.connect(), chat.connect())
        // Several at once, so that none of them has most of it.
        let bad = (0..<4).map { _ in chat.connect() }
        for _ in 0..<10 {
            chat.clock.now += 0.01
            for mau in bad { chat.says(mau, "/conta muito") }
        }
        chat.says(ana, "/conta")
        #expect(ana.hears == "ok")
        chat.says(ana, "oi")
        #expect(bia.hears == "('10.0.0.1', 4001) disse: oi")
    }

    @Test func `on_error fail goes with messages only`() {
        #expect(throws: ScriptError.self) {
            _ = try Chat(#"relay.on("format", { on_error = "fail" }, function() end)"#)
        }
    }

    @Test func `a folder called stock is not taken for the stock scripts`() throws {
        let scripts = ScriptSet(stock: [:], own: ["a.lua": []], folder: "stock")
        #expect(scripts.sources.map(\.name) == ["./stock/a.lua"])
        let inner = ScriptSet(stock: [:], own: ["a.lua": []], folder: "stock/mine")
        #expect(inner.sources.map(\.name) == ["./stock/mine/a.lua"])
    }
}
