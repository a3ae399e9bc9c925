// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import Logging
public import NIOCore
internal import NIOPosix
internal import RelayCore

/// Listens for TCP clients, and deals with those who read too slowly.
///
/// Confined to the script loop.
public final class TCPRelay {
    let hub: Hub
    let turns: Turns
    let framing: FramingMode
    /// Where packets are recorded, if they are.
    let capture: PacketCapture?
    private let eventLoop: any EventLoop
    private let logger: Logger
    private var listeners: [any Channel] = []
    private var connections: [ObjectIdentifier: TCPConnection] = [:]
    private var slow: [TCPConnection] = []
    /// The memory for reading from a connection once more.
    private var scratch = ByteBuffer()
    private var lingering = 0
    /// Whether it takes no connections any more.
    private(set) var isStopping = false
    private var onEmpty: (() -> Void)?

    /// Closed connections that may wait for their last words to arrive: beyond that, they must not cost the descriptors of
    /// others.
    private static let lingeringLimit = 128

    /// Makes a relay that does not listen yet.
    ///
    /// Call on the event loop, as everything here.
    public init(turns: Turns, framing: FramingMode, capture: PacketCapture?, logger: Logger) {
        self.hub = turns.hub
        self.turns = turns
        self.framing = framing
        self.capture = capture
        self.eventLoop = turns.eventLoop
        self.logger = logger
        turns.add(self)
    }

    // MARK: Listening

    /// Binds an address; connections are taken once ``accept()`` is called.
    ///
    /// - Returns: The address in use, with the real port if 0 was asked for.
    public func bind(to address: SocketAddress) -> EventLoopFuture<SocketAddress> {
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        return ServerBootstrap(group: self.eventLoop)
            .serverChannelOption(.backlog, value: 4_096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.maxMessagesPerRead, value: 64)
            .serverChannelOption(.autoRead, value: false)
            .serverChannelInitializer { channel in
                // Without a descriptor left, accepting pauses for a second instead of spinning.
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptBackoffHandler())
                }
            }
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 1_024, initial: 4_096, maximum: 65_536)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(TCPConnection(relay: bound.value))
                }
            }
            .bind(to: address)
            .flatMapThrowing { channel in
                bound.value.listeners.append(channel)
                guard let address = channel.localAddress else { throw ChannelError.unknownLocalAddress }
                return address
            }
    }

    /// Begins to take connections.
    public func accept() {
        for listener in self.listeners {
            listener.setOption(.autoRead, value: true)
                .whenFailure { [logger] error in
                    logger.error("cannot accept connections", metadata: ["error": "\(error)"])
                }
        }
    }

    /// Stops taking connections, tells every client, and ends their connections once what they are owed has left.
    ///
    /// - Returns: Done when the last connection is gone, at the latest after the flush time.
    public func stop() -> EventLoopFuture<Void> {
        self.eventLoop.assertInEventLoop()
        self.isStopping = true
        for listener in self.listeners { listener.close(promise: nil) }
        self.listeners.removeAll()
        // What has arrived is relayed still.
        self.turns.drain(until: .now() + .seconds(1))
        // A `disconnect` handler may close others of this list.
        for client in self.connections.values.compactMap(\.client).sorted(by: { $0.id < $1.id }) where client.isOpen {
            self.hub.tell(client, .shutdown)
            self.hub.close(client, reason: "shutdown")
        }
        self.turns.endTick()
        let promise = self.eventLoop.makePromise(of: Void.self)
        guard !self.connections.isEmpty else {
            promise.succeed()
            return promise.futureResult
        }
        self.onEmpty = { promise.succeed() }
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.eventLoop.scheduleTask(in: TimeAmount(self.hub.limits.flushTime)) {
            for connection in bound.value.connections.values { connection.abort() }
        }
        return promise.futureResult
    }

    // MARK: Connections

    func join(_ connection: TCPConnection, _ origin: ClientOrigin, framing: Framing) -> Client? {
        self.connections[ObjectIdentifier(connection)] = connection
        let client = self.hub.join(origin, framing: framing, outlet: connection)
        self.turns.schedule()
        return client
    }

    func forget(_ connection: TCPConnection) {
        self.connections[ObjectIdentifier(connection)] = nil
        if connection.isLingering { self.lingering -= 1 }
        guard self.connections.isEmpty, let onEmpty = self.onEmpty else { return }
        self.onEmpty = nil
        onEmpty()
    }

    /// Whether one more closed connection may wait for its last words to arrive.
    func mayLinger() -> Bool {
        guard self.lingering < Self.lingeringLimit else { return false }
        self.lingering += 1
        return true
    }

    /// Reads what a connection has now; true if that was anything.
    func hasMoreInput(_ connection: TCPConnection) -> Bool { connection.readAgain(into: &self.scratch) }

    /// Notes a connection that reads too slowly; it is disconnected after this tick.
    func tooSlow(_ connection: TCPConnection) {
        self.slow.append(connection)
    }

    /// Counts a tick that a slow client misses, and says so to it the first time.
    func dropped(_ connection: TCPConnection, isFirst: Bool) {
        self.hub.noteDropped()
        guard isFirst else { return }
        self.slow.append(connection)
    }
}

extension TCPRelay: TickListener {
    /// Deals with those who could not take what the tick had for them.
    func tickEnded() {
        while let connection = self.slow.popLast() {
            guard let client = connection.client else { continue }
            if self.hub.limits.slowPolicy == .drop {
                if self.hub.tell(client, .slow) { connection.allowOneWrite() }
            } else {
                self.hub.noteSlow()
                self.logger.info(
                    "client disconnected: it reads too slowly",
                    metadata: ["client.address": "\(client.address.string)"]
                )
                // One that was closed in this very tick has had its reason.
                self.hub.close(client, reason: "slow")
                connection.abort()
            }
            self.turns.schedule()
        }
    }
}
