// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayCore
import Testing
import WireFormats

@Suite struct HubRouteTests {
    /// Ana, Bia and Caio in the room of their transport, Dora in the north; Caio reads lines.
    private struct Town {
        let stage = Stage()
        let ana: Person
        let bia: Person
        let caio: Person
        let dora: Person

        init() throws {
            self.ana = try self.stage.join("ana")
            self.bia = try self.stage.join("bia")
            self.caio = try self.stage.join("caio", wire: .line)
            self.dora = try self.stage.join("dora", room: "north")
        }

        /// Sends along a route and says who heard it; the three ways to count must agree.
        func hearing(_ route: Route, from sender: Person? = nil) -> [Int64] {
            let expected = self.stage.hub.recipients(of: route, from: sender?.client)
            let deliveries = self.stage.hub.counters.deliveries
            let count = self.stage.sends("x", to: route, from: sender)
            self.stage.endTick()
            var heard: [Int64] = []
            for person in [self.ana, self.bia, self.caio, self.dora] {
                let wire = person.client.wire == .line ? "x\n" : "x"
                let events = person.ear.takeEvents()
                if !events.isEmpty { heard.append(person.id) }
                #expect(events == [] || events == [.wrote(wire)])
            }
            #expect(expected.sorted() == heard)
            #expect(count == heard.count)
            #expect(self.stage.hub.counters.deliveries - deliveries == count)
            return heard
        }
    }

    @Test func `others are the sender's room without the sender, and nobody when nobody sends`() throws {
        let town = try Town()
        #expect(town.hearing(.others, from: town.ana) == [town.bia.id, town.caio.id])
        #expect(town.hearing(.others, from: town.caio) == [town.ana.id, town.bia.id])
        #expect(town.hearing(.others, from: town.dora) == [])
        #expect(town.hearing(.others) == [])
    }

    @Test func `everyone includes the sender and all rooms`() throws {
        let town = try Town()
        let all = [town.ana.id, town.bia.id, town.caio.id, town.dora.id]
        #expect(town.hearing(.everyone, from: town.ana) == all)
        #expect(town.hearing(.everyone) == all)
    }

    @Test func `a room excludes the sender only if it is in that room`() throws {
        let town = try Town()
        #expect(town.hearing(.room("tcp"), from: town.ana) == [town.bia.id, town.caio.id])
        #expect(town.hearing(.room("tcp"), from: town.dora) == [town.ana.id, town.bia.id, town.caio.id])
        #expect(town.hearing(.room("tcp")) == [town.ana.id, town.bia.id, town.caio.id])
        #expect(town.hearing(.room("north"), from: town.dora) == [])
        #expect(town.hearing(.room("nowhere"), from: town.ana) == [])
    }

    @Test func `only counts each client once and ignores unknown ones; the sender may be among them`() throws {
        let town = try Town()
        #expect(
            town.hearing(.only([town.bia.id, town.dora.id, town.bia.id]), from: town.ana) == [
                town.bia.id, town.dora.id,
            ]
        )
        #expect(town.hearing(.only([town.ana.id]), from: town.ana) == [town.ana.id])
        #expect(town.hearing(.only([0, -1, 99, .max, town.caio.id, 99])) == [town.caio.id])
        #expect(town.hearing(.only([99])) == [])
        #expect(town.hearing(.only([])) == [])
        town.bia.leaves()
        town.stage.endTick()
        #expect(town.bia.ear.takeEvents() == [.closed])
        #expect(town.hearing(.only([town.bia.id, town.caio.id])) == [town.caio.id])
    }

    @Test func `a sender who is a room's only user of an encoding neither hears itself nor is counted`() throws {
        let town = try Town()
        #expect(town.hearing(.others, from: town.caio) == [town.ana.id, town.bia.id])
        #expect(town.hearing(.room("tcp"), from: town.caio) == [town.ana.id, town.bia.id])
    }

    @Test func `empty rooms vanish, by moving and by leaving`() throws {
        let stage = Stage { $0.rooms = 2 }
        let ana = try stage.join("ana")
        let bia = try stage.join("bia", room: "north")
        #expect(ana.moves(to: "south"))
        #expect(stage.hub.clients(in: "tcp").isEmpty)
        bia.leaves()
        #expect(stage.hub.clients(in: "north").isEmpty)
        let caio = try stage.join("caio")
        #expect(stage.hub.clients(in: "tcp").map(\.id) == [caio.id])
        #expect(stage.hub.clients(in: "south").map(\.id) == [ana.id])
    }

    @Test func `clients are listed by number, of all rooms or of one, and found by number`() throws {
        let town = try Town()
        let hub = town.stage.hub
        #expect(hub.clients().map(\.id) == [town.ana.id, town.bia.id, town.caio.id, town.dora.id])
        #expect(hub.clients(in: "tcp").map(\.id) == [town.ana.id, town.bia.id, town.caio.id])
        #expect(hub.clients(in: "nowhere").isEmpty)
        #expect(hub.clientCount == 4)
        #expect(hub.client(town.bia.id) === town.bia.client)
        town.bia.leaves()
        #expect(hub.client(town.bia.id) == nil)
        #expect(hub.clientCount == 3)
        #expect(town.dora.client.room.string == "north")
    }
}
