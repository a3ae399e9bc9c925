// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import HostSettings
import Logging
import LuaScripting
import RelayCore
import TestSupport
import Testing

@testable import RelayHost
@testable import RelayTransport

#if canImport(Glibc)
import Glibc
#endif

/// What strangers can throw at a UDP socket.
@Suite(.timeLimit(.minutes(15))) struct UDPBadInputTests {
    /// Runs a relay on a UDP port, stops it, and returns what it logged.
    private func run(
        _ script: String = "",
        _ configure: (inout Settings) -> Void = { _ in },
        _ body: (LiveRelay) async throws -> Void
    ) async throws -> LogRecord {
        var log: LogRecord?
        let configure = { (settings: inout Settings) in
            settings.udp = [Endpoint(host: "127.0.0.1", port: 0)]
            configure(&settings)
        }
        try await LiveRelay.run(scripts: ["a.lua": script], configure) { relay in
            log = relay.log
            try await body(relay)
        }
        return try #require(log)
    }

    /// Waits until what was sent before has been dealt with: a ping comes after it.
    private func settle(_ peer: DatagramPeer) {
        peer.send("ping")
        #expect(peer.receive() == "ping")
    }

    @Test func `empty datagrams are no messages and let nobody in`() async throws {
        let log = try await self.run { relay in
            let ana = try relay.datagrams()
            let stranger = try relay.datagrams()
            ana.send("oi")
            self.settle(ana)
            stranger.send([])
            self.settle(stranger)
            ana.send([])
            ana.send("olá")
            self.settle(ana)
            #expect(!stranger.hasMail)
            #expect(!relay.consoleText.contains("\n\n"))
        }
        #expect(log.number("datagrams.empty") == 2)
        #expect(log.number("messages.received") == 2)
    }

    @Test func `a longest datagram is taken whole, but datagrams to others stay short`() async throws {
        let script = """
            relay.on("connect", function(c) c.room = "chat" end)
            relay.on("system_message", function(c, kind) return kind end)
            """
        let log = try await self.run(script) { relay in
            let tcp = try relay.connect()
            try relay.console(shows: "Cliente conectado: \(tcp.name)")
            let ana = try relay.datagrams()
            let bia = try relay.datagrams()
            for person in [ana, bia] { person.send("oi a todos") }
            #expect(ana.receive() == "\(bia.name) disse: oi a todos")
            let longest = String(repeating: "x", count: 65_507)
            bia.send(longest)
            try tcp.waits(for: longest)
            #expect(bia.receive() == "too_long")
            // 1,400 bytes still go, 1,401 do not.
            let name = "\(bia.name) disse: "
            let fitting = String(repeating: "y", count: 1_400 - name.utf8.count)
            bia.send(fitting + "y")
            #expect(bia.receive() == "too_long")
            bia.send(fitting)
            #expect(ana.receive() == name + fitting)
        }
        #expect(log.number("texts.too_long") == 2)
    }

    @Test func `bytes that are not UTF-8 reach the others as replacement characters`() async throws {
        _ = try await self.run { relay in
            let ana = try relay.datagrams()
            let bia = try relay.datagrams()
            ana.send("oi")
            self.settle(ana)
            bia.send([0x6F, 0xFF, 0x00, 0x69])
            #expect(ana.receive() == "\(bia.name) disse: o\u{FFFD}\u{FFFD}i")
        }
    }

    @Test func `a datagram over the message limit is refused, and admits nobody`() async throws {
        let script = "relay.on('system_message', function(c, kind) return kind end)"
        let log = try await self.run(script, { $0.limits.messageBytes = 40 }) { relay in
            let ana = try relay.datagrams()
            let bia = try relay.datagrams()
            ana.send("oi a todos")
            self.settle(ana)
            bia.send(String(repeating: "x", count: 41))
            self.settle(bia)
            ana.send(String(repeating: "x", count: 41))
            #expect(ana.receive() == "too_long")
            ana.send(String(repeating: "x", count: 40))
            self.settle(ana)
            #expect(!bia.hasMail)
        }
        #expect(log.number("datagrams.truncated") == 2)
        #expect(log.number("messages.received") == 2)
    }

    /// Whether this process may make up datagrams.
    static let mayForge: Bool = {
        let raw = socket(AF_INET, Int32(SOCK_RAW.rawValue), Int32(IPPROTO_UDP))
        if raw >= 0 { close(raw) }
        return raw >= 0
    }()

    /// Sends an IPv4 packet's contents from 127.0.0.1 to 127.0.0.1.
    private func forge(_ transport: Int, _ bytes: [UInt8]) throws {
        let raw = socket(AF_INET, Int32(SOCK_RAW.rawValue), Int32(transport))
        try #require(raw >= 0)
        defer { close(raw) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let sent = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                bytes.withUnsafeBytes {
                    sendto(raw, $0.baseAddress, $0.count, 0, name, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        #expect(sent == bytes.count)
    }

    private func word(_ number: Int) -> [UInt8] { [UInt8(number >> 8 & 0xFF), UInt8(number & 0xFF)] }

    /// A UDP datagram without a checksum (RFC 768).
    private func datagram(from: Int, to: Int, _ text: String) -> [UInt8] {
        self.word(from) + self.word(to) + self.word(8 + text.utf8.count) + [0, 0] + Array(text.utf8)
    }

    @Test(.enabled(if: Self.mayForge, "not permitted to open a raw socket"))
    func `datagrams from port zero and in the relay's own name are counted, and the socket goes on`() async throws {
        let log = try await self.run { relay in
            let port = relay.relayPorts[0]
            try self.forge(Int(IPPROTO_UDP), self.datagram(from: 0, to: port, "oi de lugar nenhum"))
            // It would answer itself for ever.
            try self.forge(Int(IPPROTO_UDP), self.datagram(from: port, to: port, "ping"))
            self.settle(try relay.datagrams())
        }
        let bad = log.entries.last { $0.message == "stopped" }?.metadata["datagrams.bad_source"]
        #expect(bad == "1 (own_address), 1 (port_zero)")
        #expect(log.number("clients.connected") == 0)
        #expect(log.number("pings.answered") == 1)
    }

    @Test(.enabled(if: Self.mayForge, "not permitted to open a raw socket"))
    func `a forged report removes nobody who was sent nothing`() async throws {
        let log = try await self.run { relay in
            let port = relay.relayPorts[0]
            let ana = try relay.datagrams()
            ana.send("oi")
            self.settle(ana)
            let bia = try relay.datagrams()
            bia.send("oi")
            #expect(ana.receive() == "\(bia.name) disse: oi")
            // ICMP port unreachable (RFC 792), quoting a datagram that the relay never sent to bia.
            let quoted: [UInt8] =
                [0x45, 0] + self.word(30) + [0, 0, 0x40, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]
            var report: [UInt8] = [3, 3, 0, 0, 0, 0, 0, 0] + quoted + self.datagram(from: port, to: bia.port, "oi")
            let sum = Packet.checksum(report)
            report.replaceSubrange(2..<4, with: self.word(Int(sum)))
            try self.forge(Int(IPPROTO_ICMP), report)
            self.settle(ana)
            ana.send("ainda aí?")
            #expect(bia.receive() == "\(ana.name) disse: ainda aí?")
        }
        #expect(log.number("members.unreachable") == 0)
        #expect(log.number("clients.connected") == 2)
    }

    @Test(arguments: [false, true])
    func `so many pings of one address are answered in a second and no more`(isMember: Bool) async throws {
        let log = try await self.run { relay in
            let peer = try relay.datagrams()
            if isMember { peer.send("oi") }
            for _ in 0..<1_000 { peer.send("ping") }
            // A second later they are answered again.
            try poll("an answer in a later second") {
                peer.send("ping")
                return peer.hasMail && peer.receive() == "ping" && !peer.hasMail
            }
        }
        #expect((log.number("pings.refused") ?? 0) > 0)
    }

    @Test func `members that vanish are counted once each, and their last words do not bring them back`() async throws {
        let log = try await self.run { relay in
            let ana = try relay.datagrams()
            ana.send("oi")
            self.settle(ana)
            for number in 0..<20 {
                let bia = try relay.datagrams()
                bia.send("oi")
                #expect(ana.receive() == "\(bia.name) disse: oi")
                // What ana says next finds nobody, and bia's last words may be dealt with after that.
                bia.send("tchau")
                bia.close()
                ana.send("texto \(number)")
                #expect(ana.receive() == "\(bia.name) disse: tchau")
                self.settle(ana)
                ana.send("de novo")
                self.settle(ana)
            }
            try poll("all are gone") {
                relay.consoleText.components(separatedBy: "Erro ao receber mensagem.\n").count == 21
            }
        }
        #expect(log.number("members.unreachable") == 20)
        #expect(log.number("clients.connected") == 21)
    }

    @Test func `a flood from ever new addresses does not keep anybody out`() async throws {
        let log = try await self.run("", { $0.limits.clients = 3 }) { relay in
            let ana = try relay.datagrams()
            ana.send("oi")
            ana.send("de novo")
            self.settle(ana)
            let strangers = try (0..<20).map { _ in try relay.datagrams() }
            for (number, stranger) in strangers.enumerated() {
                stranger.send("número \(number)")
                #expect(ana.receive() == "\(stranger.name) disse: número \(number)")
            }
            let bia = try relay.datagrams()
            bia.send("eu também")
            #expect(ana.receive() == "\(bia.name) disse: eu também")
            // A TCP client, too, comes before addresses that nobody may be behind.
            let tcp = try relay.connect()
            try relay.console(shows: "Cliente conectado: \(tcp.name)")
        }
        #expect(log.number("clients.refused") == 0)
        // The first two found a place; then one went for each that came.
        #expect(log.number("clients.replaced") == 20)
    }

    @Test func `members that speak are never replaced, and a newcomer is told`() async throws {
        let script = "relay.on('system_message', function(c, kind) return kind .. ', e mais do que ele disse' end)"
        let log = try await self.run(script, { $0.limits.clients = 2 }) { relay in
            let people = [try relay.datagrams(), try relay.datagrams()]
            for person in people {
                person.send("oi")
                person.send("de novo")
                person.send("ping")
            }
            #expect(people[1].receive() == "ping")
            let late = try relay.datagrams()
            late.send("e eu?")
            // No longer than what it sent.
            #expect(late.receive() == "full,")
        }
        #expect(log.number("clients.refused") == 1)
        #expect(log.number("answers.cut") == 1)
    }

    @Test func `so many join in a second and no more`() async throws {
        let log = try await self.run("", { $0.limits.joinsPerSecond = 5 }) { relay in
            let people = try (0..<50).map { _ in try relay.datagrams() }
            for person in people { person.send("oi") }
            self.settle(people[49])
        }
        let joined = log.number("clients.connected") ?? 0
        let refused = log.number("joins.refused") ?? 0
        #expect(joined >= 5)
        #expect(refused > 0)
        #expect(joined + refused == 50)
        #expect(log.entries.contains { $0.message == "datagrams lost or refused" })
    }

    @Test func `what comes faster than it is dealt with is dropped by the kernel, and counted`() async throws {
        let script = """
            relay.on("message", function(m)
              if m.text ~= "devagar" then return false end
              local start = os.time()
              while os.time() < start + 2 do end
            end)
            """
        let configure = { (settings: inout Settings) in
            settings.limits.endpointInputBytes = 1
            settings.luaLimits.hooks.cpuTime = .seconds(20)
            settings.luaLimits.hooks.instructions = 100_000_000_000
        }
        let count = 40_000
        var pings = 0
        let log = try await self.run(script, configure) { relay in
            let ana = try relay.datagrams()
            ana.send("devagar")
            for _ in 0..<count { ana.send(String(repeating: "x", count: 1_000)) }
            // The first ping may be dropped, too.
            try poll("a ping is answered") {
                ana.send("ping")
                pings += 1
                return ana.hasMail
            }
        }
        let received = log.number("datagrams.received") ?? 0
        let dropped = log.number("datagrams.dropped_by_kernel") ?? 0
        #expect(dropped > 0)
        #expect((count + 2...count + 1 + pings).contains(received + dropped))
        #expect(
            log.entries.contains {
                $0.message == "datagrams lost or refused" && $0.metadata["datagrams.dropped_by_kernel"] != nil
            }
        )
    }

    @Test func `nothing longer than what they sent goes to those who have not joined`() async throws {
        let script = """
            relay.on("ping", function(text, from) if text:find("^eco") then return text .. text .. text end end)
            """
        let log = try await self.run(script) { relay in
            let stranger = try relay.datagrams()
            stranger.send("eco!")
            #expect(stranger.receive() == "eco!")
            // Not half of a character.
            stranger.send("ecoé")
            #expect(stranger.receive() == "ecoé")
            stranger.send("eco€")
            #expect(stranger.receive() == "eco€")
        }
        #expect(log.number("answers.cut") == 3)
        #expect(
            log.entries.contains { $0.level == .error && $0.message.hasPrefix("scripts sent more than a new address") }
        )
    }

    @Test func `scripts send at most three times as much to whoever has spoken only once`() async throws {
        let script = """
            relay.on("message", function(m)
              m.sender:send(("a"):rep(30))
              relay.log.warn(tostring(m.sender:send("b")))
              relay.log.warn(tostring(relay.send(relay.everyone, "c")))
            end)
            """
        let log = try await self.run(script) { relay in
            let ana = try relay.datagrams()
            ana.send("0123456789")
            #expect(ana.receive() == String(repeating: "a", count: 30))
            self.settle(ana)
            // The second text proves that it is there.
            ana.send("ok")
            #expect(ana.receive() == String(repeating: "a", count: 30))
            #expect(ana.receive() == "b")
            #expect(ana.receive() == "c")
        }
        let answers = log.entries.map(\.message).filter { ["true", "false", "0", "1"].contains($0) }
        #expect(answers.suffix(2) == ["true", "1"])
        #expect(answers.prefix(2) == ["false", "0"])
    }
}

extension LogRecord {
    /// A number that the last message, which is that of the end, tells.
    func number(_ key: String) -> Int? {
        self.entries.last { $0.message == "stopped" }?.metadata[key].flatMap { Int("\($0)") }
    }
}
