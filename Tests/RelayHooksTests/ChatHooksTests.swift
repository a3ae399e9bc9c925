// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Logging
import LuaScripting
import RelayCore
import StockScripts
import TestSupport
import Testing

@testable import RelayHooks

/// What `chat.lua` decides in the chat client.
@Suite struct ChatHooksTests {
    private let log = LogRecord()

    private func hooks(
        _ files: [String: String] = [:],
        hasStock: Bool = true,
        limits: Limits = Limits(),
        luaLimits: LuaLimits = LuaLimits()
    ) throws -> ChatHooks {
        let log = self.log
        return try ChatHooks(
            server: ChatServer(host: "10.1.2.3", port: 4_000, address: "10.1.2.3:4000", transport: .tcp),
            scripts: ScriptSet(stock: hasStock ? StockScripts.files : [:], own: files.mapValues { Array($0.utf8) }),
            limits: limits,
            luaLimits: luaLimits,
            logger: Logger(label: "test") { _ in RecordingHandler(record: log) },
            version: "9.9.9"
        )
    }

    private func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

    private func sends(_ hooks: ChatHooks, _ text: String) -> ChatHooks.Sending {
        Array(text.utf8).withUnsafeBytes { hooks.sending($0) }
    }

    private func receives(_ hooks: ChatHooks, _ text: String) -> String? {
        self.text(Array(text.utf8).withUnsafeBytes { hooks.received($0) })
    }

    private func refusal(_ files: [String: String]) -> String {
        do {
            _ = try self.hooks(files)
            return "(loaded)"
        } catch {
            return "\(error)"
        }
    }

    @Test func `the stock script says what the original's client prints`() throws {
        let hooks = try self.hooks()
        #expect(self.text(hooks.connected()) == "Conectado ao servidor.")
        #expect(hooks.hello() == nil)
        #expect(self.sends(hooks, "oi") == .send(Array("oi".utf8)))
        #expect(self.sends(hooks, "/sair") == .quit)
        #expect(self.sends(hooks, "/sair agora") == .send(Array("/sair agora".utf8)))
        #expect(self.receives(hooks, "olá") == "olá")
        #expect(self.text(hooks.closed(reason: "left")) == "Desconectado do servidor.")
    }

    @Test func `without a hook nothing is said and texts pass as they are`() throws {
        let hooks = try self.hooks(hasStock: false)
        #expect(hooks.connected() == nil)
        #expect(hooks.closed(reason: "lost") == nil)
        #expect(self.sends(hooks, "/sair") == .send(Array("/sair".utf8)))
        #expect(self.receives(hooks, "x") == "x")
    }

    @Test func `a filter passes through every hook in order, and false ends it`() throws {
        let hooks = try self.hooks([
            "chat.lua": """
            relay.on("chat_send", { order = 2 }, function(text) return text .. "b" end)
            relay.on("chat_send", { order = 1 }, function(text) return text .. "a" end)
            relay.on("chat_send", { order = 3 }, function(text) if text == "noab" then return false end end)
            relay.on("chat_receive", function(text) if text:find("spam") then return false end return "> " .. text end)
            relay.on("chat_receive", function(text) return text:upper() end)
            """
        ])
        #expect(self.sends(hooks, "x") == .send(Array("xab".utf8)))
        #expect(self.sends(hooks, "no") == .nothing)
        #expect(self.receives(hooks, "spam here") == nil)
        #expect(self.receives(hooks, "oi") == "> OI")
    }

    @Test func `the server and the reason are told`() throws {
        let hooks = try self.hooks([
            "chat.lua": """
            relay.on("chat_connect", function(s) return s.host .. "|" .. s.port .. "|" .. s.address .. "|" .. s.transport end)
            relay.on("chat_hello", function(s) return "hello " .. s.host end)
            relay.on("chat_close", function(s, reason) return s.address .. " " .. reason end)
            """
        ])
        #expect(self.text(hooks.connected()) == "10.1.2.3|4000|10.1.2.3:4000|tcp")
        #expect(self.text(hooks.hello()) == "hello 10.1.2.3")
        #expect(self.text(hooks.closed(reason: "lost")) == "10.1.2.3:4000 lost")
    }

