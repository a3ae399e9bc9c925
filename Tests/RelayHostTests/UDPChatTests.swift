// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import HostSettings
import RelayCore
import TestSupport
import Testing
import WireFormats

@testable import RelayHost

/// The UDP chat over real sockets.
@Suite(.timeLimit(.minutes(15))) struct UDPChatTests {
    private let hello = "Novo participante no chat."

    @Test func `one hook may answer clients of both transports`() async throws {
        let script = """
            relay.on("message", function(m)
              for _, client in ipairs(relay.clients()) do client:send("para " .. client.transport) end
              return false
            end)
            """
        try await LiveRelay.run(
            scripts: ["a.lua": script],
            {
                $0.udp = [Endpoint(host: "127.0.0.1", port: 0)]
                $0.framing = .length
            }
        ) { relay in
            let ana = try relay.connect()
            try relay.console(shows: "Cliente conectado: \(ana.name)")
            let bia = try relay.datagrams()
            for _ in 0..<3 {
                // Long enough for what a new client is sent.
                bia.send("quem está aí?")
                #expect(bia.receive() == "para udp")
                #expect(ana.receive() == "\0\0\0\u{8}para tcp")
            }
        }
    }

    @Test func `the report's conversation, to the byte`() async throws {
        try await LiveRelay.run({ $0.udp = [Endpoint(host: "127.0.0.1", port: 0)] }) { relay in
            let ana = try relay.datagrams()
            ana.send(self.hello)
            try relay.console(shows: "Mensagem recebida de \(ana.name)")
            let bia = try relay.datagrams()
            bia.send(self.hello)
            #expect(ana.receiveBytes() == Array("\(bia.name) disse: Novo participante no chat.".utf8))
            bia.send("Olá, tudo bem?")
            #expect(ana.receive() == "\(bia.name) disse: Olá, tudo bem?")
            ana.send("Tudo bem, e com você?")
            #expect(bia.receive() == "\(ana.name) disse: Tudo bem, e com você?")
            bia.send("Também")
            #expect(ana.receive() == "\(bia.name) disse: Também")
            let expected = """
                Servidor TCP aguardando conexões...
                Servidor UDP aguardando mensagens...
                Mensagem recebida de \(ana.name)
                Novo participante no chat.
                Mensagem recebida de \(bia.name)
                Novo participante no chat.
                Enviando mensagem para \(ana.name)
                Mensagem recebida de \(bia.name)
                Olá, tudo bem?
                Enviando mensagem para \(ana.name)
                Mensagem recebida de \(ana.name)
                Tudo bem, e com você?
                Enviando mensagem para \(bia.name)
                Mensagem recebida de \(bia.name)
                Também
                Enviando mensagem para \(ana.name)

                """
            try poll("the console shows all") { relay.consoleText.utf8.count >= expected.utf8.count }
            #expect(relay.consoleText == expected)
        }
    }

    @Test(arguments: ["127.0.0.1", "::1"])
    func `a ping is answered, joins nobody and gets nothing else`(host: String) async throws {
        try await LiveRelay.run({ $0.udp = [Endpoint(host: host, port: 0)] }) { relay in
            let monitor = try relay.datagrams(host)
            monitor.send("ping")
            #expect(monitor.receive() == "ping")
            try relay.console(shows: "Mensagem recebida de \(monitor.name)")
            let ana = try relay.datagrams(host)
            let bia = try relay.datagrams(host)
            ana.send(self.hello)
            bia.send(self.hello)
            #expect(ana.receive() == "\(bia.name) disse: \(self.hello)")
            // A member's ping is one, too.
            ana.send("ping")
            #expect(ana.receive() == "ping")
            ana.send("depois")
            #expect(bia.receive() == "\(ana.name) disse: depois")
            #expect(!monitor.hasMail)
            try poll("the console shows the member's ping") {
                relay.consoleText.contains("Mensagem recebida de \(ana.name)\nping\nMensagem")
            }
        }
    }

    @Test(arguments: ["127.0.0.1", "::1"])
    func `a peer whose port is closed is removed at once, and the others talk on`(host: String) async throws {
        let scripts = ["a.lua": "relay.on('disconnect', function(c, why) relay.log.warn('gone: ' .. why) end)"]
        try await LiveRelay.run(scripts: scripts, { $0.udp = [Endpoint(host: host, port: 0)] }) { relay in
            let people = try (0..<5).map { _ in try relay.datagrams(host) }
            for (count, person) in people.enumerated() {
                person.send(self.hello)
                for other in people[..<count] { #expect(other.receive() == "\(person.name) disse: \(self.hello)") }
            }
            // Two at once.
            people[3].close()
            people[4].close()
            people[0].send("ainda aí?")
            #expect(people[1].receive() == "\(people[0].name) disse: ainda aí?")
            #expect(people[2].receive() == "\(people[0].name) disse: ainda aí?")
            try poll("both are removed") { relay.log.entries.count { $0.message == "gone: unreachable" } == 2 }
            try poll("the console says so twice") {
                relay.consoleText.components(separatedBy: "Erro ao receber mensagem.\n").count == 3
            }
            people[1].send("sim")
            #expect(people[0].receive() == "\(people[1].name) disse: sim")
            #expect(people[2].receive() == "\(people[1].name) disse: sim")
            let recipients = [people[0], people[2]].map { "Enviando mensagem para \($0.name)\n" }.joined()
            try poll("the console lists those who are left") { relay.consoleText.hasSuffix("sim\n\(recipients)") }
        }
    }

    @Test func `one of a hundred vanishes, and no text of the others is lost`() async throws {
        try await LiveRelay.run({ $0.udp = [Endpoint(host: "127.0.0.1", port: 0)] }) { relay in
            let people = try (0..<100).map { _ in try relay.datagrams() }
            for person in people { person.send(self.hello) }
            // The last one has arrived at everybody else: then all are in.
            let last = try #require(people.last)
            for person in people.dropLast() {
                while person.receive() != "\(last.name) disse: \(self.hello)" {}
            }
            people[50].close()
            for round in 0..<20 { people[0].send("texto \(round)") }
            for person in people[1...] where person.descriptor >= 0 {
                for round in 0..<20 { #expect(person.receive() == "\(people[0].name) disse: texto \(round)") }
            }
            try relay.console(shows: "Erro ao receber mensagem.")
        }
    }

    @Test func `sair leaves, and the next text joins anew`() async throws {
        let scripts = [
            "a.lua": """
            relay.on("connect", function(c) relay.log.warn("in " .. c.id .. " " .. c.room) end)
            relay.on("disconnect", function(c, why) relay.log.warn("out " .. c.id .. " " .. why) end)
            """
        ]
        try await LiveRelay.run(scripts: scripts, { $0.udp = [Endpoint(host: "127.0.0.1", port: 0)] }) { relay in
            let ana = try relay.datagrams()
            let bia = try relay.datagrams()
            ana.send("oi")
            bia.send("oi")
            #expect(ana.receive() == "\(bia.name) disse: oi")
            bia.send("/sair")
            // In the same tick or later: the address joins anew.
            bia.send("voltei")
            #expect(ana.receive() == "\(bia.name) disse: voltei")
            bia.send("de vez")
            #expect(ana.receive() == "\(bia.name) disse: de vez")
            #expect(
                relay.log.entries.map(\.message).filter { $0.hasPrefix("in ") || $0.hasPrefix("out ") }
                    == ["in 1 udp", "in 2 udp", "out 2 left", "in 3 udp"]
            )
        }
    }

    @Test func `a script closes a client, and moves others between rooms`() async throws {
        let scripts = [
            "a.lua": """
            relay.on("message", function(m)
              if m.text == "fora" then
                m.sender:send("tchau")
                m.sender:close("thrown out")
                return false
              end
              if m.text == "sala" then m.sender.room = "sala" end
            end)
            """
        ]
        try await LiveRelay.run(scripts: scripts, { $0.udp = [Endpoint(host: "127.0.0.1", port: 0)] }) { relay in
            let ana = try relay.datagrams()
            let bia = try relay.datagrams()
            let caio = try relay.datagrams()
            for person in [ana, bia, caio] { person.send("oi") }
            #expect(ana.receive() == "\(bia.name) disse: oi")
            #expect(ana.receive() == "\(caio.name) disse: oi")
            #expect(bia.receive() == "\(caio.name) disse: oi")
            caio.send("fora")
            #expect(caio.receive() == "tchau")
            bia.send("sala")
            ana.send("sala")
            #expect(bia.receive() == "\(ana.name) disse: sala")
            #expect(!caio.hasMail)
        }
    }

    @Test func `who is silent for too long is told, and removed`() async throws {
        let scripts = [
            "a.lua": """
            relay.on("system_message", function(c, kind) return kind end)
            relay.on("disconnect", function(c, why) relay.log.warn("out " .. why) end)
            """
        ]
        let configure = { (settings: inout Settings) in
            settings.udp = [Endpoint(host: "127.0.0.1", port: 0)]
            settings.limits.idleTime = .milliseconds(400)
        }
        try await LiveRelay.run(scripts: scripts, configure) { relay in
            let ana = try relay.datagrams()
            ana.send("oi a todos")
            #expect(ana.receive() == "idle")
            try poll("it is out") { relay.log.entries.contains { $0.message == "out idle" } }
        }
    }

    @Test(arguments: ["0.0.0.0", "::"])
    func `bound to all addresses it answers from the one that was asked`(all: String) async throws {
        try await LiveRelay.run({ $0.udp = [Endpoint(host: all, port: 0)] }) { relay in
            for host in ["127.0.0.2", "127.0.0.3"] {
                let monitor = try relay.datagrams(host)
                monitor.send("ping")
                let (bytes, from, _) = monitor.receiveFrom()
                #expect(bytes == Array("ping".utf8))
                #expect(from == host)
                let ana = try relay.datagrams(host)
                let bia = try relay.datagrams(host)
                ana.send("oi")
                // A ping in between shows that the first one is in.
                ana.send("ping")
                #expect(ana.receive() == "ping")
                bia.send("olá")
                let heard = ana.receiveFrom()
                #expect(String(decoding: heard.bytes, as: UTF8.self).hasSuffix("disse: olá"))
                #expect(heard.host == host)
                for person in [ana, bia] { person.send("/sair") }
            }
        }
    }

    @Test func `it answers from the address that a member asked last`() async throws {
        try await LiveRelay.run({ $0.udp = [Endpoint(host: "0.0.0.0", port: 0)] }) { relay in
            let ana = try DatagramPeer(to: relay.relayPorts[0], host: "127.0.0.2", from: "127.0.0.1")
            ana.send("oi")
            for host in ["127.0.0.2", "127.0.0.3", "127.0.0.2"] {
                ana.send("ping", to: host)
                #expect(ana.receiveFrom().host == host)
            }
        }
    }

    @Test(arguments: ["0.0.0.0", "::"])
    func `who asks a whole network is answered, from an address of the relay's own`(host: String) async throws {
        try await LiveRelay.run({ $0.udp = [Endpoint(host: host, port: 0)] }) { relay in
            let ana = try DatagramPeer(to: relay.relayPorts[0], host: "127.255.255.255", from: "127.0.0.1")
            ana.send("oi")
            ana.send("ping")
            let answer = ana.receiveFrom()
            #expect(answer.bytes == Array("ping".utf8))
            #expect(answer.host == "127.0.0.1")
        }
    }

    @Test func `a socket of both families shows IPv4 clients as what they are`() async throws {
        try await LiveRelay.run({ $0.udp = [Endpoint(host: "::", port: 0)] }) { relay in
            let four = try relay.datagrams("127.0.0.1")
            let six = try relay.datagrams("::1")
            four.send("oi")
            four.send("ping")
            #expect(four.receive() == "ping")
            six.send("olá")
            #expect(four.receive() == "('::1', \(six.port)) disse: olá")
            four.send("tudo bem?")
            #expect(six.receive() == "('127.0.0.1', \(four.port)) disse: tudo bem?")
            // Its ICMP errors are IPv4's.
            four.close()
            six.send("alô?")
            try relay.console(shows: "Erro ao receber mensagem.")
        }
    }

    @Test func `several addresses serve one chat`() async throws {
        let doors = [Endpoint(host: "127.0.0.1", port: 0), Endpoint(host: "::1", port: 0)]
        try await LiveRelay.run({ $0.udp = doors }) { relay in
            let ports = relay.relayPorts
            let ana = try DatagramPeer(to: ports[0])
            let bia = try DatagramPeer(to: ports[1], host: "::1")
            ana.send("oi")
            ana.send("ping")
            #expect(ana.receive() == "ping")
            bia.send("olá")
            #expect(ana.receive() == "\(bia.name) disse: olá")
            ana.send("tchau")
            #expect(bia.receive() == "\(ana.name) disse: tchau")
        }
    }

    @Test func `the last words of a stopping relay arrive`() async throws {
        let scripts = ["a.lua": "relay.on('system_message', function(c, kind) return 'até logo, ' .. kind end)"]
        let ana = try await Self.stopped(scripts)
        #expect(ana.receive() == "até logo, shutdown")
    }

    private static func stopped(_ scripts: [String: String]) async throws -> DatagramPeer {
        var peer: DatagramPeer?
        try await LiveRelay.run(scripts: scripts, { $0.udp = [Endpoint(host: "127.0.0.1", port: 0)] }) { relay in
            let ana = try relay.datagrams()
            ana.send("oi a todos que estão aqui")
            ana.send("ping")
            #expect(ana.receive() == "ping")
            peer = ana
        }
        return try #require(peer)
    }

    @Test func `the bridge puts TCP and UDP clients together`() async throws {
        let example = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("examples/bridge").path
        let configure = { (settings: inout Settings) in
            settings.udp = [Endpoint(host: "127.0.0.1", port: 0)]
            settings.scripts = example
        }
        try await LiveRelay.run(configure) { relay in
            let tcp = try relay.connect()
            try relay.console(shows: "Cliente conectado: \(tcp.name)")
            let udp = try relay.datagrams()
            udp.send("oi de UDP")
            try tcp.waits(for: "\(udp.name) disse: oi de UDP")
            tcp.send("oi de TCP")
            #expect(udp.receive() == "\(tcp.name) disse: oi de TCP")
        }
    }
}

extension LiveRelay {
    /// The ports of its UDP addresses.
    var relayPorts: [Int] { self.addresses.udp.map(\.port) }

    /// A UDP client of its first UDP address.
    func datagrams(_ host: String = "127.0.0.1") throws -> DatagramPeer {
        try DatagramPeer(to: self.relayPorts.first ?? 0, host: host)
    }
}
