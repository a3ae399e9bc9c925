// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayCore
import Testing

/// Several hubs whose texts reach each other's clients.
private final class Nodes {
    /// One hub's way to the others.
    final class Bus: MessageBus {
        unowned let nodes: Nodes
        var isConnected = true
        weak var stage: Stage?
        var published: [BusText] = []

        init(_ nodes: Nodes) { self.nodes = nodes }

        var hasOtherNodes: Bool { self.isConnected && self.nodes.buses.count > 1 }

        private var others: [Stage] { self.nodes.buses.filter { $0 !== self }.compactMap(\.stage) }

        func dialects(of audience: BusAudience) -> [String] {
            let found = self.others.flatMap { stage in
                stage.hub.clients()
                    .filter { client in
                        switch audience {
                        case .everyone: true
                        case .room(let name): client.room.string == name
                        case .clients(let ids): ids.contains(client.id)
                        }
                    }
                    .map { stage.hub.name(of: $0.dialect).string }
            }
            return Array(Set(found)).sorted()
        }

        func publish(_ text: BusText) {
            self.published.append(text)
            for stage in self.others { stage.hub.deliver(text) }
        }
    }

    var buses: [Bus] = []
    var stages: [Stage] = []

    init(_ count: Int) {
        for node in 0..<count {
            let bus = Bus(self)
            let stage = Stage(node: Int64(node), bus: bus)
            bus.stage = stage
            self.buses.append(bus)
            self.stages.append(stage)
        }
    }

    func endTick() { for stage in self.stages { stage.endTick() } }
}

@Suite struct MessageBusTests {
    @Test func `a text reaches the room's members on every node, and its sender nowhere`() throws {
        let nodes = Nodes(3)
        let ana = try nodes.stages[0].join("ana")
        let others = try (0..<3).map { try nodes.stages[$0].join("other") }
        let away = try nodes.stages[1].join("away", room: "away")
        ana.says("oi")
        nodes.endTick()
        for other in others { #expect(other.hears() == ["oi"]) }
        #expect(ana.hears() == [] && away.hears() == [])
        #expect(nodes.buses[0].published.count == 1 && nodes.buses[1].published == [], "nothing is sent on")
    }

    @Test func `routes of scripts reach everybody, a room, or some clients wherever they are`() throws {
        let nodes = Nodes(2)
        let (ana, bia) = (try nodes.stages[0].join("ana"), try nodes.stages[1].join("bia"))
        let caio = try nodes.stages[1].join("caio", room: "outra")
        let stage = nodes.stages[0]
        stage.sends("a", to: .everyone, from: ana)
        stage.sends("b", to: .room("outra"), from: ana)
        stage.sends("c", to: .only([ana.id, bia.id, bia.id]), from: ana)
        stage.sends("d", to: .only([ana.id]), from: ana)
        nodes.endTick()
        #expect(ana.hears().joined() == "acd" && bia.hears().joined() == "ac" && caio.hears().joined() == "ab")
        #expect(nodes.buses[0].published.count == 3, "what is for clients of this node alone stays here")
    }

    @Test func `a dialect that only another node's clients use is formatted here, and arrives there`() throws {
        let nodes = Nodes(2)
        let (ana, bia) = (try nodes.stages[0].join("ana"), try nodes.stages[1].join("bia"))
        let caio = try nodes.stages[1].join("caio")
        bia.speaks("json")
        let hub = nodes.stages[0].hub
        let texts = FormattedTexts()
        var asked: [String] = []
        while let dialect = hub.dialect(missingFrom: texts, on: .others, from: ana.client) {
            asked.append(hub.name(of: dialect).string)
            withBytes("<\(hub.name(of: dialect).string)>") { texts.set($0, for: dialect) }
        }
        #expect(asked.sorted() == ["json", "plain"])
        hub.deliver(texts, to: .others, from: ana.client)
        nodes.endTick()
        #expect(bia.hears() == ["<json>"] && caio.hears() == ["<plain>"])
    }

    @Test func `clients whose dialect has no text get nothing`() throws {
        let nodes = Nodes(2)
        let bia = try nodes.stages[1].join("bia")
        bia.speaks("json")
        nodes.stages[1].hub.deliver(BusText(to: .everyone, [.init(dialect: "plain", text: [0x61])]))
        nodes.endTick()
        #expect(bia.hears() == [])
    }

    @Test func `without other nodes nothing is published`() throws {
        let nodes = Nodes(2)
        nodes.buses[0].isConnected = false
        let (ana, bia) = (try nodes.stages[0].join("ana"), try nodes.stages[1].join("bia"))
        ana.says("oi")
        nodes.endTick()
        #expect(bia.hears() == [] && nodes.buses[0].published == [])
    }

    @Test func `numbers of clients tell the node, are unique, and exact as doubles`() throws {
        let nodes = Nodes(2)
        let first = try nodes.stages[0].join("a")
        let second = try nodes.stages[1].join("b")
        #expect(first.id == 1 && second.id == 1 << 42 + 1)
        #expect(NodeNumber.node(of: first.id) == 0 && NodeNumber.node(of: second.id) == 1)
        let last = Stage(node: NodeNumber.highest, bus: ProcessBus())
        let client = try last.join("c")
        #expect(client.id < 1 << 53 && NodeNumber.node(of: client.id) == NodeNumber.highest)
    }
}
