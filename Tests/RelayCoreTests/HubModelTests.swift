// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayCore
import TestSupport
import Testing
import WireFormats

/// What each client must get, kept the slow way: every text is appended to each recipient's bytes at once.
private final class NaiveRelay {
    final class Member {
        let person: Person
        var room = "tcp"
        var dialect = "plain"
        var wire: WireEncoding
        var isOpen = true
        var isClosing = false
        var bytes: [UInt8] = []

        init(_ person: Person, _ wire: WireEncoding) {
            self.person = person
            self.wire = wire
        }

        func hear(_ text: [UInt8]) {
            switch self.wire {
            case .raw: self.bytes += text
            case .line: self.bytes += NaiveRelay.line(text)
            case .length:
                for shift in [24, 16, 8, 0] { self.bytes.append(UInt8(text.count >> shift & 0xFF)) }
                self.bytes += text
            default:
                guard !text.isEmpty else { return }
                withUnsafeBytes(of: UInt32(text.count)) { self.bytes += $0 }
                self.bytes += text
            }
        }
    }

    var members: [Member] = []
    var deliveries = 0

    var open: [Member] { self.members.filter(\.isOpen) }

    func audience(of route: Route, from sender: Member?) -> [Member] {
        switch route {
        case .others: self.open.filter { sender != nil && $0.room == sender?.room && $0 !== sender }
        case .everyone: self.open
        case .room(let name): self.open.filter { $0.room == name && $0 !== sender }
        case .only(let ids): self.open.filter { ids.contains($0.person.id) }
        }
    }

    static func line(_ text: [UInt8]) -> [UInt8] {
        var line: [UInt8] = []
        for (index, byte) in text.enumerated() {
            if byte == 0x0A, index > 0, text[index - 1] == 0x0D { continue }
            line.append(byte == 0x0A || byte == 0x0D ? 0x20 : byte)
        }
        return line + [0x0A]
    }
}

/// A hub and the naive relay, doing the same random things.
private final class Twins {
    static let rooms = ["tcp", "north", "south", "west"]
    static let dialects = ["plain", "loud", "mute"]
    static let wires: [WireEncoding] = [.raw, .line, .length, .datagram(limit: 1_400), .memory]

    let stage = Stage { $0.clients = 12 }
    let model = NaiveRelay()
    private var random: SplitMix64
    private var said = 0

    init(seed: UInt64) {
        self.random = SplitMix64(seed: seed)
    }

    func step() throws {
        switch Int.random(in: 0..<100, using: &self.random) {
        case 0..<12: try self.join()
        case 12..<18: self.converse()
        case 18..<26: self.endTick()
        default: self.act()
        }
    }

    /// What a policy, too, may do.
    private func act() {
        switch Int.random(in: 0..<100, using: &self.random) {
        case 0..<6: self.close()
        case 6..<20: self.move()
        case 20..<28: self.changeDialect()
        case 28..<36: self.changeWire()
        case 36..<56: self.send(.others)
        case 56..<64: self.send(.everyone)
        case 64..<74: self.send(.room(Self.rooms.randomElement(using: &self.random) ?? "tcp"))
        case 74..<86: self.send(.only(self.ids()))
        default: self.sendToOne()
        }
    }

    private func member() -> NaiveRelay.Member? { self.model.open.randomElement(using: &self.random) }

    private func change(_ body: (NaiveRelay.Member) -> Void) {
        if let member = self.member() { body(member) }
    }

    private func join() throws {
        let wire = Self.wires.randomElement(using: &self.random) ?? .raw
        guard let person = self.stage.tryJoin("somebody", wire: wire) else {
            #expect(self.model.open.count == 12)
            return
        }
        self.model.members.append(NaiveRelay.Member(person, wire))
    }

    private func close() {
        self.change { member in
            member.person.leaves()
            member.isOpen = false
            member.isClosing = true
        }
    }

    private func move() {
        let room = Self.rooms.randomElement(using: &self.random) ?? "tcp"
        self.change { member in
            #expect(member.person.moves(to: room))
            member.room = room
        }
    }

    private func changeDialect() {
        let dialect = Self.dialects.randomElement(using: &self.random) ?? "plain"
        self.change { member in
            #expect(member.person.speaks(dialect))
            member.dialect = dialect
        }
    }

