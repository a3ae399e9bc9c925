// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import HostSettings
import LineOutput
import RelayCore
import TestSupport
import Testing
import WireFormats

@testable import RelayHost

/// The stock chat over real sockets.
@Suite(.timeLimit(.minutes(15))) struct TCPChatTests {
    @Test func `a raw client's text reaches the other to the byte, and never the sender`() async throws {
        try await LiveRelay.run { relay in
            let ana = try relay.connect()
            let bia = try relay.connect()
            try relay.console(shows: "Cliente conectado: \(bia.name)")
            bia.send("Olá!")
            let expected = "\(bia.name) disse: Olá!"
            #expect(ana.receiveBytes() == Array(expected.utf8))
            ana.send("Olá! Tudo, e com você?")
            #expect(bia.receive() == "\(ana.name) disse: Olá! Tudo, e com você?")
            ana.send("/sair")
            #expect(ana.receive() == "")
            try relay.console(shows: "Cliente desconectado: \(ana.name)")
            #expect(
                relay.consoleText == """
                    Servidor TCP aguardando conexões...
                    Cliente conectado: \(ana.name)
                    Cliente conectado: \(bia.name)
                    \(bia.name) disse: Olá!
                    \(ana.name) disse: Olá! Tudo, e com você?
                    Cliente desconectado: \(ana.name)

                    """
            )
        }
    }

    @Test func `the first line end makes a connection line-framed in both directions`() async throws {
        try await LiveRelay.run { relay in
            let raw = try relay.connect()
            let line = try relay.connect()
            try relay.console(shows: "Cliente conectado: \(line.name)")
            line.send("\n")
            line.send("um\r\ndois\n\ntr")
            let start = "\(line.name) disse: "
            var heard = ""
            while heard.utf8.count < "\(start)um\(start)dois".utf8.count { heard += raw.receive() }
            #expect(heard == "\(start)um\(start)dois")
            // A partial line is delivered after silence.
            #expect(raw.receive() == "\(start)tr")
            raw.send("a\nb")
            raw.send("\r\n")
            try line.waits(for: "\(raw.name) disse: b\n")
        }
    }

    @Test func `a line break in a raw text cannot forge a second message`() async throws {
        try await LiveRelay.run({ $0.framing = .raw }) { relay in
            let ana = try relay.connect()
            let bia = try relay.connect()
            try relay.console(shows: "Cliente conectado: \(bia.name)")
            ana.send("oi\nforged\r\n")
            #expect(bia.receive() == "\(ana.name) disse: oi forged ")
            try relay.console(shows: "\(ana.name) disse: oi\\nforged\\r\\n")
        }
        try await LiveRelay.run(
            scripts: ["a.lua": "relay.on('message', function(m) return (m.text:gsub('_', '\\n')) end)"],
            { $0.framing = .line }
        ) { relay in
            let ana = try relay.connect()
            let bia = try relay.connect()
            try relay.console(shows: "Cliente conectado: \(bia.name)")
            ana.send("oi_forged\n")
            #expect(bia.receive() == "\(ana.name) disse: oi forged\n")
        }
    }

    @Test func `a line that waits for a slow hook is not cut in two`() async throws {
        // Every line takes its time, so that silence would seem to come while the rest of a line is still unread.
        let script = """
            relay.on("message", function(m) local x = 0 for i = 1, 20000 do x = x + i end end)
            """
        try await LiveRelay.run(
            scripts: ["slow.lua": script],
            {
                $0.limits.silence = .milliseconds(1)
                $0.limits.inputBytes = 4_096
            }
        ) { relay in
            let ana = try relay.connect()
            let bia = try relay.connect()
            bia.send("\n")
            try relay.console(shows: "Cliente conectado: \(bia.name)")
            let lines = (0..<300).map { "\($0) " + String(repeating: "z", count: 1_000) }
            ana.send(Array(("\n" + lines.joined(separator: "\n") + "\nfim\n").utf8))
            var heard = ""
            while !heard.hasSuffix("disse: fim\n") {
                let more = bia.receive()
                guard !more.isEmpty else { break }
                heard += more
            }
            #expect(heard == (lines + ["fim"]).map { "\(ana.name) disse: \($0)\n" }.joined())
        }
    }

    @Test func `connections that come as the relay stops do not hold it up`() async throws {
        for _ in 0..<5 {
            try await LiveRelay.run { relay in
                let peers = try (0..<40).map { _ in try relay.connect() }
                try await relay.relay.stop()
                for peer in peers { #expect(peer.receiveAll() == "") }
                #expect(relay.log.entries.contains { $0.message == "stopped" })
            }
        }
    }

    @Test func `a partial line is delivered at the end of input, but not with strict framing`() async throws {
        for (framing, isHeard) in [(WireFormat.auto, true), (.line, false)] {
            try await LiveRelay.run({ $0.framing = framing }) { relay in
                let ana = try relay.connect()
                let bia = try relay.connect()
                try relay.console(shows: "Cliente conectado: \(bia.name)")
                bia.send("um\ndois")
                bia.finish()
                try relay.console(shows: "Cliente desconectado: \(bia.name)")
                #expect(relay.consoleText.contains("disse: dois") == isHeard)
                #expect(bia.receiveAll() == "")
                _ = ana
            }
        }
    }

    @Test func `whoever leaves with a reset is reported and the others chat on`() async throws {
        try await LiveRelay.run { relay in
            let ana = try relay.connect()
            let bia = try relay.connect()
            let caio = try relay.connect()
            try relay.console(shows: "Cliente conectado: \(caio.name)")
            let name = caio.name
            caio.reset()
            try relay.console(shows: "Cliente desconectado: \(name)")
            ana.send("oi")
            #expect(bia.receive() == "\(ana.name) disse: oi")
        }
    }

    @Test func `it listens on IPv6 and on names`() async throws {
        try await LiveRelay.run({ $0.tcp = [Endpoint(host: "::1", port: 0)] }) { relay in
            let ana = try Peer(port: relay.port, host: "::1")
            let bia = try Peer(port: relay.port, host: "::1")
            try relay.console(shows: "Cliente conectado: ('::1', \(bia.port))")
            ana.send("oi")
            #expect(bia.receive() == "('::1', \(ana.port)) disse: oi")
        }
        try await LiveRelay.run({ $0.tcp = [Endpoint(host: "localhost", port: 0)] }) { relay in
            let v4 = try #require(relay.addresses.tcp.first { $0.host == "127.0.0.1" })
            _ = try Peer(port: v4.port)
        }
    }

    @Test func `several addresses serve one chat`() async throws {
        let any = Endpoint(host: "127.0.0.1", port: 0)
        try await LiveRelay.run({ $0.tcp = [any, any] }) { relay in
            let ana = try Peer(port: relay.addresses.tcp[0].port)
            let bia = try Peer(port: relay.addresses.tcp[1].port)
            try relay.console(shows: "Cliente conectado: \(bia.name)")
            ana.send("oi")
            #expect(bia.receive() == "\(ana.name) disse: oi")
        }
    }

    @Test func `stopping tells everybody, sends what is unsent, and runs the last hooks`() async throws {
        let script = """
            relay.on("system_message", function(client, kind) return kind end)
            relay.on("disconnect", function(client, reason) print(reason) end)
            relay.on("stop", function() print("stop") end)
            """
        var ana: Peer?
        var log: LogRecord?
        try await LiveRelay.run(scripts: ["a.lua": script]) { relay in
            let peer = try relay.connect()
            try relay.console(shows: "Cliente conectado: \(peer.name)")
            ana = peer
            log = relay.log
        }
        #expect(ana?.receiveAll() == "shutdown")
        #expect(log?.entries.map(\.message).suffix(3) == ["shutdown", "stop", "stopped"])
    }

    @Test func `a door that asks for a password lets in who has it, and says why to who has not`() async throws {
        let script = """
            local tries = {}
            relay.on("admit", function(client, text)
              if not text then return "senha?" end
              if text == "sésamo" then return end
              tries[client] = (tries[client] or 0) + 1
              if tries[client] > 1 then return false, "basta" end
              return "não; senha?"
            end)
            """
        try await LiveRelay.run(scripts: ["a.lua": script]) { relay in
            let ana = try relay.connect()
            #expect(ana.receive() == "senha?")
            ana.send("abracadabra\n")
            #expect(ana.receive() == "não; senha?\n")
            ana.send("sésamo\r\n")
            try relay.console(shows: "Cliente conectado: \(ana.name)")
            let bia = try relay.connect()
            #expect(bia.receive() == "senha?")
            bia.send("a\nb\nc\n")
            #expect(bia.receiveAll() == "não; senha?\nbasta\n")
            ana.send("sozinha?\n")
            try relay.console(shows: "\(ana.name) disse: sozinha?")
            #expect(!relay.consoleText.contains("desconectado"))
            // One that is still asked when the relay stops keeps nobody waiting.
            let caio = try relay.connect()
            #expect(caio.receive() == "senha?")
        }
    }

    @Test func `everything sent and received is recorded in a file that can be followed`() async throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let path = "\(folder.path)/chat.pcap"
        let configure = { (settings: inout Settings) in
            settings.capture = path
            settings.udp = [Endpoint(host: "::1", port: 0)]
        }
        try await LiveRelay.run(configure) { relay in
            let ana = try relay.connect()
            let bia = try relay.connect()
            try relay.console(shows: "Cliente conectado: \(bia.name)")
            bia.send("Olá!")
            #expect(ana.receive() == "\(bia.name) disse: Olá!")
            let monitor = try relay.datagrams("::1")
            monitor.send("ping")
            #expect(monitor.receive() == "ping")
        }
        let bytes = try Array(Data(contentsOf: URL(fileURLWithPath: path)))
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.components(separatedBy: "Olá!").count == 3, "once received, once sent")
        #expect(text.components(separatedBy: "disse: Olá!").count == 2)
        #expect(text.components(separatedBy: "ping").count == 3)
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }
}
