// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import HostSettings
import RelayCore
import TestSupport
import Testing
import WireFormats

@testable import RelayHost

/// A relay whose messages come behind their lengths, over real sockets.
@Suite(.timeLimit(.minutes(15))) struct LengthFramingTests {
    private static let script = """
        relay.on("format", function(m) return m.text end)
        relay.on("connect", function(client) client:send(client.framing .. "\\n" .. client.transport) end)
        relay.on("system_message", function(client, kind) return "host:\\n" .. kind end)
        """

    /// Runs a relay with two clients that have been greeted.
    private func run(
        _ configure: @escaping (inout Settings) -> Void = { _ in },
        _ body: (LiveRelay, Peer, Peer) async throws -> Void
    ) async throws {
        try await LiveRelay.run(
            scripts: ["a.lua": Self.script],
            {
                $0.framing = .length
                configure(&$0)
            }
        ) { relay in
            let (ana, bia) = (try relay.connect(), try relay.connect())
            for peer in [ana, bia] { #expect(peer.receiveFrame() == "length\ntcp") }
            try await body(relay, ana, bia)
        }
    }

    @Test func `texts arrive as they were sent, however the bytes were cut`() async throws {
        try await self.run { _, ana, bia in
            let texts = ["oi", "two\nlines\r\n", "", String(repeating: "x", count: 60_000), "\u{0}"]
            let bytes = texts.flatMap(Peer.frame)
            ana.send(bytes)
            for piece in [bytes.prefix(3), bytes.dropFirst(3).prefix(5), bytes.dropFirst(8)] { ana.send(Array(piece)) }
            for text in texts + texts where !text.isEmpty { #expect(bia.receiveFrame() == text) }
        }
    }

    @Test func `a text over the limit is answered with a frame, and the next one is heard`() async throws {
        try await self.run({ $0.limits.messageBytes = 100 }) { _, ana, bia in
            ana.send(Peer.frame(String(repeating: "x", count: 300_000)) + Peer.frame("oi"))
            #expect(ana.receiveFrame() == "host:\ntoo_long")
            #expect(bia.receiveFrame() == "oi")
        }
    }

    @Test func `a frame that is not complete at the end of input is dropped`() async throws {
        try await self.run { relay, ana, bia in
            ana.send(Peer.frame("oi") + Peer.frame("mais").dropLast())
            ana.finish()
            #expect(ana.receiveAll() == "")
            #expect(bia.receiveFrame() == "oi")
            try relay.console(shows: "Cliente desconectado: \(ana.name)")
            #expect(try await relay.relay.status().counters.messages == 1)
        }
    }

    @Test func `what the relay says at the end is framed, too`() async throws {
        var last: [Peer] = []
        try await self.run({ $0.limits.clients = 2 }) { relay, ana, bia in
            let late = try relay.connect()
            #expect(late.receiveFrame() == "host:\nfull")
            #expect(late.receiveAll() == "")
            last = [ana, bia]
        }
        for peer in last {
            #expect(peer.receiveFrame() == "host:\nshutdown")
            #expect(peer.receiveAll() == "")
        }
    }
}

extension Peer {
    /// A text behind its length.
    fileprivate static func frame(_ text: String) -> [UInt8] {
        withUnsafeBytes(of: UInt32(text.utf8.count).bigEndian) { Array($0) } + Array(text.utf8)
    }

    /// Reads a length and a text; nil at the end.
    fileprivate func receiveFrame() -> String? {
        guard let header = self.receive(exactly: 4) else { return nil }
        let length = header.reduce(0) { $0 << 8 | Int($1) }
        return self.receive(exactly: length).map { String(decoding: $0, as: UTF8.self) }
    }

    private func receive(exactly count: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let more = self.receiveBytes(count - bytes.count)
            guard !more.isEmpty else { return nil }
            bytes += more
        }
        return bytes
    }
}
