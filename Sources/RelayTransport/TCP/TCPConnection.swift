// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import RelayCore
internal import Scheduling
internal import WireFormats

/// One client's connection: bytes in to messages, a tick's output out in one write.
///
/// Confined to the script loop. Input waits in the socket until the tick comes to it, and then in the decoder; beyond the
/// input limit the socket is not read, and TCP slows the sender down.
final class TCPConnection: InputSource {
    private let relay: TCPRelay
    /// Its number among the relay's connections.
    let slot: Int32
    /// Whether the hub may still name its slot.
    var isHeldByHub = false
    private var socket: TCPSocket
    private var writer: TCPWriter
    private let capture: StreamCapture?
    private(set) var client: Client?
    private var decoder: MessageDecoder
    private var watch: ScriptLoop.Watch?
    private var interest: DescriptorState = .readable

    /// Whether it waits for its place in a tick.
    var isQueued = false
    /// Why no more input will come, once that is so.
    private var endOfInput: String?
    /// The hub has closed the client; what is unsent may still leave.
    private var isClosing = false
    /// Whether our direction was ended.
    private var isOutputEnded = false
    /// Since when nothing has come: since all that was read was used up.
    private var silentSince = Moment.past
    private var isSilenceTimerSet = false
    private var closeDeadline: LoopDeadline?
    /// Memory of its unsent bytes, as far as the relay knows.
    private(set) var unsentMemory = 0
    /// Whether its unsent bytes were dropped because all connections together had too many.
    private(set) var hasDroppedUnsent = false
    /// Whether it waits, all sent, for the peer to end its side.
    private(set) var isLingering = false

    init(_ socket: TCPSocket, at slot: Int32, relay: TCPRelay, capture: StreamCapture?) {
        self.slot = slot
        self.socket = socket
        self.relay = relay
        self.capture = capture
        self.writer = TCPWriter(limits: relay.hub.limits, capture: capture)
        self.decoder = MessageDecoder(relay.format, limit: relay.hub.limits.messageBytes)
    }

    /// Joins the hub, or tells the client that it cannot.
    func begin(_ origin: ClientOrigin) {
        guard let watch = self.relay.loop.watch(self.socket.descriptor, for: self.interest, self) else {
            return self.destroy()
        }
        self.watch = watch
        let wire = self.decoder.encoding
        self.isHeldByHub = true
        self.relay.peers.setDirect(self.writer.isDirect, self.slot)
        let address = OutboundAddress(sink: self.relay.sink, slot: self.slot)
        self.client = self.relay.hub.join(origin, wire: wire, to: address)
        self.isHeldByHub = self.client != nil
        if self.client == nil { self.refuse(origin, wire) }
    }

    private func refuse(_ origin: ClientOrigin, _ wire: WireEncoding) {
        if let text = self.relay.hub.refuse(origin, wire: wire), text.count <= wire.textLimit {
            let buffer = TickBuffer()
            self.write([buffer[wire.append(text, to: buffer)]])
        }
        self.close()
    }

    // MARK: Input

    func process(atMost count: Int, until deadline: Moment) -> Bool {
        guard let client = self.client, !self.isClosing else { return false }
        defer { self.decoder.keepRest() }
        let hub = self.relay.hub
        var hasRead = false
        for _ in 0..<count {
            guard client.isOpen else { return false }
            guard let event = self.decoder.next({ hub.receive($0, from: client) }) else {
                // Once a visit: who sends faster than it is decided must not keep the others waiting.
                if !hasRead, self.receive() {
                    hasRead = true
                    continue
                }
                self.inputUsedUp(client)
                return false
            }
            self.handle(event, client)
            if hub.isTickFull { self.relay.ticks.endTick() }
            if Moment.now >= deadline { return true }
        }
        return true
    }

    /// Reads what has arrived into the relay's memory, which the decoder borrows; returns whether there was anything.
    private func receive() -> Bool {
        guard self.endOfInput == nil, self.decoder.pendingBytes < self.relay.hub.limits.inputBytes else { return false }
        switch self.socket.receive(into: self.relay.memory) {
        case .bytes(let count):
            self.decoder.keepRest()
            let bytes = UnsafeRawBufferPointer(rebasing: self.relay.memory[..<count])
            self.capture?.received(bytes)
            self.decoder.begin(bytes)
        case .nothing: return false
        // What a broken connection reads as an end is none: the other side has not said that it leaves.
        case .end: self.endOfInput = self.writer.isBroken ? "lost" : "left"
        case .failure: self.endOfInput = "lost"
        }
        self.updateInterest()
        return true
    }

    func readAgain() -> Bool {
        guard !self.isClosing, self.client?.isOpen == true else { return false }
        defer { self.decoder.keepRest() }
        return self.receive()
    }

    private func handle(_ event: MessageDecoder.Event, _ client: Client) {
        switch event {
        case .text: break
        case .tooLong: self.relay.hub.refuseTooLong(from: client)
        case .encodingChanged: self.relay.hub.setWire(self.decoder.encoding, of: client)
        }
    }

    private func inputUsedUp(_ client: Client) {
        if let reason = self.endOfInput {
            if reason == "left", let event = self.decoder.endOfInput({ self.relay.hub.receive($0, from: client) }) {
                self.handle(event, client)
            }
            self.relay.hub.close(client, reason: reason)
            return
        }
        if self.decoder.awaitsSilence {
            self.silentSince = .now
            self.setSilenceTimer()
        }
        self.updateInterest()
    }