    @Test func `a hook that fails counts as no opinion, or as no if it blocks`() throws {
        let hooks = try self.hooks([
            "chat.lua": """
            relay.on("chat_send", { on_error = "skip" }, function(text) error("boom") end)
            relay.on("chat_send", { order = 200 }, function(text) if text == "no" then return false end end)
            relay.on("chat_receive", { on_error = "block" }, function(text) return 5 end)
            """
        ])
        #expect(self.sends(hooks, "oi") == .send(Array("oi".utf8)))
        #expect(self.sends(hooks, "no") == .nothing, "another hook answered false, and did not fail")
        #expect(self.receives(hooks, "oi") == nil)
        #expect(self.log.failures.count == 2)
        #expect(self.log.failures.last?.contains("chat_receive") == true, "\(self.log.failures)")
    }

    @Test func `a hook that keeps passing its limit is paused, and goes on blocking if it blocks`() throws {
        var limits = Limits()
        limits.pauseAfter = .milliseconds(1)
        var luaLimits = LuaLimits()
        luaLimits.hooks.cpuTime = .milliseconds(5)
        let script = "relay.on('chat_receive', { on_error = 'block' }, function() while true do end end)"
        let hooks = try self.hooks(["chat.lua": script], limits: limits, luaLimits: luaLimits)
        #expect(self.receives(hooks, "um") == nil)
        #expect(self.log.entries.contains { $0.message.hasPrefix("hook paused") })
        let failures = self.log.failures.count
        #expect(self.receives(hooks, "dois") == nil)
        #expect(self.log.failures.count == failures, "it was not called again")
    }

    @Test func `a wrong answer names what is accepted`() throws {
        let hooks = try self.hooks(["chat.lua": "relay.on('chat_send', function() return 5 end)"])
        #expect(self.sends(hooks, "oi") == .failed, "a line does not leave as it was typed where it was to be changed")
        #expect(self.log.failures.first?.contains("a string, relay.quit, false or nil") == true, "\(self.log.failures)")
    }

    @Test func `chat.lua may require modules, and other files are not loaded`() throws {
        let hooks = try self.hooks([
            "chat.lua": "local words = require('words') relay.on('chat_connect', function() return words.hi end)",
            "lib/words.lua": "return { hi = 'Oi!' }",
            "other.lua": "error('this must not run')",
        ])
        #expect(self.text(hooks.connected()) == "Oi!")
    }

    @Test(arguments: [
        (
            "relay.on('format', print)",
            "chat.lua:1: event 'format' is the relay's, and this runs in the chat client; known:"
        ),
        ("relay.on('chat_sent', print)", "unknown event 'chat_sent'; did you mean 'chat_send'?"),
        ("relay.send(1, 'x')", "relay has no 'send'; known: api default"),
        ("print(relay.others)", "relay has no 'others'"),
        ("relay.on('chat_close', function(s) return s.name end) x.y = 1", "chat.lua:1: "),
    ])
    func `what the chat client lacks is refused with file, line and a suggestion`(script: String, reason: String) {
        let refusal = self.refusal(["chat.lua": script])
        #expect(refusal.contains(reason), "\(refusal)")
    }

    @Test func `the relay neither loads chat.lua nor has its events`() throws {
        _ = try Chat(["chat.lua": "error('this must not run')"])
        #expect {
            try Chat("relay.on('chat_send', print)")
        } throws: { error in
            "\(error)".contains("event 'chat_send' is the chat client's, which loads chat.lua alone")
        }
        #expect {
            try Chat("return relay.quit")
        } throws: { error in
            "\(error)".contains("relay has no 'quit'")
        }
    }
}
