// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import HostSettings
import RelayCore
import Scheduling
import TestSupport
import Testing
import WireFormats

@testable import RelayHost

/// What clients do, over real sockets, while it is not known whether they are let in.
@Suite(.timeLimit(.minutes(15))) struct PendingAdmissionTests {
    /// Lets the first client in at once, and others when it says so: `/N`.
    private static let script = """
        local pending = {}
        relay.on("admit", function(client)
          if client.id == 1 then return end
          pending[client.id] = relay.pending(client.id == 4 and 0.05 or 60)
          return pending[client.id]
        end)
        relay.on("message", function(m)
          if m.text == "eco" then m.sender:send("eco") return false end
          local id = m.text:match("^/(%d+)")
          if not id then return end
          m.sender:send("answered " .. tostring(pending[tonumber(id)]:answer()))
          return false
        end)
        """

    private func run(
        _ log: LogRecord = LogRecord(),
        _ body: (LiveRelay, Peer) async throws -> Void
    ) async throws {
        try await LiveRelay.run(scripts: ["a.lua": Self.script], log: log, { $0.framing = .line }) { relay in
            let ana = try relay.connect()
            try relay.console(shows: "Cliente conectado: \(ana.name)")
            try await body(relay, ana)
        }
    }

    /// Whether a client hears this, and nothing before it.
    private func hears(_ peer: Peer, _ text: String) -> Bool {
        var heard = ""
        while heard.utf8.count < text.utf8.count {
            let more = peer.receive()
            if more.isEmpty { break }
            heard += more
        }
        return heard == text
    }

    /// Waits until so many clients are in or want in.
    private func clients(_ count: Int, _ relay: LiveRelay) async throws {
        try await poll("\(count) clients") {
            try await relay.relay.loop.run { relay.relay.parts.value?.hub.everybody.count } == count
        }
    }

    @Test func `what a client says meanwhile is heard once it is in, all of it and in order`() async throws {
        try await self.run { relay, ana in
            let bia = try relay.connect()
            let lines = (1...2_000).map { "\($0) " + String(repeating: "x", count: 50) }
            bia.send(lines.prefix(1_000).joined(separator: "\n") + "\n")
            try await self.clients(2, relay)
            ana.send("/2\n")
            bia.send(lines.dropFirst(1_000).joined(separator: "\n") + "\n")
            let said = lines.map { "\(bia.name) disse: \($0)\n" }.joined()
            #expect(self.hears(ana, "answered true\n" + said))
        }
    }

    private static let asking = """
        relay.on("admit", function(client, text)
          if client.id == 1 then return end
          if not text then return "senha?" end
          local pending = relay.pending()
          -- Long after the silence that ends a line.
          relay.after(0.2, function() pending:answer() end)
          return pending
        end)
        """

    /// Runs a relay that asks the second client for a word.
    private func ask(silence: Duration, _ body: (LiveRelay, Peer, Peer) async throws -> Void) async throws {
        try await LiveRelay.run(scripts: ["a.lua": Self.asking], { $0.limits.silence = silence }) { relay in
            let ana = try relay.connect()
            try relay.console(shows: "Cliente conectado: \(ana.name)")
            let bia = try relay.connect()
            #expect(bia.receive() == "senha?")
            try await body(relay, ana, bia)
        }
    }

    @Test func `the end of a line that comes late is waited for again once it is in`() async throws {
        try await self.ask(silence: .milliseconds(100)) { relay, ana, bia in
            bia.send("\nlu")
            // Once another client is answered the first line was read: the time for its end runs.
            let caio = try relay.connect()
            #expect(caio.receive() == "senha?")
            bia.send("ar\num")
            try ana.waits(for: "\(bia.name) disse: um")
        }
    }

    @Test func `what follows the text that has it wait is heard as well, also a line without its end`() async throws {
        try await self.ask(silence: .milliseconds(1)) { _, ana, bia in
            bia.send("luar\num\ndois\ntrês")
            let said = ["um", "dois", "três"].map { "\(bia.name) disse: \($0)" }.joined()
            #expect(self.hears(ana, said))
        }
    }

    @Test func `each read is a text, however many wait together`() async throws {
        try await LiveRelay.run(scripts: ["a.lua": Self.script]) { relay in
            let ana = try relay.connect()
            try relay.console(shows: "Cliente conectado: \(ana.name)")
            let bia = try relay.connect()
            try await self.clients(2, relay)
            for text in ["um", "dois", "três"] {
                bia.send(text)
                // What came before this is read in the same tick, or was in an earlier one.
                ana.send("eco")
                #expect(ana.receive() == "eco")
            }
            ana.send("/2")
            let said = ["um", "dois", "três"].map { "\(bia.name) disse: \($0)" }.joined()
            #expect(self.hears(ana, "answered true" + said))
        }
    }

    @Test func `one whose connection breaks makes place at once, whatever it has said`() async throws {
        try await self.run { relay, ana in
            let (bia, caio) = (try relay.connect(), try relay.connect())
            bia.send("um\ndois\n")
            // More than is read while it waits: the error is behind it.
            caio.send(String(repeating: "x", count: 3 << 20))
            try await self.clients(3, relay)
            let status = try await relay.relay.status()
            #expect(status.clients == 1 && status.clientsPendingAdmission == 2)
            bia.reset()
            caio.reset()
            try await self.clients(1, relay)
            ana.send("/2\n/3\n")
            #expect(self.hears(ana, "answered false\nanswered false\n"))
        }
    }

    @Test(arguments: [false, true])
    func `a silence ends a line while its client waits`(isAsked: Bool) async throws {
        let script = """
            local pending
            relay.on("admit", function(client, text)
              if client.id == 1 then return end
              if \(isAsked) and not text then return "senha?" end
              pending = relay.pending(60)
              return pending
            end)
            relay.on("message", function(m)
              if m.text == "eco" then m.sender:send("eco") return false end
              if m.text == "sim" then pending:answer() return false end
            end)
            """
        try await LiveRelay.run(scripts: ["a.lua": script], { $0.limits.silence = .zero }) { relay in
            let ana = try relay.connect()
            try relay.console(shows: "Cliente conectado: \(ana.name)")
            let bia = try relay.connect()
            if isAsked { try bia.waits(for: "senha?") } else { try await self.clients(2, relay) }
            for part in ["um\npar", "tial\n"] {
                bia.send(part)
                // Once this is answered, the relay has read that part. Any time is a silence here.
                ana.send("eco")
                #expect(ana.receive() == "eco")
            }
            ana.send("sim")
            let said = (isAsked ? ["par", "tial"] : ["um", "par", "tial"]).map { "\(bia.name) disse: \($0)" }.joined()
            #expect(self.hears(ana, said))
        }
    }

    @Test func `one who leaves meanwhile is not waited for`() async throws {
        try await self.run { relay, ana in
            let (bia, caio) = (try relay.connect(), try relay.connect())
            try await self.clients(3, relay)
            bia.close()
            caio.finish()
            try await self.clients(1, relay)
            ana.send("/2\n/3\n")
            #expect(self.hears(ana, "answered false\nanswered false\n"))
        }
    }

    @Test func `without an answer in time it is refused`() async throws {
        let log = LogRecord()
        try await self.run(log) { relay, ana in
            let others = try (0..<3).map { _ in try relay.connect() }
            #expect(others[2].readsEnd())
            try log.wait(for: "client refused: no answer came in time")
            ana.send("/4\n/3\n")
            #expect(self.hears(ana, "answered false\nanswered true\n"))
        }
    }
}
