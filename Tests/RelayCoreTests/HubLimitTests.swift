// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Testing
import WireFormats

@testable import RelayCore

@Suite struct HubLimitTests {
    @Test func `at the clients limit nobody comes in, and the refused one is counted and told`() throws {
        let stage = Stage { $0.clients = 2 }
        stage.policy.onSystemMessage = { client, occasion in "\(client.address.string) \(occasion.rawValue)" }
        let ana = try stage.join("ana")
        _ = try stage.join("bia")
        #expect(stage.tryJoin("caio") == nil)
        #expect(stage.hub.clientCount == 2)
        let origin = ClientOrigin(transport: .tcp, host: "2001:db8::1", port: 7)
        #expect(stage.hub.refuse(origin, wire: .raw).map(Array.init) == Array("[2001:db8::1]:7 full".utf8))
        #expect(stage.hub.counters == Counters(connected: 2, refused: 1))
        ana.leaves()
        #expect(stage.tryJoin("caio") != nil)
        stage.policy.onSystemMessage = { _, _ in nil }
        #expect(stage.hub.refuse(origin, wire: .raw) == nil)
        #expect(stage.hub.counters == Counters(connected: 3, refused: 2))
    }

    @Test func `client numbers are never given again`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        ana.leaves()
        stage.endTick()
        let bia = try stage.join("bia")
        #expect(bia.id > ana.id)
    }

    @Test func `at the rooms limit a new room needs one that its only member leaves`() throws {
        let stage = Stage { $0.rooms = 2 }
        let ana = try stage.join("ana")
        let bia = try stage.join("bia")
        let caio = try stage.join("caio")
        #expect(bia.moves(to: "north"))
        #expect(!ana.moves(to: "south"))
        #expect(ana.client.room.string == "tcp")
        ana.says("still here")
        #expect(bia.moves(to: "south"), "its old room makes place")
        #expect(ana.moves(to: "south"), "a room that exists is no new one")
        #expect(!ana.moves(to: "west"))
        #expect(caio.moves(to: "west"))
        #expect(caio.moves(to: "west"), "staying is always possible")
        stage.endTick()
        #expect(caio.hears() == ["still here"])
        #expect(stage.hub.clients(in: "south").map(\.id) == [ana.id, bia.id])
    }

    @Test func `the room of a transport exists past the limit on rooms`() throws {
        let stage = Stage { $0.rooms = 1 }
        _ = try stage.join("ana")
        let bia = try #require(stage.tryJoin("bia", transport: .udp))
        #expect(bia.client.room.string == "udp")
        #expect(!bia.moves(to: "north"))
        #expect(bia.moves(to: "tcp"))
    }

    @Test func `at the dialects limit only known dialects can be chosen`() throws {
        let stage = Stage { $0.dialects = 2 }
        let ana = try stage.join("ana")
        #expect(ana.speaks("loud"))
        #expect(!ana.speaks("quiet"))
        #expect(stage.hub.name(of: ana.client.dialect).string == "loud")
        #expect(stage.hub.dialect("quiet") == nil)
        #expect(ana.speaks("plain"))
        #expect(ana.speaks("loud"))
    }

    @Test func `a tick is full once its output reaches the limit, and empty again after its end`() throws {
        let stage = Stage { $0.tickBytes = 10 }
        let ana = try stage.join("ana")
        let bia = try stage.join("bia")
        ana.says("12345")
        #expect(!stage.hub.isTickFull)
        bia.isTold("6789")
        #expect(!stage.hub.isTickFull)
        bia.isTold("0")
        #expect(stage.hub.isTickFull)
        stage.endTick()
        #expect(!stage.hub.isTickFull)
        #expect(bia.hears() == ["1234567890"])
        bia.frames(.line)
        bia.isTold("123456789")
        #expect(stage.hub.isTickFull, "the newline counts")
    }

    @Test func `a broadcast counts towards the tick once per encoding, not per client`() throws {
        let stage = Stage { $0.tickBytes = 10 }
        for name in ["ana", "bia", "caio", "dora"] { _ = try stage.join(name) }
        stage.sends("123456789", to: .everyone)
        #expect(!stage.hub.isTickFull)
        stage.sends("1", to: .everyone)
        #expect(stage.hub.isTickFull)
    }

    @Test func `counters count what happens`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        let bia = try stage.join("bia")
        _ = try stage.join("caio")
        ana.says("1")
        ana.says("2")
        stage.sends("3", to: .everyone)
        stage.sends("4", to: .only([bia.id, bia.id, 99]))
        stage.hub.refuseTooLong(from: ana.client)
        stage.hub.noteSlow()
        stage.hub.noteDropped()
        stage.hub.noteDropped()
        let expected = Counters(
            connected: 3,
            messages: 2,
            deliveries: 2 + 2 + 3 + 1,
            tooLong: 1,
            slowDisconnected: 1,
            slowDropped: 2
        )
        #expect(stage.hub.counters == expected)
        ana.leaves()
        ana.says("5")
        stage.hub.refuseTooLong(from: ana.client)
        #expect(stage.hub.counters == expected, "one who has left is not listened to")
    }

    @Test func `messages are numbered, and all of a tick carry the time of its first`() throws {
        var now = 10.0
        let stage = Stage(clock: { now })
        var seen: [(id: Int64, time: Double)] = []
        stage.policy.onRelay = { seen.append(($0.id, $0.time)) }
        let ana = try stage.join("ana")
        #expect(ana.client.since == 10)
        for time in [20.0, 21, 22] {
            now = time
            if time == 22 { stage.endTick() }
            ana.says("x")
        }
        #expect(seen.map(\.id) == [1, 2, 3])
        #expect(seen.map(\.time) == [20, 20, 22])
    }
}
