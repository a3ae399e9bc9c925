// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Testing
import WireFormats

@testable import RelayCore

/// Who comes in, and what goes to those of whom little is known.
@Suite struct HubArrivalTests {
    // MARK: Admission

    @Test func `a client is named and connected once it is let in`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        #expect(stage.policy.takeCalls() == ["name 1", "connected 192.0.2.1:1"])
        #expect(!ana.client.isPendingAdmission)
    }

    @Test func `who is prompted hears nobody, is heard by nobody, and answers by its next text`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        stage.policy.onAdmit = { _, text in text == "abre-te" ? (nil, nil) : ("senha?", nil) }
        let bia = try #require(stage.tryJoin("bia"))
        #expect(bia.client.isPendingAdmission)
        #expect(stage.hub.clientCount == 1)
        ana.says("oi")
        bia.says("abracadabra")
        stage.endTick()
        #expect(bia.hears() == ["senha?senha?"])
        #expect(ana.hears() == [])
        bia.says("abre-te")
        ana.says("olá")
        bia.says("oi")
        stage.endTick()
        #expect(bia.hears() == ["olá"], "the answer itself goes to nobody")
        #expect(ana.hears() == ["oi"])
        #expect(
            stage.policy.takeCalls() == [
                "name 1", "connected 192.0.2.1:1", "admit 2: prompted after nothing", "relay ana: oi",
                "admit 2: prompted after abracadabra", "name 2", "connected bia", "relay ana: olá", "relay bia: oi",
            ]
        )
    }

    @Test func `a hub that admits no more asks the policy about nobody`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        stage.policy.onAdmit = { _, text in text == "abre-te" ? (nil, nil) : ("senha?", nil) }
        stage.policy.onSystemMessage = { _, occasion in occasion.rawValue }
        let bia = try #require(stage.tryJoin("bia"))
        _ = stage.policy.takeCalls()
        stage.hub.stopAdmitting()
        bia.says("abre-te")
        #expect(stage.tryJoin("caio") == nil)
        #expect(stage.tryJoin("dora", wire: .datagram(limit: 1_400), transport: .udp, saying: "abre-te") == nil)
        #expect(stage.hub.refuse(ClientOrigin(transport: .tcp, host: "192.0.2.9", port: 1), wire: .raw) == nil)
        #expect(stage.policy.takeCalls() == [])
        #expect(stage.hub.clients().map(\.id) == [ana.id])
        #expect(stage.hub.everybody.map(\.id) == [ana.id, bia.id], "those who are here are closed by the shutdown")
        #expect(stage.hub.counters.refused == 0)
    }

    @Test func `who is refused is told why, or what the policy says then, and was never connected`() throws {
        let stage = Stage()
        stage.policy.onAdmit = { client, _ in (nil, client.id == 1 ? "hoje não" : "") }
        stage.policy.onSystemMessage = { _, occasion in occasion.rawValue }
        let ana = try #require(stage.tryJoin("ana"))
        let bia = try #require(stage.tryJoin("bia"))
        stage.endTick()
        #expect(ana.ear.takeEvents() == [.wrote(Array("hoje não".utf8)), .closed])
        #expect(bia.ear.takeEvents() == [.wrote(Array("refused".utf8)), .closed])
        #expect(!ana.client.isOpen)
        #expect(stage.hub.counters.refused == 2)
        #expect(stage.hub.counters.connected == 0)
        let calls = stage.policy.takeCalls()
        #expect(calls.filter { $0.hasPrefix("turned away") } == ["turned away 1", "turned away 2"])
        #expect(!calls.contains { $0.hasPrefix("disconnected") || $0.hasPrefix("name") })
    }

    @Test func `a policy may close, name and move whom it is asked about`() throws {
        let stage = Stage { $0.rooms = 2 }
        stage.policy.onAdmit = { [unowned stage] client, _ in
            #expect(stage.hub.client(client.id) === client)
            switch client.id {
            case 1: stage.hub.close(client, reason: "no")
            default:
                #expect(stage.hub.move(client, to: "sala"))
                #expect(stage.hub.setDialect("alto", of: client))
            }
            return (nil, nil)
        }
        let ana = try #require(stage.tryJoin("ana"))
        #expect(!ana.client.isOpen)
        let bia = try #require(stage.tryJoin("bia"))
        #expect(bia.client.room.string == "sala")
        #expect(stage.hub.name(of: bia.client.dialect).string == "alto")
        #expect(stage.sends("oi", to: .room("sala")) == 1)
        #expect(stage.hub.clients(in: "tcp").isEmpty)
    }

    @Test func `those who wait to be let in count towards the clients limit, and go when they leave`() throws {
        let stage = Stage { $0.clients = 2 }
        stage.policy.onAdmit = { _, _ in ("senha?", nil) }
        let ana = try #require(stage.tryJoin("ana"))
        _ = try #require(stage.tryJoin("bia"))
        #expect(stage.tryJoin("caio") == nil)
        ana.leaves()
        #expect(stage.tryJoin("caio") != nil)
        #expect(stage.policy.takeCalls().contains("turned away 1"))
    }

    // MARK: Addresses that nobody may be behind

    @Test func `a client of datagrams gets at most three times what came in its name, until it has spoken twice`()
        throws
    {
        let stage = Stage()
        let ana = try #require(stage.datagrams("ana", saying: "0123456789"))
        #expect(!ana.isTold(String(repeating: "a", count: 31)))
        #expect(ana.isTold(String(repeating: "a", count: 29)))
        #expect(stage.sends("bb", to: .everyone) == 0)
        #expect(stage.sends("b", to: .everyone) == 1)
        #expect(!ana.isTold("c"))
        #expect(stage.hub.counters.withheld == 3)
        // A ping gives it more, but proves nothing.
        stage.policy.isPing = { _ in true }
        ana.says("ping")
        #expect(ana.isTold(String(repeating: "d", count: 12)))
        #expect(!ana.isTold("d"))
        stage.policy.isPing = { _ in false }
        ana.says("de novo")
        #expect(ana.client.amplificationAllowance == nil)
        #expect(ana.isTold(String(repeating: "e", count: 1_000)))
    }

    @Test func `what others say is not counted`() throws {
        let stage = Stage()
        let ana = try #require(stage.datagrams("ana", saying: "oi"))
        let bia = try #require(stage.datagrams("bia", saying: "oi"))
        bia.deliversSaid()
        bia.says("um texto de mais de seis bytes")
        stage.endTick()
        #expect(ana.texts() == ["um texto de mais de seis bytes"])
    }

    @Test func `a script's text goes to those who may have it, whoever else is in the room`() throws {
        let stage = Stage()
        let old = try stage.join("old")
        let new = try #require(stage.datagrams("new", saying: "0123456789"))
        #expect(stage.sends(String(repeating: "x", count: 25), to: .everyone) == 2)
        #expect(stage.sends(String(repeating: "y", count: 25), to: .everyone) == 1)
        #expect(stage.sends(String(repeating: "z", count: 5), to: .only([old.id, new.id])) == 2)
        stage.endTick()
        #expect(old.hears() == [String(repeating: "x", count: 25) + String(repeating: "y", count: 25) + "zzzzz"])
        #expect(new.texts() == [String(repeating: "x", count: 25), "zzzzz"])
    }

    @Test(arguments: [("senha?", "oi", "se"), ("é a senha?", "o", ""), ("€€", "oito", "€"), ("ok", "oito", "ok")])
    func `before it is let in, no more than it sent, and no half of a character`(
        prompt: String,
        text: String,
        heard: String
    ) throws {
        let stage = Stage()
        stage.policy.onAdmit = { _, _ in (prompt, nil) }
        let ana = try #require(stage.datagrams("ana", saying: text))
        stage.endTick()
        #expect(ana.texts() == (heard.isEmpty ? [] : [heard]))
        // Each text has an answer of its own.
        ana.says("muito mais texto")
        stage.endTick()
        #expect(ana.texts() == [prompt])
    }

    @Test func `a stranger's ping is answered with no more than it sent`() throws {
        let stage = Stage()
        stage.policy.onPing = { text, origin in
            #expect(origin.address == "192.0.2.9:9")
            return text == "ping" ? "pong e mais" : nil
        }
        let origin = ClientOrigin(transport: .udp, host: "192.0.2.9", port: 9)
        let answer = withBytes("ping") { stage.hub.ping($0, from: origin).map { String(decoding: $0, as: UTF8.self) } }
        #expect(answer == "pong")
        #expect(withBytes("oi") { stage.hub.ping($0, from: origin) } == nil)
        #expect(stage.hub.counters.answersCut == 1)
        #expect(stage.hub.counters.pings == 1)
    }

    @Test func `at the limit the oldest that has spoken once makes way, and nobody who speaks does`() throws {
        let stage = Stage { $0.clients = 3 }
        let people = ["a", "b", "c"].compactMap { stage.datagrams($0, saying: "oi") }
        people[0].says("de novo")
        _ = stage.policy.takeCalls()
        let late = try #require(stage.datagrams("d", saying: "oi"))
        #expect(people.map(\.client.isOpen) == [true, false, true])
        #expect(stage.policy.takeCalls().first == "disconnected b: replaced")
        late.says("de novo")
        people[2].says("de novo")
        #expect(stage.datagrams("e", saying: "oi") == nil)
        #expect(stage.hub.counters.replaced == 1)
    }

    @Test func `those who come and go leave nothing behind`() throws {
        let stage = Stage()
        stage.policy.onAdmit = { client, _ in client.id % 2 == 0 ? (nil, "não") : (nil, nil) }
        for _ in 0..<1_000 {
            let person = try #require(stage.datagrams("x", saying: "oi"))
            person.leaves()
            stage.endTick()
        }
        #expect(stage.hub.unvalidatedCount == 0)
        #expect(stage.hub.unvalidated.count <= 64)
        #expect(stage.hub.clients.isEmpty && stage.hub.pendingAdmission.isEmpty)
    }

    @Test func `what comes back to a new sender is bounded, too, and what others get is not`() throws {
        let stage = Stage()
        let ana = try #require(stage.datagrams("ana", saying: "oi"))
        let bia = try #require(stage.datagrams("bia", saying: "oi"))
        let long = String(repeating: "x", count: 100)
        for route in [Route.everyone, .only([ana.id, bia.id])] {
            let texts = FormattedTexts()
            texts.set(long, for: .plain)
            #expect(stage.hub.deliver(texts, to: route, from: ana.client).recipients == 1)
        }
        stage.endTick()
        #expect(ana.texts() == [])
        #expect(bia.texts() == [long, long])
        ana.says("de novo")
        let texts = FormattedTexts()
        texts.set(long, for: .plain)
        #expect(stage.hub.deliver(texts, to: .everyone, from: ana.client).recipients == 2)
    }

    @Test func `a client that comes by a connection has no allowance, and takes a place too`() throws {
        let stage = Stage { $0.clients = 1 }
        let forged = try #require(stage.datagrams("forged", saying: "oi"))
        let ana = try stage.join("ana")
        #expect(!forged.client.isOpen)
        #expect(ana.client.amplificationAllowance == nil)
        #expect(stage.datagrams("again", saying: "oi") == nil)
    }

    @Test func `who is unreachable is told of before it leaves`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        _ = stage.policy.takeCalls()
        stage.hub.unreachable(ana.client)
        stage.hub.unreachable(ana.client)
        #expect(stage.policy.takeCalls() == ["unreachable ana", "disconnected ana: unreachable"])
    }

    // MARK: Datagrams

    @Test func `a text too long for a datagram misses those recipients alone, and its sender is told`() throws {
        let stage = Stage { $0.datagramBytes = 10 }
        stage.policy.onSystemMessage = { _, occasion in occasion.rawValue }
        let ana = try stage.join("ana", room: "all")
        let bia = try stage.join("bia", room: "all")
        let caio = try #require(stage.datagrams("caio", saying: "oi"))
        caio.moves(to: "all")
        ana.deliversSaid()
        ana.says("01234567890")
        ana.says("0123456789")
        stage.endTick()
        #expect(bia.hears() == ["012345678900123456789"])
        #expect(caio.texts() == ["0123456789"])
        #expect(ana.hears() == ["too_long"])
        #expect(stage.hub.counters.tooLongToSend == 1)
        #expect(!caio.isTold("01234567890"))
    }

    @Test func `each text is one of its own, and an empty one is none`() throws {
        let stage = Stage()
        let ana = try #require(stage.datagrams("ana", saying: "0123456789"))
        for text in ["um", "", "do\nis"] { ana.isTold(text) }
        stage.endTick()
        #expect(ana.texts() == ["um", "do\nis"])
    }
}

extension Stage {
    /// Lets somebody in who comes by a datagram.
    func datagrams(_ name: String, saying text: String) -> Person? {
        let person = self.tryJoin(
            name,
            wire: .datagram(limit: self.hub.limits.datagramBytes),
            transport: .udp,
            saying: text
        )
        // The text that it came with is its first, too.
        if let client = person?.client, !client.isPendingAdmission { self.hub.note(from: client, isPing: false) }
        return person
    }
}

extension Person {
    /// The texts that it was given since this was last asked.
    func texts() -> [String] {
        self.hearsBytes()
            .flatMap { bytes in
                bytes.withUnsafeBytes { raw in
                    DatagramTexts(raw).map { String(decoding: raw[$0], as: UTF8.self) }
                }
            }
    }

    /// Has what it says delivered as messages are: each in one dialect.
    func deliversSaid() {
        self.stage.policy.onRelay = { [unowned stage = self.stage] message in
            let texts = FormattedTexts()
            texts.set(message.text, for: .plain)
            stage.hub.deliver(texts, to: .others, from: message.sender)
        }
    }
}
