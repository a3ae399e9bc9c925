// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import NIOCore
internal import RelayCore

/// One client's connection: bytes in to messages, a tick's output out in one write.
///
/// Confined to the script loop. Input waits in the decoder until the relay's turn comes to it; beyond the input limit
/// the socket is not read, and TCP slows the sender down.
final class TCPConnection: ChannelDuplexHandler, InputSource {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let relay: TCPRelay
    private var context: ChannelHandlerContext?
    private var writer: TCPWriter?
    private var capture: StreamCapture?
    private(set) var client: Client?
    private var decoder: MessageDecoder

    /// Whether it waits in the relay's queue.
    var isQueued = false
    /// Why no more input will come, once that is so.
    private var endOfInput: String?
    private var isReadWithheld = false
    /// The hub has let go of the client; what is unsent may still leave.
    private var isClosing = false
    /// Since when nothing has come: since all that was read was used up.
    private var silentSince = NIODeadline.uptimeNanoseconds(0)
    private var isSilenceTimerSet = false
    private var closeTimer: Scheduled<Void>?
    /// Whether it waits, all sent, for the peer to end its side.
    private(set) var isLingering = false

    init(relay: TCPRelay) {
        self.relay = relay
        self.decoder = MessageDecoder(mode: relay.framing, limit: relay.hub.limits.messageBytes)
    }

