// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import HostSettings
import RelayCore
import RelayHooks
import StockScripts
import Testing

@testable import LuarTesting

/// What trying scripts out finds.
struct ScriptSmokeTestTests {
    /// Long texts are 2 KiB long here: Swift Testing notes each error that the standard library throws while it repairs
    /// bytes that are not UTF-8, which takes seconds for 64 KiB.
    private func preflight(_ files: [String: String], longest: Int = 2_048) throws -> ScriptSmokeTest {
        var limits = Limits()
        limits.messageBytes = longest
        return try ScriptSmokeTest(
            ScriptSet(stock: StockScripts.files, own: files.mapValues { Array($0.utf8) }),
            limits: limits
        )
    }

    private func failures(_ text: String, in file: String = "a.lua") throws -> [String] {
        try self.preflight([file: text]).failures.map(\.description)
    }

    @Test(arguments: [
        (
            "relay.on('message', function(m) return m.txet end)",
            "1: 'message' failed on a newcomer: a message has no field 'txet'"
        ),
        ("relay.on('message', function(m) return m.text:gsub('oi', m.text) .. '' end)", nil),
        (
            "relay.on('format', function(m) return (('x'):gsub('x', m.text)) end)",
            "1: 'format' failed on the text \"%\": invalid use of '%' in replacement string"
        ),
        (
            "relay.on('message', function(m) return utf8.len(m.text) > 0 and m.text end)",
            "1: 'message' failed on bytes that are not UTF-8: attempt to compare number with nil"
        ),
        (
            "relay.on('message', function(m) if m.size > 2047 then error('long') end end)",
            "1: 'message' failed on a text of 2048 bytes: long"
        ),
        (
            "relay.on('format', function(m) return m.text:rep(6) end)",
            "1: 'format' failed on a text of 2048 bytes: format answered 12288 bytes"
        ),
        (
            "relay.on('connect', function(c) if c.transport == 'udp' then c.data.x.y = 1 end end)",
            "1: 'connect' failed on a newcomer: "
        ),
        (
            "relay.on('disconnect', function(c, r) if r == 'idle' then x() end end)",
            "1: 'disconnect' failed on a client that leaves (idle): "
        ),
        (
            "relay.on('system_message', function(c, k) if k == 'full' then x() end end)",
            "1: 'system_message' failed on system_message (full): "
        ),
        (
            "relay.on('console', function(e) if e.kind == 'prompt' then x() end end)",
            "1: 'console' failed on a prompt: "
        ),
        (
            "relay.on('console', function(e) if e.kind == 'unreachable' then x() end end)",
            "1: 'console' failed on a client that leaves (unreachable): "
        ),
        (
            "relay.on('latency', function(s) return s.rtt_ms < 5 and 'a' or 'b' end)",
            "1: 'latency' failed on a timeout: attempt to compare nil"
        ),
        (
            "relay.on('latency', function(s) if s.outcome == 'inconclusive' then x() end end)",
            "1: 'latency' failed on an inconclusive ping: "
        ),
        ("relay.on('status', function(r) x() end)", "1: 'status' failed on a reply after "),
        ("relay.on('alert', function(r) if r.reprobed then x() end end)", "1: 'alert' failed on a timeout: "),
        (
            "relay.on('admit', function(c, t) if t == '%' then x() end if c.transport == 'tcp' then return t or 'word?' end end)",
            "1: 'admit' failed on the text \"%\": "
        ),
        ("relay.daily('03:00', function() x() end)", "1: 'timer' failed on a timer: "),
        ("relay.on('start', function() x() end)", "1: 'start' failed on the start: "),
        ("relay.on('stop', function() x() end)", "1: 'stop' failed on the stop: "),
        ("relay.on('message', function() while true do end end)", "1: 'message' failed on a newcomer: "),
        (
            "local kept relay.on('message', function(m) if kept then print(kept.text) end kept = m end)",
            "1: 'message' failed on the text \"oi\": a message is readable only"
        ),
    ]) func `a mistake is found with the occasion on which it shows`(text: String, reason: String?) throws {
        let found = try self.failures(text)
        guard let reason else { return #expect(found.isEmpty, "\(found)") }
        #expect(found.count >= 1 && found[0].hasPrefix("scripts/a.lua:\(reason)"), "\(found)")
    }

    @Test func `a pattern that takes for ever on a hostile text is found`() throws {
        let text = "relay.on('message', function(m) return m.text:match('^%s*(.-)%s*$') end)"
        let found = try self.preflight(["a.lua": text], longest: 32 << 10).failures.map(\.description)
        #expect(
            found.count == 1 && found[0].contains("'message' failed on 32766 spaces between two letters: "),
            "\(found)"
        )
        #expect(found.first?.contains("time limit passed") == true)
    }

    @Test func `commands are tried with what may follow them`() throws {
        let text = """
            local commands = require("commands")
            commands.add("/dobro", "twice", function(client, rest)
              local number = rest:match("^ +(%d+)$")
              client:send(tostring(2 * tonumber(rest)))
            end)
            """
        let found = try self.failures(text)
        #expect(
            found.count == 1
                && found[0].contains("failed on the text \"/dobro\": attempt to perform arithmetic on a nil"),
            "\(found)"
        )
    }

    @Test func `a mistake is told once, whatever shows it`() throws {
        #expect(try self.failures("relay.on('message', function(m) local x = m.text + {} end)").count <= 2)
        #expect(try self.failures("relay.on('message', function(m) error('no') end)").count == 1)
    }

    @Test func `the chat client's hooks are tried, too`() throws {
        let text = """
            relay.on("chat_send", function(text) if text == "" then x() end end)
            relay.on("chat_receive", function(text) return text:rep(6) end)
            relay.on("chat_close", function(server, reason) if reason == "lost" then x() end end)
            """
        let found = try self.failures(text, in: "chat.lua")
        #expect(found.count == 3)
        #expect(found.contains { $0.hasPrefix("scripts/chat.lua:1: 'chat_send' failed on an empty line: ") })
        #expect(found.contains { $0.hasPrefix("scripts/chat.lua:2: 'chat_receive' failed on a text of 2048 bytes: ") })
        #expect(found.contains { $0.hasPrefix("scripts/chat.lua:3: 'chat_close' failed on the end of a connection: ") })
    }

    @Test func `every stock hook is called, and none fails`() throws {
        let rehearsal = try self.preflight([:], longest: Limits().messageBytes)
        #expect(rehearsal.failures.map(\.description) == [])
        #expect(rehearsal.costs.count == 12)
        #expect(rehearsal.costs.allSatisfy { $0.calls > 0 && $0.max ?? 0 > 0 }, "\(rehearsal.costs)")
    }
}
