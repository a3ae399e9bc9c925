// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import DequeModule
public import Logging
public import NIOCore
internal import NIOPosix
public import RelayCore

/// Listens for TCP clients and runs the ticks: input from all connections to the hub, output from the hub to each.
///
/// Confined to the script loop. A turn takes waiting messages connection by connection, so that no client holds up
/// the others, and ends with one write per client.
public final class TCPRelay {
    let hub: Hub
    let framing: FramingMode
    private let eventLoop: any EventLoop
    private let logger: Logger
    private var listeners: [any Channel] = []
    private var connections: [ObjectIdentifier: TCPConnection] = [:]
    private var ready: Deque<TCPConnection> = []
    private var isTurnScheduled = false
    private var slow: [TCPConnection] = []
    /// Connections whose input of this turn is used up, and the memory for reading more from them.
    private var spoke: [TCPConnection] = []
    private var scratch = ByteBuffer()
    private var lingering = 0
    /// Whether it takes no connections any more.
    private(set) var isStopping = false
    private var onEmpty: (() -> Void)?

    /// Messages that one connection may pass before the next has its turn.
    private static let messagesPerVisit = 64
    /// How long a turn may take before the loop looks at its sockets again.
    private static let turnTime = TimeAmount.milliseconds(10)
    /// How long a turn may go on collecting what keeps arriving before it writes: what bounds the delay under load.
    private static let gatherTime = TimeAmount.milliseconds(2)
    /// Closed connections that may wait for their last words to arrive: beyond that, they must not cost the descriptors of
    /// others.
    private static let lingeringLimit = 128

    /// Makes a relay that does not listen yet.
    ///
    /// Call on the event loop, as everything here.
    public init(hub: Hub, framing: FramingMode, eventLoop: any EventLoop, logger: Logger) {
        eventLoop.assertInEventLoop()
        self.hub = hub
        self.framing = framing
        self.eventLoop = eventLoop
        self.logger = logger
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
        let deadline = NIODeadline.now() + .seconds(1)
        while !self.ready.isEmpty, NIODeadline.now() < deadline { self.visitReady(until: deadline) }
        // A `disconnect` handler may close others of this list.
        for client in self.hub.clients() where client.origin.transport == "tcp" && client.isOpen {
            self.hub.tell(client, .shutdown)
            self.hub.close(client, reason: "shutdown")
        }
        self.endTick()
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
        self.scheduleTurn()
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

    // MARK: Turns

    /// Gives a connection with input, or at its end, a place in the next turn.
    func enqueue(_ connection: TCPConnection) {
        guard !connection.isQueued else { return }
        connection.isQueued = true
        self.ready.append(connection)
        self.scheduleTurn()
    }

    /// Has a turn run after the sockets that are ready now were read.
    public func scheduleTurn() {
        guard !self.isTurnScheduled else { return }
        self.isTurnScheduled = true
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.eventLoop.execute { bound.value.turn() }
    }

    private func turn() {
        self.isTurnScheduled = false
        let start = NIODeadline.now()
        let deadline = start + Self.turnTime
        repeat {
            while !self.ready.isEmpty, NIODeadline.now() < deadline { self.visitReady(until: deadline) }
        } while self.readAgain(until: start + Self.gatherTime)
        self.endTick()
        self.spoke.removeAll(keepingCapacity: true)
        guard !self.ready.isEmpty, !self.isTurnScheduled else { return }
        // A task that schedules its successor at once would keep the loop from its sockets.
        self.isTurnScheduled = true
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.eventLoop.scheduleTask(in: .microseconds(20)) { bound.value.turn() }
    }

    /// Looks once more at the sockets that spoke in this turn: under load more has arrived meanwhile, and one write per
    /// client then carries that too.
    ///
    /// Costs one system call for each of them when nothing has.
    private func readAgain(until deadline: NIODeadline) -> Bool {
        guard NIODeadline.now() < deadline else { return false }
        for connection in self.spoke where !connection.isQueued && connection.readAgain(into: &self.scratch) {
            connection.isQueued = true
            self.ready.append(connection)
        }
        self.spoke.removeAll(keepingCapacity: true)
        return !self.ready.isEmpty
    }

    private func visitReady(until deadline: NIODeadline) {
        guard let connection = self.ready.popFirst() else { return }
        connection.isQueued = false
        if connection.process(atMost: Self.messagesPerVisit, until: deadline) {
            connection.isQueued = true
            self.ready.append(connection)
        } else {
            // Its input is used up: once a round, however many visits that took.
            self.spoke.append(connection)
        }
    }

    /// Ends the hub's tick and deals with those who could not take it.
    func endTick() {
        self.hub.endTick()
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
            self.scheduleTurn()
        }
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        self = .nanoseconds(
            duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000
        )
    }
}