    // MARK: Channel events

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        if let local = context.localAddress.flatMap(InternetAddress.init),
            let remote = context.remoteAddress.flatMap(InternetAddress.init)
        {
            self.capture = self.relay.capture?.connection(local: local, remote: remote)
        }
        let writer = TCPWriter(context: context, limits: self.relay.hub.limits, capture: self.capture)
        writer.onDrained = { [unowned self] in self.unsentBytesLeft() }
        self.writer = writer
        // A connection accepted just before the relay stopped gets here just after.
        guard !self.relay.isStopping, let origin = ClientOrigin(context.remoteAddress) else {
            return context.close(promise: nil)
        }
        let framing: Framing = self.decoder.isLineFramed ? .newline : .bare
        self.client = self.relay.join(self, origin, framing: framing)
        if self.client == nil { self.refuse(origin, framing: framing) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // A closing connection is read to its end but not listened to: an unread byte would turn the close into a
        // reset, which takes the last words with it.
        let bytes = self.unwrapInboundIn(data)
        bytes.withUnsafeReadableBytes { self.capture?.received($0) }
        guard !self.isClosing, self.client != nil else { return }
        self.decoder.append(bytes)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if self.decoder.pendingBytes > 0 { self.relay.turns.enqueue(self) }
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if !self.isClosing, self.decoder.pendingBytes >= self.relay.hub.limits.inputBytes {
            self.isReadWithheld = true
        } else {
            context.read()
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            self.inputEnded(self.writer?.isBroken == true ? "lost" : "left")
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.inputEnded("lost")
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.writer?.abandon()
        self.capture?.ended()
        self.inputEnded("lost")
        self.relay.forget(self)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.writer = nil
        self.closeTimer?.cancel()
    }

    private func inputEnded(_ reason: String) {
        if self.endOfInput == nil { self.endOfInput = reason }
        if self.isClosing {
            self.finishClosing()
        } else {
            self.relay.turns.enqueue(self)
        }
    }

    // MARK: Input

    func process(atMost count: Int, until deadline: NIODeadline) -> Bool {
        guard let client = self.client, !self.isClosing else { return false }
        let hub = self.relay.hub
        for _ in 0..<count {
            guard client.isOpen else { return false }
            guard let event = self.decoder.next({ hub.receive($0, from: client) }) else {
                self.inputUsedUp(client)
                return false
            }
            self.handle(event, client)
            if hub.isTickFull { self.relay.turns.endTick() }
            if NIODeadline.now() >= deadline { return true }
        }
        return true
    }

    func readAgain() -> Bool { self.relay.hasMoreInput(self) }

    /// Takes what has arrived since the last read, without waiting for the loop to say so; returns whether there was
    /// anything.
    ///
    /// The end of input and errors are left to the channel, which meets them on the same socket.
    func readAgain(into scratch: inout ByteBuffer) -> Bool {
        guard let writer = self.writer, !self.isClosing, self.endOfInput == nil,
            self.decoder.pendingBytes < self.relay.hub.limits.inputBytes, writer.receive(into: &scratch)
        else { return false }
        scratch.withUnsafeReadableBytes { self.capture?.received($0) }
        self.decoder.append(scratch)
        return true
    }

    private func handle(_ event: MessageDecoder.Event, _ client: Client) {
        switch event {
        case .message: break
        case .tooLong: self.relay.hub.refuseTooLong(from: client)
        case .lineFramed: self.relay.hub.setFraming(.newline, of: client)
        }
    }

    private func inputUsedUp(_ client: Client) {
        if let reason = self.endOfInput {
            if reason == "left", let event = self.decoder.finishLine({ self.relay.hub.receive($0, from: client) }) {
                self.handle(event, client)
            }
            self.relay.hub.close(client, reason: reason)
            return
        }
        self.decoder.compact()
        if self.decoder.hasPartialLine {
            self.silentSince = .now()
            self.setSilenceTimer()
        }
        if self.isReadWithheld {
            self.isReadWithheld = false
            self.context?.read()
        }
    }

    /// Delivers a partial line once nothing has come for a while, so that a client that sends no `\n` is heard.
    private func setSilenceTimer() {
        guard !self.isSilenceTimerSet, let context = self.context else { return }
        self.isSilenceTimerSet = true
        let silence = TimeAmount(self.relay.hub.limits.silence)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(deadline: self.silentSince + silence) { bound.value.silenceTimerFired(silence) }
    }

    private func silenceTimerFired(_ silence: TimeAmount) {
        self.isSilenceTimerSet = false
        guard let client = self.client, client.isOpen, !self.isQueued, self.decoder.hasPartialLine else { return }
        guard NIODeadline.now() >= self.silentSince + silence else { return self.setSilenceTimer() }
        // A loop that was busy may not have looked at the socket since: the rest of the line can be there.
        guard !self.relay.hasMoreInput(self) else { return self.relay.turns.enqueue(self) }
        if let event = self.decoder.finishLine({ self.relay.hub.receive($0, from: client) }) {
            self.handle(event, client)
        }
        self.relay.turns.schedule()
    }

    // MARK: The end

    /// Ends the connection at once; what is unsent is lost.
    func abort() {
        self.isClosing = true
        self.writer?.abandon()
        self.context?.close(promise: nil)
    }

    private func refuse(_ origin: ClientOrigin, framing: Framing) {
        if let text = self.relay.hub.refuse(origin) {
            self.writer?.write([text])
            if framing == .newline { withUnsafeBytes(of: UInt8(ascii: "\n")) { _ = self.writer?.write([$0]) } }
        }
        self.close()
    }

    private func unsentBytesLeft() {
        if self.isClosing { self.finishClosing() }
    }

    /// Once all is sent: ends our side, and waits a moment for the peer to end its side.
    private func finishClosing() {
        guard let context = self.context, let writer = self.writer else { return }
        if self.endOfInput != nil, writer.unsentBytes == 0 || !context.channel.isActive {
            context.close(promise: nil)
        } else if writer.unsentBytes == 0, !writer.isOutputClosed {
            writer.isOutputClosed = true
            guard self.relay.mayLinger() else { return context.close(promise: nil) }
            self.isLingering = true
            context.close(mode: .output, promise: nil)
            self.closeLater(after: .seconds(1))
        }
    }

    private func closeLater(after time: TimeAmount) {
        guard let context = self.context else { return }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        self.closeTimer?.cancel()
        self.closeTimer = context.eventLoop.scheduleTask(in: time) { bound.value.context?.close(promise: nil) }
    }
}

extension TCPConnection: ClientOutlet {
    func write(_ pieces: [UnsafeRawBufferPointer]) {
        guard let writer = self.writer else { return }
        switch writer.write(pieces) {
        case .sent: break
        case .dropped(let isFirst): self.relay.dropped(self, isFirst: isFirst)
        case .tooSlow: self.relay.tooSlow(self)
        }
    }

    func close() {
        guard !self.isClosing else { return }
        self.isClosing = true
        // Input that was withheld must be read to its end.
        if self.isReadWithheld {
            self.isReadWithheld = false
            self.context?.read()
        }
        self.closeLater(after: TimeAmount(self.relay.hub.limits.flushTime))
        self.finishClosing()
    }

    /// Lets one more text through to a client that is being dropped for.
    func allowOneWrite() { self.writer?.allowOneWrite() }
}

extension ClientOrigin {
    /// The origin of a TCP client; nil for what is no Internet address.
    init?(_ address: SocketAddress?) {
        guard let address, let host = address.ipAddress, let port = address.port else { return nil }
        // What comes over IPv4 to a socket of both families is shown as what it is.
        let mapped = "::ffff:"
        let isMapped = host.hasPrefix(mapped) && host.contains(".")
        self.init(transport: "tcp", host: isMapped ? String(host.dropFirst(mapped.count)) : host, port: port)
    }
}
