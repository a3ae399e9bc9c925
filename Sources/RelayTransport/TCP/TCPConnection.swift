// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import RelayCore
internal import Scheduling
internal import WireFormats

/// One client's connection: bytes in to messages, a tick's output out in one write.
///
/// Confined to the script loop. ``ConnectionState`` decides what happens; this carries it out. Input waits in the socket until
/// the tick comes to it, and then in the decoder; beyond the input limit the socket is not read, and TCP slows the sender down.
final class TCPConnection: InputSource {
    private let relay: TCPRelay
    /// Its number among the relay's connections.
    let slot: Int32
    /// Whether the hub may still name its slot.
    var isHeldByHub = false
    private let origin: ClientOrigin
    private var socket: TCPSocket
    private var writer: TCPWriter
    private let capture: StreamCapture?
    private(set) var client: Client?
    private var preamble: Preamble
    private var decoder: MessageDecoder
    private var silence: SilenceTimer
    /// When something was last read.
    private var lastRead = Moment.past
    /// Whether the client waited to be let in, and what was read then is still to be cut.
    private var hasWaited = false
    @exclusivity(unchecked) private var state = ConnectionState()
    private var watch: ScriptLoop.Watch?
    private var interest: DescriptorState = .readable
    /// When the state is told that time is over.
    private var deadline: LoopDeadline?
    /// Whether it waits for its place in a tick.
    var isQueued = false
    /// Memory of its unsent bytes, as far as the relay knows.
    private(set) var unsentMemory = 0

    /// How long the other side has to end its direction once ours has ended.
    private static let lingerTime = Duration.seconds(1)
    /// Reads that may wait until the client is let in, where each is a text.
    private static let mostReads = 1_024

    init(_ socket: TCPSocket, at slot: Int32, from origin: ClientOrigin, relay: TCPRelay, capture: StreamCapture?) {
        let limits = relay.hub.limits
        self.slot = slot
        self.socket = socket
        self.origin = origin
        self.relay = relay
        self.capture = capture
        self.preamble = Preamble(relay.preamble())
        self.writer = TCPWriter(limits: limits, capture: capture)
        self.decoder = MessageDecoder(relay.format, limit: limits.messageBytes)
        self.silence = SilenceTimer(limits.silence)
    }

    /// Whether its unsent bytes were dropped because all connections together had too many.
    var hasDroppedUnsent: Bool { self.state.hasDroppedUnsent }
    /// Whether it has waited for the other side to end its direction.
    var hasLingered: Bool { self.state.hasLingered }
    /// Whether it has not come so far as to join the hub.
    var isInPreamble: Bool { self.state.phase == .preamble }

    /// Begins with the preamble.
    func begin() {
        guard let watch = self.relay.loop.watch(self.socket.descriptor, for: self.interest, self) else {
            return self.abort()
        }
        self.watch = watch
        self.advancePreamble(UnsafeRawBufferPointer(start: nil, count: 0))
    }

    /// Ends the connection at once; what is unsent is lost.
    func abort() { self.handle(.aborted) }

    // MARK: Deciding

    private func handle(_ event: ConnectionState.Event) {
        switch self.state.take(event) {
        case .nothing: break
        case .join: self.join()
        case .leave(let end): self.leave(end)
        case .drain:
            // Input that was withheld must be read to its end.
            self.updateInterest()
            self.setDeadline(after: self.relay.hub.limits.flushTime)
        case .linger:
            self.relay.noteLingering()
            self.updateInterest()
            self.socket.endOutput()
            self.setDeadline(after: Self.lingerTime)
        case .destroy: self.destroy()
        }
    }

    private func setDeadline(after time: Duration) {
        self.deadline?.cancel()
        self.deadline = self.relay.loop.schedule(at: .now + time) { [weak self] in self?.handle(.deadlinePassed) }
    }

    /// Waits for what is wanted of the socket now.
    private func updateInterest() {
        self.updateDirect()
        guard let watch = self.watch else { return }
        let wanted = self.state.interest(isInputFull: self.isInputFull)
        guard wanted != self.interest else { return }
        self.interest = wanted
        self.relay.loop.change(watch, to: wanted)
    }

    /// Whether as much input waits as may.
    private var isInputFull: Bool {
        self.decoder.pendingBytes >= self.relay.hub.limits.inputBytes || self.decoder.waitingReads >= Self.mostReads
    }

    /// Says whether bytes for it may go to its socket at once.
    private func updateDirect() {
        // Then its slot may be another connection's.
        guard !self.isDestroyed else { return }
        self.relay.peers.setDirect(self.state.mayWrite && self.writer.isDirect, self.slot)
    }

