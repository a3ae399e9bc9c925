// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayCore
import Testing
import WireFormats

/// A hub with scripted rules, and people who talk through it.
///
/// Everybody hears the others unless a test says otherwise.
final class Stage {
    let hub: Hub
    let policy = ScriptedPolicy()
    private var port = 0

    init(
        _ adjust: (inout Limits) -> Void = { _ in },
        node: Int64 = 0,
        bus: any MessageBus = ProcessBus(),
        clock: @escaping () -> Double = { 0 }
    ) {
        var limits = Limits()
        adjust(&limits)
        let hub = Hub(limits: limits, node: node, bus: bus, clock: clock)
        self.hub = hub
        hub.policy = self.policy
        self.policy.hub = hub
        self.policy.onRelay = { [unowned hub] message in
            _ = hub.send(message.text, to: .others, from: message.sender)
        }
    }

    deinit {
        self.hub.policy = nil
    }

    /// Lets somebody in; nil when the hub does not.
    func tryJoin(
        _ name: String,
        wire: WireEncoding = .raw,
        transport: TransportKind = .tcp,
        saying text: String? = nil
    ) -> Person? {
        self.port += 1
        let origin = ClientOrigin(transport: transport, host: "192.0.2.1", port: self.port)
        let ear = Ear()
        let client =
            if let text {
                withBytes(text) { self.hub.join(origin, wire: wire, receiver: ear, saying: $0) }
            } else {
                self.hub.join(origin, wire: wire, receiver: ear)
            }
        guard let client else { return nil }
        if client.name.string == client.address.string { self.hub.rename(client, to: name) }
        return Person(stage: self, client: client, ear: ear)
    }

    /// Lets somebody in, into a room.
    func join(_ name: String, room: String? = nil, wire: WireEncoding = .raw) throws -> Person {
        let person = try #require(self.tryJoin(name, wire: wire))
        if let room { try #require(person.moves(to: room)) }
        return person
    }

    /// Sends a text along a route and returns the number of recipients.
    @discardableResult
    func sends(_ text: String, to route: Route, from sender: Person? = nil) -> Int {
        withBytes(text) { self.hub.send($0, to: route, from: sender?.client) }
    }

    func endTick() { self.hub.endTick() }
}

/// A client and its ear.
final class Person {
    let client: Client
    let ear: Ear
    let stage: Stage

    init(stage: Stage, client: Client, ear: Ear) {
        self.stage = stage
        self.client = client
        self.ear = ear
    }

    var id: Int64 { self.client.id }

    func says(_ text: String) {
        _ = withBytes(text) { self.stage.hub.receive($0, from: self.client) }
    }

    /// Is sent a text of its own; false if it has left.
    @discardableResult
    func isTold(_ text: String) -> Bool {
        withBytes(text) { self.stage.hub.send($0, to: self.client) }
    }

    @discardableResult
    func moves(to room: String) -> Bool { self.stage.hub.move(self.client, to: room) }

    @discardableResult
    func speaks(_ dialect: String) -> Bool { self.stage.hub.setDialect(dialect, of: self.client) }

    func frames(_ wire: WireEncoding) { self.stage.hub.setWire(wire, of: self.client) }

    func leaves(_ reason: String = "left") { self.stage.hub.close(self.client, reason: reason) }

    /// What it was given since this was last asked, one text per write; its close is not part of it.
    func hears() -> [String] {
        self.hearsBytes().map { String(decoding: $0, as: UTF8.self) }
    }

    func hearsBytes() -> [[UInt8]] {
        self.ear.takeEvents()
            .compactMap { event in
                guard case .wrote(let bytes) = event else { return nil }
                return bytes
            }
    }
}

func withBytes<Result>(_ text: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    Array(text.utf8).withUnsafeBytes(body)
}

extension FormattedTexts {
    func set(_ text: String, for dialect: Dialect) {
        withBytes(text) { self.set($0, for: dialect) }
    }
}
