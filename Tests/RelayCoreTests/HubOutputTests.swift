// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayCore
import Testing
import WireFormats

@Suite struct HubOutputTests {
    @Test func `a broadcast reaches all others in the room and never the sender`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        let bia = try stage.join("bia")
        let caio = try stage.join("caio")
        let dora = try stage.join("dora", room: "elsewhere")
        ana.says("oi")
        #expect(bia.hears() == [], "output waits for the end of the tick")
        stage.endTick()
        #expect(bia.hears() == ["oi"])
        #expect(caio.hears() == ["oi"])
        #expect(ana.hears() == [])
        #expect(dora.hears() == [])
    }

    @Test func `a client gets one write per tick, however much it hears`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        let bia = try stage.join("bia")
        let caio = try stage.join("caio")
        for number in 1...3 {
            ana.says("a\(number) ")
            bia.says("b\(number) ")
            caio.isTold("(\(number)) ")
        }
        stage.endTick()
        #expect(ana.hears() == ["b1 b2 b3 "])
        #expect(bia.hears() == ["a1 a2 a3 "])
        #expect(caio.hears() == ["a1 b1 (1) a2 b2 (2) a3 b3 (3) "])
        ana.says("again")
        stage.endTick()
        #expect(bia.hears() == ["again"])
        stage.endTick()
        #expect(bia.hears() == [], "nothing to say is no write")
    }

    @Test func `texts to one client and broadcasts merge in the order of the calls`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        let bia = try stage.join("bia")
        let caio = try stage.join("caio")
        bia.isTold("1")
        ana.says("2")
        bia.isTold("3")
        bia.isTold("4")
        stage.sends("5", to: .everyone)
        stage.sends("6", to: .only([bia.id, caio.id]))
        caio.says("7")
        bia.says("8")
        bia.isTold("9")
        stage.endTick()
        #expect(bia.hears() == ["12345679"])
        #expect(caio.hears() == ["2568"])
        #expect(ana.hears() == ["578"])
    }

    @Test func `what a sender says at the tick's ends and between others' texts is missing from what it hears`() throws
    {
        let stage = Stage()
        let ana = try stage.join("ana")
        let bia = try stage.join("bia")
        let caio = try stage.join("caio")
        stage.endTick()
        for (person, text) in [(ana, "1"), (bia, "2"), (ana, "3"), (ana, "4"), (caio, "5"), (ana, "6")] {
            person.says(text)
        }
        stage.endTick()
        #expect(ana.hears() == ["25"])
        #expect(bia.hears() == ["13456"])
        #expect(caio.hears() == ["12346"])
    }

    @Test func `a client that joins in the middle of a tick hears only what comes later`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        let bia = try stage.join("bia")
        ana.says("before ")
        let caio = try stage.join("caio")
        ana.says("after ")
        stage.endTick()
        #expect(caio.hears() == ["after "])
        #expect(bia.hears() == ["before after "])
    }

    @Test func `a client that changes rooms hears the old room until then and the new one from then on`() throws {
        let stage = Stage()
        let ana = try stage.join("ana", room: "north")
        let bia = try stage.join("bia", room: "south")
        let caio = try stage.join("caio", room: "north")
        let dora = try stage.join("dora", room: "south")
        ana.says("n1 ")
        bia.says("s1 ")
        caio.moves(to: "south")
        ana.says("n2 ")
        bia.says("s2 ")
        caio.says("hi south ")
        caio.moves(to: "north")
        ana.says("n3 ")
        bia.says("s3 ")
        stage.endTick()
        #expect(caio.hears() == ["n1 s2 n3 "])
        #expect(dora.hears() == ["s1 s2 hi south s3 "])
        #expect(bia.hears() == ["hi south "])
        #expect(ana.hears() == [])
    }

    @Test func `a client closed in the middle of a tick gets everything before and nothing after`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        let bia = try stage.join("bia")
        let caio = try stage.join("caio")
        ana.says("1 ")
        bia.isTold("2 ")
        ana.says("3 ")
        bia.leaves()
        #expect(bia.ear.events == [], "the close waits for the end of the tick")
        ana.says("4 ")
        #expect(!bia.isTold("5 "))
        bia.says("6 ")
        stage.endTick()
        #expect(bia.ear.events == [.wrote("1 2 3 "), .closed])
        #expect(caio.hears() == ["1 3 4 "])
        #expect(ana.hears() == [])
        bia.leaves()
        stage.endTick()
        #expect(bia.ear.events == [.wrote("1 2 3 "), .closed], "closed once and never written to again")
        #expect(!bia.client.isOpen)
    }

    @Test func `a client with nothing to hear is closed without a write`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        ana.leaves()
        stage.endTick()
        #expect(ana.ear.events == [.closed])
    }

    @Test func `what a client says as it is closed still reaches its last room, and not itself`() throws {
        let stage = Stage()
        let ana = try stage.join("ana", room: "north")
        let bia = try stage.join("bia", room: "north")
        stage.policy.onRelay = { message in
            stage.hub.close(message.sender, reason: "kicked")
            #expect(stage.hub.recipients(of: .others, from: message.sender) == [bia.id])
            #expect(stage.hub.send(message.text, to: .others, from: message.sender) == 1)
        }
        ana.says("bye")
        stage.endTick()
        #expect(ana.ear.events == [.closed])
        #expect(bia.hears() == ["bye"])
    }

    @Test func `a client that comes and goes within one tick gets what was said meanwhile`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        ana.says("1")
        let bia = try stage.join("bia")
        ana.says("2")
        bia.leaves()
        ana.says("3")
        stage.endTick()
        #expect(bia.ear.events == [.wrote("2"), .closed])
    }

    @Test func `a client whose bytes go nowhere changes nothing for the others`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        let origin = ClientOrigin(transport: .tcp, host: "192.0.2.1", port: 99)
        let nobody = try #require(stage.hub.join(origin, wire: .raw, to: nil))
        let caio = try stage.join("caio")
        ana.says("1")
        _ = withBytes("2") { stage.hub.send($0, to: nobody) }
        stage.endTick()
        ana.says("3")
        stage.endTick()
        #expect(caio.hears() == ["1", "3"])
        stage.hub.close(nobody, reason: "left")
        stage.endTick()
        #expect(stage.hub.clientCount == 2)
    }

    @Test func `an empty text is a delivery but no write`() throws {
        let stage = Stage()
        _ = try stage.join("ana")
        let bia = try stage.join("bia")
        #expect(stage.sends("", to: .everyone) == 2)
        bia.isTold("")
        stage.endTick()
        #expect(bia.hears() == [])
    }
}