    private func advancePreamble(_ bytes: UnsafeRawBufferPointer) {
        let progress = self.preamble.receive(bytes) {
            self.decoder.begin($0)
            self.decoder.keepRest()
        }
        switch progress {
        case .passed: self.handle(.preamblePassed)
        case .begun(let timeLimit): self.setDeadline(after: timeLimit)
        case .incomplete: break
        case .failed: self.handle(.preambleFailed)
        }
    }

    /// Joins the hub, or tells the client that it cannot.
    private func join() {
        self.deadline?.cancel()
        self.deadline = nil
        let (hub, wire) = (self.relay.hub, self.decoder.encoding)
        self.isHeldByHub = true
        self.updateDirect()
        self.client = hub.join(self.origin, wire: wire, to: OutboundAddress(sink: self.relay.sink, slot: self.slot))
        self.isHeldByHub = self.client != nil
        guard self.client == nil else { return }
        if let text = hub.refuse(self.origin, wire: wire), text.count <= wire.textLimit {
            let buffer = TickBuffer()
            self.write([buffer[wire.append(text, to: buffer)]])
        }
        self.close()
    }

    /// Leaves the hub once everything before the end of input was passed on.
    private func leave(_ end: ConnectionState.InputEnd) {
        guard let client = self.client else { return }
        if end == .left { self.passUnfinishedLine(of: client) }
        self.relay.hub.close(client, reason: end.rawValue)
    }

    /// Closes the socket.
    private func destroy() {
        if let watch = self.watch { self.relay.loop.unwatch(watch) }
        self.watch = nil
        self.socket.close()
        self.writer.abandon()
        self.countUnsent()
        self.deadline?.cancel()
        self.deadline = nil
        self.capture?.ended()
        self.relay.peers.setDirect(false, self.slot)
        self.relay.forget(self)
    }
}

// MARK: Input

extension TCPConnection {
    func process(atMost count: Int, until deadline: Moment) -> Bool {
        if self.isInPreamble { _ = self.receive() }
        guard let client = self.client, self.state.phase == .open else { return false }
        defer { self.decoder.keepRest() }
        if client.awaitsLateAnswer {
            self.readAhead()
        } else if self.hasWaited {
            self.hasWaited = false
            self.endRead()
        }
        var left = count
        var hasRead = false
        while left > 0 {
            guard client.isOpen, !client.awaitsLateAnswer else {
                self.hasWaited = client.awaitsLateAnswer
                return false
            }
            let taken = self.pass(atMost: left, from: client) { Moment.now < deadline }
            guard taken > 0 else {
                // Once a visit: who sends faster than it is decided must not keep the others waiting.
                if !hasRead, self.receive() {
                    hasRead = true
                    continue
                }
                self.inputUsedUp()
                return false
            }
            left -= taken
            if self.relay.hub.isTickFull { self.relay.ticks.endTick() }
            if Moment.now >= deadline { return true }
        }
        return true
    }

    /// Passes what is there to the hub, as one batch, and returns how many items of it were taken.
    private func pass(atMost count: Int, from client: Client, while mayGoOn: () -> Bool) -> Int {
        let batch = self.relay.batch
        let rest = self.decoder.cut(atMost: count, into: batch) {
            self.relay.hub.receive(batch, from: client, while: mayGoOn)
        }
        self.decoder.advance(to: rest)
        return batch.taken
    }

    /// Passes an unfinished line to the hub, if the wire format takes it as a text.
    private func passUnfinishedLine(of client: Client) {
        self.decoder.endLine()
        _ = self.pass(atMost: 1, from: client) { false }
    }

    /// Reads while it is not known whether the client is let in: texts wait, up to the input limit, but that it leaves is
    /// noticed.
    private func readAhead() {
        self.hasWaited = true
        if !self.isInputFull {
            self.endRead()
            _ = self.receive()
        }
        // Who is gone could not hear what is answered.
        if self.decoder.pendingBytes == 0 || self.state.inputEnd == .lost { self.inputUsedUp() }
    }

    /// Notes that what was read before ends here, though it is not cut yet.
    private func endRead() {
        self.decoder.endRead(afterSilence: Moment.now - self.lastRead >= self.relay.hub.limits.silence)
    }

    func readAgain() -> Bool {
        guard let client = self.client, client.isOpen, !client.awaitsLateAnswer else { return false }
        defer { self.decoder.keepRest() }
        return self.receive()
    }

