// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import HostSettings
import LineOutput
import LuaScripting
import RelayCore
import RelayTransport
import TestSupport
import Testing

@testable import RelayHost

/// Whatever one client sends or does, the relay stays up and the others chat on.
@Suite(.timeLimit(.minutes(15))) struct BadInputTests {
    /// Checks that two fresh clients can talk.
    private func chatGoesOn(_ relay: LiveRelay) throws {
        let ana = try relay.connect()
        let bia = try relay.connect()
        ana.send("\n")
        bia.send("\nainda aqui\n")
        try ana.waits(for: "\(bia.name) disse: ainda aqui\n")
    }

    @Test func `bytes that are no text reach the others as replacement characters`() async throws {
        try await LiveRelay.run { relay in
            let ana = try relay.connect()
            let bia = try relay.connect()
            try relay.console(shows: "Cliente conectado: \(bia.name)")
            ana.send([0xFF, 0x00, 0xC3])
            #expect(bia.receive() == "\(ana.name) disse: \u{FFFD}\u{FFFD}\u{FFFD}")
            try relay.console(shows: "\(ana.name) disse: \\xFF\\x00\\xC3")
            try self.chatGoesOn(relay)
        }
    }

    @Test func `a line over the limit is refused with a word, and the next one is heard`() async throws {
        let script = #"relay.on("system_message", function(client, kind) return "host: " .. kind end)"#
        try await LiveRelay.run(scripts: ["a.lua": script], { $0.limits.messageBytes = 100 }) { relay in
            let ana = try relay.connect()
            let bia = try relay.connect()
            bia.send("\n")
            try relay.console(shows: "Cliente conectado: \(bia.name)")
            ana.send("\n" + String(repeating: "x", count: 100_000) + "\n")
            try ana.waits(for: "host: too_long\n")
            ana.send("oi\n")
            try bia.waits(for: "\(ana.name) disse: oi\n")
        }
    }

    @Test func `a hundred megabytes without a line end cost no memory and no chat`() async throws {
        try await LiveRelay.run({ $0.hasConsole = false }) { relay in
            let flood = try relay.connect()
            flood.send("\n")
            let block = [UInt8](repeating: 0x78, count: 1 << 20)
            for _ in 0..<100 { flood.send(block) }
            try self.chatGoesOn(relay)
        }
    }

    @Test func `a client that never reads is disconnected and delays nobody`() async throws {
        try await LiveRelay.run({ $0.limits.unsentBytes = 64 << 10 }) { relay in
            let deaf = try relay.connect()
            let ana = try relay.connect()
            try relay.console(shows: "Cliente conectado: \(ana.name)")
            ana.send("\n")
            let line = String(repeating: "y", count: 60_000) + "\n"
            for _ in 0..<400 where !relay.log.entries.contains(where: { $0.message.hasPrefix("client disconnected") }) {
                ana.send(line)
            }
            try relay.console(shows: "Cliente desconectado: \(deaf.name)")
            try self.chatGoesOn(relay)
        }
    }

    @Test func `with the policy drop a slow client stays, misses messages, and is told once`() async throws {
        let script = """
            relay.on("system_message", function(client, kind) return "host: " .. kind end)
            relay.on("message", function(message)
              if message.text == "fim" then message.sender:send("feito") end
            end)
            """
        try await LiveRelay.run(
            scripts: ["a.lua": script],
            {
                $0.limits.unsentBytes = 64 << 10
                $0.limits.slowPolicy = .drop
                $0.hasConsole = false
            }
        ) { relay in
            let slow = try relay.connect()
            slow.send("\n")
            let ana = try relay.connect()
            ana.send("\n")
            let line = String(repeating: "y", count: 60_000) + "\n"
            for _ in 0..<400 { ana.send(line) }
            ana.send("fim\n")
            // Else the rest of what ana says could make it slow again.
            try ana.waits(for: "feito\n")
            let bia = try relay.connect()
            bia.send("\n")
            try slow.waits(for: "host: slow\n")
            bia.send("depois\n")
            try slow.waits(for: "depois\n")
        }
    }

    @Test(arguments: [Limits.SlowPolicy.disconnect, .drop])
    func `what all have unsent is bounded, and those with the most are disconnected first`(
        policy: Limits.SlowPolicy
    ) async throws {
        try await LiveRelay.run({
            $0.limits.slowPolicy = policy
            $0.limits.unsentBytes = 8 << 20
            $0.limits.totalUnsentBytes = 8 << 20
            $0.limits.tickBytes = 256 << 10
            $0.logLevel = "info"
        }) { relay in
            // Each may have as much as all together.
            let deaf = try (0..<6).map { _ in try relay.connect() }
            for person in deaf { try relay.console(shows: "Cliente conectado: \(person.name)") }
            let (ana, bia) = (try relay.connect(), try relay.connect())
            // Once this has arrived, what bia gets ends with a line end.
            ana.send("\n")
            bia.send("oi\n")
            try ana.waits(for: "\(bia.name) disse: oi")
            let line = String(repeating: "y", count: 60_000) + "\n"
            func gone() -> Int {
                relay.log.entries.count { $0.message.contains("all together read too slowly") }
            }
            // What the system keeps for each is not known; so people talk until the relay has enough.
            for round in 0..<2_000 where gone() == 0 {
                ana.send(line)
                ana.send("fim \(round)\n")
                try bia.waits(for: "fim \(round)\n")
            }
            #expect((1..<6).contains(gone()), "as many as it takes")
            try relay.console(shows: "Cliente conectado: \(bia.name)")
            ana.send("ainda aí?\n")
            try bia.waits(for: "ainda aí?\n")
        }
    }

    @Test func `at the clients limit a newcomer is told so and the others chat on`() async throws {
        let script = #"relay.on("system_message", function(client, kind) return "host: " .. kind end)"#
        try await LiveRelay.run(scripts: ["a.lua": script], { $0.limits.clients = 3 }) { relay in
            let early = try relay.connect()
            try relay.console(shows: "Cliente conectado: \(early.name)")
            let others = try (0..<2).map { _ in try relay.connect() }
            try relay.console(shows: "Cliente conectado: \(others[1].name)")
            for _ in 0..<200 {
                let late = try relay.connect()
                late.send("oi")
                #expect(late.receiveAll() == "host: full" || others.isEmpty)
            }
            early.send("oi")
            #expect(others[0].receive() == "\(early.name) disse: oi")
        }
    }

    @Test func `a thousand connections that say nothing leave the chat alone`() async throws {
        try await LiveRelay.run({ $0.hasConsole = false }) { relay in
            let silent = try (0..<1_000).map { _ in try relay.connect() }
            try self.chatGoesOn(relay)
            for peer in silent.prefix(500) { peer.reset() }
            try self.chatGoesOn(relay)
        }
    }

    @Test(arguments: [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "coroutine.wrap(function() while true do end end)()",
        "local t = setmetatable({}, { __index = function() while true do end end }) return t.x",
        "table.sort({ 3, 2, 1 }, function() while true do end end)",
        "local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end",
        "error('always')",
        "return 42",
        "return ('x'):rep(1e6)",
        "m.sender:close() error('closed')",
    ])
    func `a hostile hook harms nobody`(code: String) async throws {
        let script = "relay.on('message', function(m) if m.text == 'hostile' then \(code) end end)"
        try await LiveRelay.run(scripts: ["a.lua": script], { $0.luaLimits.memory = 16 << 20 }) { relay in
            let ana = try relay.connect()
            ana.send("hostile")
            if !code.hasPrefix("m.sender") { try relay.log.wait(for: "hook failed") }
            try self.chatGoesOn(relay)
        }
    }

    @Test func `a publisher that never stops leaves room for others`() async throws {
        try await LiveRelay.run({ $0.hasConsole = false }) { relay in
            let loud = try relay.connect()
            loud.send("\n")
            let block = Array(String(repeating: "zzzzzzzzzzzzzzz\n", count: 4_096).utf8)
            let task = Task.detached { for _ in 0..<200 { loud.send(block) } }
            try self.chatGoesOn(relay)
            await task.value
            try self.chatGoesOn(relay)
        }
    }
}

extension Peer: @unchecked Sendable {}
