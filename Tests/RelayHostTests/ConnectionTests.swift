// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import HostSettings
import RelayCore
import Scheduling
import TestSupport
import Testing
import WireFormats

@testable import RelayHost
@testable import RelayTransport

/// Connections at their beginning and their end, over real sockets.
@Suite(.timeLimit(.minutes(15))) struct ConnectionTests {
    /// A stage that ends with the first line.
    private struct LineStage: PreambleStage {
        var timeLimit: Duration

        func look(at bytes: UnsafeRawBufferPointer) -> StageVerdict {
            guard let end = bytes.firstIndex(of: 0x0A) else { return .incomplete }
            return end == 5 ? .passed(bytes: 6) : .failed
        }
    }

    /// Has each further connection pass a stage first.
    private func demandLine(_ relay: LiveRelay, within limit: Duration) async throws {
        try await relay.relay.loop.run {
            relay.relay.parts.value?.tcp.preamble = { [LineStage(timeLimit: limit)] }
        }
    }

    @Test func `what stands behind the preamble is the first text`() async throws {
        try await LiveRelay.run({
            $0.framing = .line
            $0.limits.flushTime = .seconds(3_600)
        }) { relay in
            let ana = try relay.connect()
            try relay.console(shows: "Cliente conectado: \(ana.name)")
            try await self.demandLine(relay, within: .seconds(600))
            let bia = try relay.connect()
            bia.send("hel")
            bia.send("lo\num\ndo")
            bia.send("is\n")
            try ana.waits(for: "\(bia.name) disse: um\n\(bia.name) disse: dois\n")
            let caio = try relay.connect()
            caio.send("goodbye\num\n")
            #expect(caio.readsEnd())
            let eva = try relay.connect()
            eva.send("hel")
            eva.finish()
            #expect(eva.readsEnd())
            #expect(try await relay.relay.status().clients == 2)
            #expect(!relay.consoleText.contains(caio.name) && !relay.consoleText.contains(eva.name))
            // One that is not in yet keeps nobody waiting when the relay stops.
            let late = try relay.connect()
            let last = try relay.connect()
            last.send("hello\n")
            try relay.console(shows: "Cliente conectado: \(last.name)")
            try await relay.relay.stop()
            #expect(late.readsEnd())
        }
    }

    @Test func `a connection that does not pass the preamble in time is closed`() async throws {
        try await LiveRelay.run { relay in
            try await self.demandLine(relay, within: .milliseconds(50))
            let ana = try relay.connect()
            ana.send("hel")
            #expect(ana.readsEnd())
            #expect(try await relay.relay.status().clients == 0)
        }
    }

    @Test func `words for those who do not come in are one line, whatever line breaks they have`() async throws {
        let script =
            #"relay.on("system_message", function(client, kind) return "forged\n" .. kind .. "\r\nforged" end)"#
        for framing in [WireFormat.line, .raw, .auto] {
            try await LiveRelay.run(
                scripts: ["a.lua": script],
                {
                    $0.limits.clients = 1
                    $0.framing = framing
                }
            ) { relay in
                let ana = try relay.connect()
                try relay.console(shows: "Cliente conectado: \(ana.name)")
                let late = try relay.connect()
                let words = late.receiveAll()
                #expect(words == (framing == .line ? "forged full forged\n" : "forged\nfull\r\nforged"))
            }
        }
    }

    @Test func `a text may be longer than the input limit`() async throws {
        try await LiveRelay.run({
            $0.limits.inputBytes = 1_000
            $0.framing = .line
        }) { relay in
            let (ana, bia) = (try relay.connect(), try relay.connect())
            try relay.console(shows: "Cliente conectado: \(bia.name)")
            bia.send("oi\n")
            try ana.waits(for: "\(bia.name) disse: oi\n")
            let text = String(repeating: "x", count: 60_000)
            for piece in [text.prefix(20_000), text.dropFirst(20_000).prefix(20_000), text.dropFirst(40_000)] {
                bia.send(String(piece))
                // Once this is relayed, what was sent before has been read.
                let caio = try relay.connect()
                caio.send("oi\n")
                try ana.waits(for: "\(caio.name) disse: oi\n")
            }
            bia.send("\n")
            try ana.waits(for: "\(bia.name) disse: \(text)\n")
        }
    }
}
