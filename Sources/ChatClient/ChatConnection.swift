// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import HostSettings
internal import NIOCore
internal import NIOPosix
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// One attempt to reach a server, and the connection that comes of it.
///
/// It lives on a thread of NIO's and leaves what happens in a mailbox for the loop's thread, which `wake` wakes.
final class ChatConnection: Sendable {
    /// What happened.
    enum Event: Sendable, Equatable {
        case connected
        case failed(String)
        case received([UInt8])
        /// The oldest bytes not yet reported are the system's now.
        case sent
        /// The connection has ended; a reason where the server did not close it in order.
        case ended(String?)
    }

    private struct State {
        var events: [Event] = []
        var bytes = 0
        var channel: (any Channel)?
        var isDropped = false
        /// The connection has more for us, and was not asked for it yet.
        var isWaiting = false
    }

    /// Received bytes that may wait for the loop; beyond that the connection is not read.
    private static let waitingBytes = 256 << 10

    private let state = Mutex(State())
    private let wake: @Sendable () -> Void

    /// Connects; ``takeEvents()`` tells what came of it.
    init(to server: Endpoint, on group: any EventLoopGroup, wake: @escaping @Sendable () -> Void) {
        self.wake = wake
        ClientBootstrap(group: group)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelOption(.autoRead, value: false)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ChatChannelHandler(self))
                }
            }
            .connect(host: server.host, port: server.port)
            .whenComplete { result in
                switch result {
                case .success(let channel): self.connected(channel)
                case .failure(let error): self.note(.failed(Self.describe(error, server)))
                }
            }
    }

    /// What happened since the last call, in order.
    func takeEvents() -> [Event] {
        let (events, channel) = self.state.withLock { state in
            defer {
                state.events.removeAll()
                state.bytes = 0
                state.isWaiting = false
            }
            return (state.events, state.isWaiting ? state.channel : nil)
        }
        channel?.read()
        return events
    }

    /// Sends bytes; `sent` follows in the order of the calls, or `ended`.
    func send(_ bytes: [UInt8]) {
        guard let channel = self.state.withLock({ $0.channel }) else { return }
        channel.writeAndFlush(channel.allocator.buffer(bytes: bytes))
            .whenComplete { result in
                switch result {
                case .success: self.note(.sent)
                // The end of the connection tells why, and comes by itself.
                case .failure: break
                }
            }
    }

    /// Tells the server that nothing more comes.
    func finish() {
        self.state.withLock { $0.channel }?.close(mode: .output, promise: nil)
    }

    /// Ends the connection, or the attempt; nothing is reported any more.
    func drop() {
        let channel = self.state.withLock { state in
            state.isDropped = true
            return state.channel
        }
        channel?.close(promise: nil)
    }

    private func connected(_ channel: any Channel) {
        let isDropped = self.state.withLock { state in
            state.channel = channel
            return state.isDropped
        }
        if isDropped { return channel.close(promise: nil) }
        self.note(.connected)
        channel.read()
    }

    /// Leaves an event; answers whether the connection may be read on.
    @discardableResult
    fileprivate func note(_ event: Event, bytes: Int = 0) -> Bool {
        let mayRead = self.state.withLock { state in
            guard !state.isDropped else { return false }
            state.events.append(event)
            state.bytes += bytes
            return state.bytes < Self.waitingBytes
        }
        self.wake()
        return mayRead
    }

    /// The connection has more, if the loop has caught up.
    fileprivate func canRead() -> Bool {
        self.state.withLock { state in
            state.isWaiting = state.bytes >= Self.waitingBytes
            return !state.isWaiting
        }
    }

    // MARK: Words for errors

    /// Why a connection did not come about.
    static func describe(_ error: any Error, _ server: Endpoint) -> String {
        switch error {
        case let error as NIOConnectionError:
            guard let first = error.connectionErrors.first else { return "there is no host '\(server.host)'" }
            // A name may stand for several addresses; the last one says as much as the first.
            return self.describe(first.error, server)
        case ChannelError.connectTimeout: return "it does not answer"
        case let error as IOError where error.errnoCode == ECONNREFUSED:
            return "connection refused; is a relay running there?"
        case let error as IOError: return self.words(error)
        case is SocketAddressError: return "there is no host '\(server.host)'"
        default: return "\(error)"
        }
    }

    /// The system's words for an error of a connection that stood.
    static func words(_ error: any Error) -> String {
        guard let error = error as? IOError else { return "\(error)" }
        return error.errnoCode == ECONNRESET ? "reset by the server" : String(cString: strerror(error.errnoCode))
    }
}

/// Carries a connection's bytes to its mailbox.
private final class ChatChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: ChatConnection
    private var failure: (any Error)?
    private var hasBegun = false

    init(_ connection: ChatConnection) { self.connection = connection }

    func channelActive(context: ChannelHandlerContext) { self.hasBegun = true }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = self.unwrapInboundIn(data)
        self.connection.note(.received(Array(buffer.readableBytesView)), bytes: buffer.readableBytes)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if self.connection.canRead() { context.read() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.failure = self.failure ?? error
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        guard self.hasBegun else { return }
        self.connection.note(.ended(self.failure.map { ChatConnection.words($0) }))
    }
}