    /// Reads what has arrived into the relay's memory, which the decoder borrows; returns whether there was anything.
    ///
    /// Called when all that was read before is used up: the decoder then has no more than the beginning of a text.
    private func receive() -> Bool {
        guard self.state.mayRead else { return false }
        switch self.socket.receive(into: self.relay.memory) {
        case .bytes(let count):
            let bytes = UnsafeRawBufferPointer(rebasing: self.relay.memory[..<count])
            self.capture?.received(bytes)
            self.lastRead = .now
            self.handle(.inputArrived)
            if self.isInPreamble {
                self.advancePreamble(bytes)
            } else {
                self.decoder.keepRest()
                self.decoder.begin(bytes)
            }
        case .nothing: return false
        case .end: self.handle(.inputEnded(.left))
        case .failure: self.handle(.inputEnded(.lost))
        }
        self.updateInterest()
        return true
    }

    private func inputUsedUp() {
        self.handle(.inputUsedUp)
        if self.state.mayRead, self.decoder.awaitsSilence, let moment = self.silence.start(at: .now) {
            self.setSilenceTimer(moment)
        }
        self.updateInterest()
    }

    /// Delivers a partial line once nothing has come for a while, so that a client that sends no `\n` is heard.
    private func setSilenceTimer(_ moment: Moment) {
        self.relay.loop.schedule(at: moment) { [weak self] in self?.silenceTimerFired(moment) }
    }

    private func silenceTimerFired(_ moment: Moment) {
        guard let client = self.client else { return }
        let isHeard = client.isOpen && !client.awaitsLateAnswer
        let isAwaited = isHeard && !self.isQueued && self.decoder.awaitsSilence
        switch self.silence.fired(at: moment, isAwaited: isAwaited) {
        case .idle: break
        case .early(let next): self.setSilenceTimer(next)
        case .silent:
            // A loop that was busy may not have looked at the socket since: the rest of the line can be there.
            guard !self.readAgain() else { return self.relay.ticks.enqueue(self) }
            self.passUnfinishedLine(of: client)
        }
    }
}

extension TCPConnection: DescriptorSource {
    func descriptorReady(_ state: DescriptorState) {
        if state.contains(.writable) {
            self.writer.writeBacklog(to: self.socket)
            self.outputChanged()
        }
        guard !state.isDisjoint(with: [.readable, .hungUp]) else { return }
        // Its texts are not read to their end meanwhile, where the error would be found.
        if state.contains(.hungUp), self.client?.awaitsLateAnswer == true { self.handle(.inputEnded(.lost)) }
        if self.state.skipsInput {
            self.skipInput(hungUp: state.contains(.hungUp))
        } else if self.state.phase != .closed {
            self.relay.ticks.enqueue(self)
        }
    }

    /// Reads a closing connection to its end without listening: an unread byte would turn the close into a reset, which takes
    /// the last words with it.
    private func skipInput(hungUp: Bool) {
        switch self.socket.receive(into: self.relay.memory) {
        case .bytes(let count):
            self.capture?.received(UnsafeRawBufferPointer(rebasing: self.relay.memory[..<count]))
            return
        case .nothing: break
        case .end: self.handle(.inputEnded(.left))
        case .failure: self.handle(.inputEnded(.lost))
        }
        if hungUp { self.handle(.hungUp) }
        self.updateInterest()
    }
}

// MARK: Output

extension TCPConnection {
    /// Whether its socket is closed.
    var isDestroyed: Bool { self.state.phase == .closed }

    /// Takes one tick's bytes, of which some may have been sent already.
    func write(_ pieces: [UnsafeRawBufferPointer], alreadySent sent: Int? = nil) {
        guard self.state.mayWrite else { return }
        let outcome = self.writer.write(pieces, to: self.socket, alreadySent: sent)
        self.outputChanged()
        switch outcome {
        case .sent: break
        case .dropped(let isFirst): self.relay.dropped(self, isFirst: isFirst)
        case .tooSlow: self.relay.tooSlow(self)
        }
    }

    func close() { self.handle(.hubClosed(mayLinger: self.relay.mayLinger)) }

    /// Lets one more text through to a client that is being dropped for.
    func allowOneWrite() { self.writer.allowOneWrite() }

    private func outputChanged() {
        self.countUnsent()
        let hasUnsent = self.writer.unsentBytes > 0
        self.handle(
            .outputChanged(hasUnsent: hasUnsent, isBroken: self.writer.isBroken, mayLinger: self.relay.mayLinger)
        )
        self.updateInterest()
    }

    /// Tells the relay by how much the memory of what is unsent has changed.
    private func countUnsent() {
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
        self.handle(.unsentDropped)
        self.countUnsent()
        self.updateDirect()
    }
}