    private func changeWire() {
        let wire = Self.wires.randomElement(using: &self.random) ?? .raw
        self.change { member in
            member.person.frames(wire)
            member.wire = wire
        }
    }

    /// Ids of some members, some of which may have left, repeat, or be unknown.
    private func ids() -> [Int64] {
        let count = Int.random(in: 0...4, using: &self.random)
        return (0..<count)
            .map { _ in
                self.model.members.randomElement(using: &self.random)?.person.id ?? 99
            } + (Bool.random(using: &self.random) ? [-1] : [])
    }

    /// A text that no other text equals, with some bytes that encoders must look at.
    private func text() -> [UInt8] {
        if Int.random(in: 0..<20, using: &self.random) == 0 { return [] }
        self.said += 1
        let hard: [UInt8] = [0x0A, 0x0D, 0x20, 0x00, 0xFF]
        let count = Int.random(in: 0...3, using: &self.random)
        return (0..<count).map { _ in hard.randomElement(using: &self.random) ?? 0 } + Array("\(self.said)".utf8)
            + (0..<count).map { _ in hard.randomElement(using: &self.random) ?? 0 }
    }

    /// What a text is in a dialect; nobody who uses "mute" gets anything.
    private func formatted(_ text: [UInt8], _ dialect: String) -> [UInt8]? {
        switch dialect {
        case "plain": text
        case "loud": text + Array("!".utf8)
        default: nil
        }
    }

    private func send(_ route: Route) {
        // Mostly somebody who is there, sometimes nobody, sometimes somebody who was just closed.
        let sender =
            switch Int.random(in: 0..<10, using: &self.random) {
            case 0: NaiveRelay.Member?.none
            case 1: self.model.members.filter { $0.isOpen || $0.isClosing }.randomElement(using: &self.random)
            default: self.member()
            }
        let text = self.text()
        let audience = self.model.audience(of: route, from: sender)
        let hub = self.stage.hub
        #expect(Set(hub.recipients(of: route, from: sender?.person.client)) == Set(audience.map(\.person.id)))
        let texts = FormattedTexts()
        while let dialect = hub.dialect(missingFrom: texts, on: route, from: sender?.person.client) {
            guard let bytes = self.formatted(text, hub.name(of: dialect).string) else {
                texts.withhold(from: dialect)
                continue
            }
            bytes.withUnsafeBytes { texts.set($0, for: dialect) }
        }
        var count = 0
        for member in audience {
            guard let bytes = self.formatted(text, member.dialect) else { continue }
            member.hear(bytes)
            count += 1
        }
        self.model.deliveries += count
        #expect(hub.deliver(texts, to: route, from: sender?.person.client).recipients == count)
    }

    private func sendToOne() {
        let text = self.text()
        self.change { member in
            #expect(text.withUnsafeBytes { self.stage.hub.send($0, to: member.person.client) })
            self.model.deliveries += 1
            member.hear(text)
        }
    }

    /// Several things happen while one message is decided.
    private func converse() {
        let count = Int.random(in: 1...4, using: &self.random)
        self.stage.policy.onRelay = { [unowned self] _ in
            for _ in 0..<count { self.act() }
        }
        self.member()?.person.says("talk")
    }

    func endTick() {
        self.stage.endTick()
        for member in self.model.members {
            var expected: [Ear.Event] = member.bytes.isEmpty ? [] : [.wrote(member.bytes)]
            if member.isClosing { expected.append(.closed) }
            #expect(member.person.ear.takeEvents() == expected, "client \(member.person.id)")
            member.bytes.removeAll()
            member.isClosing = false
        }
        #expect(self.stage.hub.clients().map(\.id) == self.model.open.map(\.person.id))
        #expect(self.stage.hub.counters.deliveries == self.model.deliveries)
        #expect(!self.stage.policy.wasCalledFromWithin)
    }
}

@Suite struct HubModelTests {
    @Test(arguments: 0..<300)
    func `whatever happens, each client gets in one write exactly what a naive relay would give it`(seed: Int) throws {
        let twins = Twins(seed: UInt64(seed))
        for _ in 0..<200 { try twins.step() }
        twins.endTick()
    }
}
