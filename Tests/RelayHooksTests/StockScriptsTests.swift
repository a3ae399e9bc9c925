// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LatencyMonitor
import RelayCore
import StockScripts
import TestSupport
import Testing

@testable import RelayHooks

@Suite struct StockScriptsTests {
    @Test func `a message reaches the others with the name the original prints`() throws {
        let chat = try Chat()
        let ana = chat.connect("127.0.0.1")
        let bia = chat.connect("127.0.0.1")
        chat.says(ana, "Olá!")
        #expect(bia.hears == "('127.0.0.1', 4001) disse: Olá!")
        #expect(ana.hears == "")
    }

    @Test func `the console shows what the original's server prints`() throws {
        let chat = try Chat()
        chat.hooks.listening(transport: .tcp, address: "127.0.0.1:12345")
        let ana = chat.connect("127.0.0.1")
        chat.says(ana, "Olá, tudo bem?")
        chat.leaves(ana)
        #expect(
            chat.console.lines == [
                "Servidor TCP aguardando conexões...",
                "Cliente conectado: ('127.0.0.1', 4001)",
                "('127.0.0.1', 4001) disse: Olá, tudo bem?",
                "Cliente desconectado: ('127.0.0.1', 4001)",
            ]
        )
    }

    @Test func `every stock hook runs in an ordinary conversation, and every stock file is loaded`() throws {
        let chat = try Chat()
        chat.hooks.listening(transport: .tcp, address: "127.0.0.1:12345")
        let ana = chat.connect()
        _ = chat.connect()
        chat.says(ana, "oi")
        ana.client.map { _ = chat.hub.sendSystemMessage(.withheld, to: $0) }
        chat.says(ana, "/sair")
        chat.says(chat.connect(transport: .udp), "ping")
        chat.measure(.reply(.milliseconds(8)))
        #expect(chat.hooks.loaded.registry.all.filter { $0.calls == 0 }.map { "\($0.script):\($0.line)" } == [])
        for (path, text) in StockScripts.files where path != "chat.lua" {
            let broken = String(decoding: text, as: UTF8.self) + "\nerror('this file ran')"
            #expect(throws: (any Error).self, "\(path) is not loaded") { try Chat([path: broken]) }
        }
    }

    @Test func `sair ends the connection and is no message`() throws {
        let chat = try Chat()
        let ana = chat.connect()
        let bia = chat.connect()
        chat.says(ana, "/sair")
        #expect(ana.isClosed)
        #expect(bia.hears == "")
        #expect(chat.hub.clientCount == 1)
    }

    @Test(arguments: ["/sair agora", "/sair ", " /sair", "/SAIR", "/sai", "/", "//", "/outra coisa"])
    func `anything that is not exactly sair is a message, as in the original`(text: String) throws {
        let chat = try Chat()
        let ana = chat.connect()
        let bia = chat.connect()
        chat.says(ana, text)
        #expect(bia.hears == "('10.0.0.1', 4001) disse: \(text)")
        #expect(!ana.isClosed)
    }

    @Test func `bytes that are not UTF-8 reach the others as replacement characters`() throws {
        let chat = try Chat()
        let ana = chat.connect()
        let bia = chat.connect()
        chat.says(ana, [0x6F, 0xFF, 0x69, 0x00])
        #expect(bia.hears == "('10.0.0.1', 4001) disse: o\u{FFFD}i\u{FFFD}")
    }

    @Test func `scripts share slash commands by the commands module`() throws {
        let chat = try Chat(
            """
            local commands = require("commands")
            commands.add("/hora", "tell the time", function(client, rest) return client:send("agora" .. rest) end)
            commands.add("/grita", "say it loud", function(client, rest) return rest:upper() end)
            relay.on("start", function() relay.log.info(commands.list()["/hora"]) end)
            """
        )
        chat.hooks.start()
        #expect(chat.log.entries.last?.message == "tell the time")
        let ana = chat.connect()
        let bia = chat.connect()
        chat.says(ana, "/hora já")
        #expect(ana.hears == "agora já")
        #expect(bia.hears == "", "only a string answered is relayed")
        chat.says(ana, "/grita oi")
        #expect(bia.hears == "('10.0.0.1', 4001) disse:  OI")
    }

    @Test(arguments: [
        #"commands.add("hora", "x", print)"#, #"commands.add("/hora", nil, print)"#,
        #"commands.add("/hora", "x")"#, #"commands.add("/sair", "x", print)"#, #"commands.add(1, "x", print)"#,
    ])
    func `a wrong command is refused while loading, with the line that added it`(call: String) {
        #expect {
            try Chat("local commands = require('commands')\n\(call)")
        } throws: {
            "\($0)".hasPrefix("scripts/test.lua:2: commands.add: ")
        }
    }
}