    /// Delivers a partial line once nothing has come for a while, so that a client that sends no `\n` is heard.
    private func setSilenceTimer() {
        guard !self.isSilenceTimerSet else { return }
        self.isSilenceTimerSet = true
        let end = self.silentSince + self.relay.hub.limits.silence
        self.relay.loop.schedule(at: end) { [weak self] in self?.silenceTimerFired(end) }
    }

    private func silenceTimerFired(_ end: Moment) {
        self.isSilenceTimerSet = false
        guard let client = self.client, client.isOpen, !self.isQueued, self.decoder.awaitsSilence else { return }
        guard self.silentSince + self.relay.hub.limits.silence <= end else { return self.setSilenceTimer() }
        // A loop that was busy may not have looked at the socket since: the rest of the line can be there.
        guard !self.readAgain() else { return self.relay.ticks.enqueue(self) }
        if let event = self.decoder.silence({ self.relay.hub.receive($0, from: client) }) {
            self.handle(event, client)
        }
    }

    // MARK: Waiting

    /// Waits for what is wanted of the socket now.
    private func updateInterest() {
        guard let watch = self.watch else { return }
        var wanted: DescriptorState = []
        let mayRead = self.isClosing || self.decoder.pendingBytes < self.relay.hub.limits.inputBytes
        if self.endOfInput == nil, mayRead { wanted.insert(.readable) }
        if self.writer.unsentBytes > 0 { wanted.insert(.writable) }
        guard wanted != self.interest else { return }
        self.interest = wanted
        self.relay.loop.change(watch, to: wanted)
    }

    /// Tells the relay by how much the memory of what is unsent has changed.
    private func countUnsent() {
        self.relay.peers.setDirect(!self.isOutputEnded && self.socket.isOpen && self.writer.isDirect, self.slot)
        let change = self.writer.memory - self.unsentMemory
        guard change != 0 else { return }
        self.unsentMemory += change
        self.relay.noteUnsent(change)
    }

    /// Forgets what is unsent: all connections together have too much.
    ///
    /// The connection is to be ended after the tick.
    func dropUnsent() {
        self.writer.abandon()
        self.hasDroppedUnsent = true
        self.countUnsent()
    }

    // MARK: The end

    /// Ends the connection at once; what is unsent is lost.
    func abort() {
        self.isClosing = true
        self.destroy()
    }

    /// Once all is sent: ends our side, and waits a moment for the peer to end its side.
    private func finishClosing() {
        guard self.socket.isOpen, self.writer.unsentBytes == 0 else { return }
        guard self.endOfInput == nil, !self.writer.isBroken else { return self.destroy() }
        guard !self.isOutputEnded else { return }
        self.isOutputEnded = true
        self.relay.peers.setDirect(false, self.slot)
        guard self.relay.mayLinger() else { return self.destroy() }
        self.isLingering = true
        self.socket.endOutput()
        self.closeLater(after: .seconds(1))
    }

    private func closeLater(after time: Duration) {
        self.closeDeadline?.cancel()
        self.closeDeadline = self.relay.loop.schedule(at: .now + time) { [weak self] in self?.destroy() }
    }

    /// Closes the socket.
    private func destroy() {
        guard self.socket.isOpen else { return }
        if let watch = self.watch { self.relay.loop.unwatch(watch) }
        self.watch = nil
        self.socket.close()
        self.writer.abandon()
        self.countUnsent()
        self.closeDeadline?.cancel()
        self.closeDeadline = nil
        self.capture?.ended()
        self.relay.forget(self)
    }
}

extension TCPConnection: DescriptorSource {
    func descriptorReady(_ state: DescriptorState) {
        if state.contains(.writable) {
            self.writer.writeBacklog(to: self.socket)
            self.countUnsent()
            self.updateInterest()
            if self.isClosing { self.finishClosing() }
        }
        guard !state.isDisjoint(with: [.readable, .hungUp]) else { return }
        if self.isClosing {
            self.skipInput(hungUp: state.contains(.hungUp))
        } else {
            self.relay.ticks.enqueue(self)
        }
    }

    /// Reads a closing connection to its end without listening: an unread byte would turn the close into a reset, which takes
    /// the last words with it.
    private func skipInput(hungUp: Bool) {
        guard self.socket.isOpen else { return }
        switch self.socket.receive(into: self.relay.memory) {
        case .bytes(let count):
            self.capture?.received(UnsafeRawBufferPointer(rebasing: self.relay.memory[..<count]))
            return
        case .nothing: if !hungUp { return }
        case .end: self.endOfInput = self.endOfInput ?? "left"
        case .failure: self.endOfInput = "lost"
        }
        // After a hang-up nothing that is sent arrives.
        if hungUp { return self.destroy() }
        self.updateInterest()
        self.finishClosing()
    }
}

// MARK: Output

extension TCPConnection {
    /// Whether its socket is closed.
    var isDestroyed: Bool { !self.socket.isOpen }

    /// Takes one tick's bytes, of which some may have been sent already.
    func write(_ pieces: [UnsafeRawBufferPointer], alreadySent sent: Int? = nil) {
        guard !self.isOutputEnded, self.socket.isOpen else { return }
        let outcome = self.writer.write(pieces, to: self.socket, alreadySent: sent)
        self.updateInterest()
        self.countUnsent()
        switch outcome {
        case .sent: break
        case .dropped(let isFirst): self.relay.dropped(self, isFirst: isFirst)
        case .tooSlow: self.relay.tooSlow(self)
        }
    }

    func close() {
        guard !self.isClosing else { return }
        self.isClosing = true
        // Input that was withheld must be read to its end.
        self.updateInterest()
        self.closeLater(after: self.relay.hub.limits.flushTime)
        self.finishClosing()
    }

    /// Lets one more text through to a client that is being dropped for.
    func allowOneWrite() { self.writer.allowOneWrite() }
}
