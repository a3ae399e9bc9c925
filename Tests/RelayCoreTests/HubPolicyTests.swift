// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayCore
import Testing
import WireFormats

@Suite struct HubPolicyTests {
    @Test func `a newcomer is named, then announced; without a name it is called by its address`() throws {
        let stage = Stage()
        stage.policy.onName = { $0.id == 1 ? "ana" : nil }
        _ = stage.tryJoin("")
        let second = try #require(stage.tryJoin("bia"))
        #expect(stage.policy.takeCalls() == ["name 1", "connected ana", "name 2", "connected 192.0.2.1:2"])
        #expect(second.client.name.string == "bia", "renamed afterwards")
    }

    @Test func `a departure from outside the policy is reported at once`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        _ = stage.policy.takeCalls()
        ana.leaves("lost")
        #expect(stage.policy.takeCalls() == ["disconnected ana: lost"])
        ana.leaves("again")
        stage.endTick()
        #expect(stage.policy.takeCalls() == [], "reported once")
    }

    @Test func `a client closed while it is being named has not joined, and does not leave`() throws {
        let stage = Stage()
        stage.policy.onName = { client in
            stage.hub.close(client, reason: "banned")
            return "ana"
        }
        let ana = try #require(stage.tryJoin("ana"))
        #expect(!ana.client.isOpen)
        #expect(stage.policy.takeCalls() == ["name 1", "turned away 1"])
        #expect(!stage.policy.wasCalledFromWithin)
        #expect(stage.hub.clientCount == 0)
        stage.endTick()
        #expect(ana.ear.events == [.closed])
    }

    @Test func `a client closed in its announcement gets what it was told there`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        _ = stage.policy.takeCalls()
        stage.policy.onConnected = { client in
            #expect(withBytes("go away") { stage.hub.send($0, to: client) })
            stage.hub.close(client, reason: "banned")
            stage.hub.close(ana.client, reason: "too")
            #expect(!withBytes("!") { stage.hub.send($0, to: client) })
        }
        let bia = try #require(stage.tryJoin("bia"))
        let name = "192.0.2.1:2"
        #expect(
            stage.policy.takeCalls() == [
                "name 2", "connected \(name)", "disconnected \(name): banned", "disconnected ana: too",
            ]
        )
        #expect(!stage.policy.wasCalledFromWithin)
        stage.endTick()
        #expect(bia.ear.events == [.wrote("go away"), .closed])
        #expect(ana.ear.events == [.closed])
    }

    @Test func `departures that a message causes are reported after it, in order`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        let bia = try stage.join("bia")
        let caio = try stage.join("caio")
        _ = stage.policy.takeCalls()
        stage.policy.onRelay = { message in
            stage.hub.close(bia.client, reason: "first")
            stage.hub.close(message.sender, reason: "second")
            stage.hub.close(bia.client, reason: "not again")
            #expect(stage.policy.takeCalls() == ["relay ana: kick"])
            #expect(stage.hub.send(message.text, to: .everyone, from: message.sender) == 1)
        }
        ana.says("kick")
        #expect(stage.policy.takeCalls() == ["disconnected bia: first", "disconnected ana: second"])
        #expect(!stage.policy.wasCalledFromWithin)
        stage.endTick()
        #expect(caio.hears() == ["kick"])
    }

    @Test func `a departure that a departure causes is reported in turn`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        let bia = try stage.join("bia")
        let caio = try stage.join("caio")
        let dora = try stage.join("dora")
        _ = stage.policy.takeCalls()
        stage.policy.onDisconnected = { client, _ in
            if client === ana.client {
                bia.leaves("with ana")
                caio.leaves("with ana")
            } else if client === bia.client {
                caio.leaves("with bia")
                dora.isTold("they go")
                dora.leaves("with bia")
            }
        }
        ana.leaves()
        #expect(
            stage.policy.takeCalls() == [
                "disconnected ana: left", "disconnected bia: with ana", "disconnected caio: with ana",
                "disconnected dora: with bia",
            ]
        )
        #expect(!stage.policy.wasCalledFromWithin)
        #expect(stage.hub.clientCount == 0)
        stage.endTick()
        #expect(dora.ear.events == [.wrote("they go"), .closed])
    }

    @Test func `departures caused while a client is told something, or refused, are reported afterwards`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        let bia = try stage.join("bia")
        _ = stage.policy.takeCalls()
        stage.policy.onSystemMessage = { client, occasion in
            (occasion == .full ? bia : ana).leaves("told")
            return "\(occasion.rawValue) \(client.id)"
        }
        #expect(!stage.hub.sendSystemMessage(.slow, to: ana.client), "it has left before it could be told")
        let words = stage.hub.refuse(ClientOrigin(transport: .tcp, host: "192.0.2.9", port: 1), wire: .raw)
        #expect(words.map(Array.init) == Array("full 3".utf8))
        #expect(
            stage.policy.takeCalls() == [
                "system message ana: slow", "disconnected ana: told", "system message 192.0.2.9:1: full",
                "disconnected bia: told",
            ]
        )
        #expect(!stage.policy.wasCalledFromWithin)
    }

    @Test func `the rules may be run from outside, with departures reported behind them`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        _ = stage.policy.takeCalls()
        let answer = stage.hub.runPolicy {
            ana.leaves("rules")
            #expect(stage.policy.takeCalls() == [])
            return 42
        }
        #expect(answer == 42)
        #expect(stage.policy.takeCalls() == ["disconnected ana: rules"])
    }

    @Test func `somebody who wrote too much is told so, if there are words for it`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        stage.hub.refuseTooLong(from: ana.client)
        stage.policy.onSystemMessage = { _, occasion in "sorry: \(occasion.rawValue)" }
        stage.hub.refuseTooLong(from: ana.client)
        #expect(stage.hub.sendSystemMessage(.shutdown, to: ana.client))
        stage.endTick()
        #expect(ana.hears() == ["sorry: too_longsorry: shutdown"])
        ana.leaves()
        #expect(!stage.hub.sendSystemMessage(.shutdown, to: ana.client))
    }

    @Test func `nothing changes for one who has left`() throws {
        let stage = Stage()
        let ana = try stage.join("ana", room: "north")
        let bia = try stage.join("bia", room: "south")
        ana.leaves()
        _ = ana.moves(to: "south")
        ana.frames(.line)
        ana.speaks("loud")
        #expect(stage.hub.clients(in: "south").map(\.id) == [bia.id])
        #expect(ana.client.room.string == "north")
        #expect(stage.sends("oi", to: .everyone) == 1)
        stage.endTick()
        #expect(ana.ear.events == [.closed])
    }

    @Test func `a hub without a policy takes clients and relays nothing`() {
        let hub = Hub(clock: { 0 })
        let ear = Ear()
        let client = hub.join(ClientOrigin(transport: .tcp, host: "192.0.2.1", port: 1), wire: .raw, receiver: ear)
        #expect(client?.name.string == "192.0.2.1:1")
        if let client {
            _ = withBytes("oi") { hub.receive($0, from: client) }
            hub.close(client, reason: "left")
        }
        hub.endTick()
        #expect(ear.events == [.closed])
    }

    @Test func `many departures at once are reported over several ticks, each once and in order`() throws {
        let stage = Stage()
        let people = try (0..<600).map { try stage.join("p\($0)") }
        stage.endTick()
        let ana = try #require(people.first)
        let before = stage.policy.calls.count
        var gone: [String] = []
        stage.policy.onDisconnected = { client, _ in gone.append(client.name.string) }
        stage.policy.onRelay = { [unowned stage] _ in
            for person in people.dropFirst() { stage.hub.close(person.client, reason: "closed") }
        }
        ana.says("all out")
        // Nobody hears anything more, and scripts do not find them.
        #expect(stage.hub.clientCount == 1)
        #expect(gone.count == Hub.departuresPerTick)
        #expect(stage.hub.hasDepartures)
        // Those who wait can be read until it is their turn.
        #expect(stage.hub.leaving(people[599].client.id) === people[599].client)
        var closed: [Int] = []
        var ticks = 0
        while stage.hub.hasDepartures, ticks < 10 {
            stage.hub.reportDepartures()
            stage.endTick()
            ticks += 1
            closed.append(people.count { $0.ear.isClosed })
        }
        #expect(gone == people.dropFirst().map(\.client.name.string))
        #expect(closed == [256, 512, 599])
        #expect(stage.policy.calls.count > before)
        #expect(stage.hub.leaving(people[599].client.id) == nil)
    }

    @Test func `departures stop for this tick when time is over, but one is always reported`() throws {
        let stage = Stage()
        let people = try (0..<10).map { try stage.join("p\($0)") }
        stage.endTick()
        var asked = 0
        stage.hub.mayReportDeparture = {
            asked += 1
            return asked < 3
        }
        stage.policy.onRelay = { [unowned stage] _ in
            for person in people.dropFirst() { stage.hub.close(person.client, reason: "closed") }
        }
        people[0].says("all out")
        #expect(stage.policy.calls.count { $0.hasPrefix("disconnected") } == 3)
        stage.endTick()
        stage.hub.reportDepartures()
        #expect(stage.policy.calls.count { $0.hasPrefix("disconnected") } == 4)
    }

    @Test func `who is closed gets what was said before, although its departure waits`() throws {
        let stage = Stage()
        let people = try (0..<600).map { try stage.join("p\($0)") }
        stage.endTick()
        stage.policy.onRelay = { [unowned stage] message in
            _ = stage.hub.send(message.text, to: .everyone, from: nil)
            for person in people { stage.hub.close(person.client, reason: "closed") }
        }
        people[0].says("last words")
        stage.endTick()
        #expect(people.allSatisfy { $0.ear.text == "last words" })
    }

    @Test func `a hub that is out of time closes everybody and says how many departures were not reported`() throws {
        let stage = Stage()
        let people = try (0..<300).map { try stage.join("p\($0)") }
        stage.endTick()
        stage.hub.close(people[0].client, reason: "left")
        #expect(stage.hub.closeAll(reason: "shutdown") == 299)
        stage.endTick()
        #expect(people.allSatisfy { $0.ear.isClosed })
        #expect(!stage.hub.hasDepartures)
        #expect(stage.policy.calls.count { $0.hasPrefix("disconnected") } == 1)
    }
}
