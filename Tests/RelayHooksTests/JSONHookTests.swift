// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Logging
import LuaScripting
import RelayCore
import TestSupport
import Testing

@testable import RelayHooks

/// `relay.json` in the hands of scripts.
@Suite struct JSONHookTests {
    @Test func `a dialect of JSON is a few lines`() throws {
        let chat = try Chat(
            """
            relay.on("message", function(message)
              local command, reason = relay.json.decode(message.text)
              if not command then message.sender:send("no: " .. reason) return false end
              return command.text
            end)
            relay.on("format", function(message)
              return relay.json.encode({ from = message.sender.id, text = message.text, tags = relay.json.empty_array })
            end)
            """,
            hasStock: false
        )
        let ana = chat.connect()
        let bia = chat.connect()
        chat.says(ana, #"{"text":"ol\u00e1"}"#)
        #expect(bia.hears == #"{"from":\#(ana.client?.id ?? 0),"tags":[],"text":"olá"}"#)
        chat.says(ana, #"{"text":}"#)
        #expect(ana.hears == "no: a value is missing at byte 9")
    }

    @Test(arguments: [
        ("relay.json.decod('1')", "relay.json has no 'decod'; did you mean 'decode'?"),
        ("relay.jsn.decode('1')", "relay has no 'jsn'; did you mean 'json'?"),
        ("relay.json.empty_aray = 1", "relay.json is read-only"), ("local x = relay.json.nul", "did you mean 'null'?"),
        ("rawset(relay.json, 'null', 1)", "rawset: this table is read-only"),
        ("\nrelay.json.encode({ x = print })", "scripts/test.lua:2: relay.json.encode: value.x is a function"),
        ("relay.json.decode({})", "scripts/test.lua:1: relay.json.decode takes a string, not a table"),
        ("relay.json.encode(relay.others)", "relay.json.encode: value is a route"),
        (
            "relay.json.encode(relay.settings { x = { 'number', default = 1 } })",
            "relay.json.encode: value is a read-only table"
        ),
    ])
    func `a mistake with it is explained where it stands`(script: String, reason: String) {
        let error = #expect(throws: ScriptError.self) { _ = try Chat(script) }
        #expect(error.map { "\($0)" }?.contains(reason) == true, "\(String(describing: error))")
    }

    @Test func `a client and a message cannot be encoded`() throws {
        let chat = try Chat(
            """
            relay.on("connect", function(client) relay.json.encode({ who = client }) end)
            relay.on("message", function(message) relay.json.encode(message) end)
            """
        )
        chat.says(chat.connect(), "oi")
        let errors = chat.log.entries.map { "\($0.message) \($0.metadata)" }.joined()
        #expect(errors.contains("value.who is a client"))
        #expect(errors.contains("value is a message"))
    }

    @Test func `the chat client has it, too`() throws {
        let log = LogRecord()
        let hooks = try ChatHooks(
            server: ChatServer(host: "10.1.2.3", port: 4_000, address: "10.1.2.3:4000", transport: .tcp),
            scripts: ScriptSet(
                stock: [:],
                own: [
                    "chat.lua": Array(
                        """
                        relay.on("chat_send", function(text) return relay.json.encode({ text = text }) end)
                        relay.on("chat_receive", function(text) return relay.json.decode(text).text end)
                        """
                        .utf8
                    )
                ]
            ),
            limits: Limits(),
            luaLimits: LuaLimits(),
            logger: Logger(label: "test") { _ in RecordingHandler(record: log) },
            version: "9.9.9"
        )
        #expect(Array("oi".utf8).withUnsafeBytes { hooks.sending($0) } == .send(Array(#"{"text":"oi"}"#.utf8)))
        #expect(Array(#"{"text":"ol\u00e1"}"#.utf8).withUnsafeBytes { hooks.received($0) } == Array("olá".utf8))
    }
}
