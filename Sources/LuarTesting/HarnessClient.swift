// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import RelayCore
internal import WireFormats

/// Somebody in a harness's chat.
///
/// Over TCP it is connected from the beginning; over UDP its first text lets it in, and a ping does not.
public final class HarnessClient {
    private unowned let harness: HookHarness
    let origin: ClientOrigin
    private var client: Client?
    private var asked = 0
    /// Everything it has received so far, text by text.
    ///
    /// Bytes that are not UTF-8 are U+FFFD here.
    public private(set) var heard: [String] = []

    init(_ harness: HookHarness, _ origin: ClientOrigin) {
        self.harness = harness
        self.origin = origin
    }

    /// What it has received since this was last asked, text by text.
    ///
    /// So a test reads as a transcript; ``heard`` has everything.
    public var hears: [String] {
        defer { self.asked = self.heard.count }
        return Array(self.heard[self.asked...])
    }

    /// Its number, which scripts see as `client.id`; nil before it has come in.
    public var id: Int64? { self.client?.id }
    /// What it is called.
    public var name: String { self.client?.name.string ?? self.origin.address }
    /// The room it is in, or was in last; nil before it has come in.
    public var room: String? { self.client?.room.string }
    /// The dialect it is addressed in; nil before it has come in.
    public var dialect: String? { self.client.map { self.harness.hub.name(of: $0.dialect).string } }
    /// Whether it has come in, or is being asked something at the door, and has not left or been closed.
    public var isHere: Bool { self.client?.isOpen ?? false }
    /// Why it is not here any more: `left`, `refused`, or a script's reason; `full` at the clients limit.
    public var reason: String? { self.isFull ? "full" : self.client?.closeReason }
    private var isFull = false
    /// What it has said while it was not known whether it is let in.
    private var waiting: [[UInt8]] = []
    /// How texts to it are wrapped.
    private var wire: WireEncoding {
        self.origin.transport.socketType == .datagram
            ? .datagram(limit: self.harness.hub.limits.datagramBytes) : .memory
    }

    /// Sends a text: over TCP a message, over UDP a datagram.
    ///
    /// As in the relay, an empty one is none, one over the message limit is refused, and nobody hears who has left.
    public func says(_ text: String) { self.sends(Array(text.utf8)) }

    /// Sends a text's bytes, which may be anything.
    public func sends(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        bytes.withUnsafeBytes { self.receive($0) }
        self.harness.endTick()
    }

    /// Leaves.
    ///
    /// - Parameter reason: What `disconnect` hooks see: `left`, `lost`, `slow`, `unreachable`, `idle`.
    public func leaves(_ reason: String = "left") {
        guard let client = self.client else { return }
        self.harness.hub.close(client, reason: reason)
        self.harness.endTick()
    }

    /// Its address turns out to reach nobody.
    func turnsOutUnreachable() {
        guard let client = self.client else { return }
        self.harness.hub.unreachable(client)
        self.harness.endTick()
    }

    /// The host has something to say to it.
    func getsSystemMessage(_ kind: SystemMessageKind) {
        guard let client = self.client else { return }
        self.harness.hub.sendSystemMessage(kind, to: client)
        self.harness.endTick()
    }

    /// Connects.
    func connect() {
        let hub = self.harness.hub
        self.client = hub.join(self.origin, wire: self.wire, receiver: HarnessOutlet(self))
        if self.client == nil { self.refuse(saying: nil) }
        self.harness.note(self)
        self.harness.endTick()
    }

    /// Says what waited until it was let in.
    fileprivate func sayWaiting() {
        let texts = self.waiting
        self.waiting = []
        for text in texts { text.withUnsafeBytes { self.receive($0) } }
    }

    private func receive(_ text: UnsafeRawBufferPointer) {
        let hub = self.harness.hub
        if let client = self.client, client.isOpen {
            // A connection is not read meanwhile.
            if client.awaitsLateAnswer, self.origin.transport.socketType == .stream {
                if self.harness.budget.admit(text.count) { self.waiting.append(Array(text)) }
                return
            }
            let isTooLong = text.count > hub.limits.messageBytes && self.origin.transport.socketType == .stream
            if isTooLong { hub.refuseTooLong(from: client) } else { hub.receive(text, from: client) }
            return
        }
        // A client that has left its connection has none to speak on; the next datagram lets it in again.
        guard self.origin.transport.socketType == .datagram else { return }
        if let answer = hub.ping(text, from: self.origin) { return self.hear(answer) }
        guard let client = hub.join(self.origin, wire: self.wire, receiver: HarnessOutlet(self), saying: text) else {
            return self.refuse(saying: text)
        }
        self.client = client
        self.harness.note(self)
        if client.isOpen, !client.isPendingAdmission { hub.receive(text, from: client, mayBePing: false) }
    }

    private func refuse(saying text: UnsafeRawBufferPointer?) {
        self.isFull = true
        if let words = self.harness.hub.refuse(self.origin, wire: self.wire, saying: text) { self.hear(words) }
    }

    fileprivate func hear(_ text: UnsafeRawBufferPointer) {
        guard self.harness.keepsHeard, self.harness.budget.admit(text.count) else { return }
        self.heard.append(String(decoding: text, as: UTF8.self))
    }
}

/// Takes what the hub has for a client.
private final class HarnessOutlet: MemoryReceiver {
    private unowned let client: HarnessClient

    init(_ client: HarnessClient) { self.client = client }

    func write(_ pieces: [UnsafeRawBufferPointer]) {
        for piece in pieces {
            for range in DatagramTexts(piece) { self.client.hear(UnsafeRawBufferPointer(rebasing: piece[range])) }
        }
    }

    // In memory there is no connection to end.
    func close() {}

    func resume() { self.client.sayWaiting() }
}

extension HarnessClient: CustomStringConvertible {
    /// Its name and address.
    public var description: String { "\(self.name) (\(self.origin.transport.name) \(self.origin.address))" }
}
