// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CSockets
public import Logging
public import RelayCore
public import Scheduling
public import WireFormats

/// Listens for TCP clients, and deals with those who read too slowly.
///
/// Confined to the script loop.
public final class TCPRelay: Transport {
    /// TCP.
    public var kind: TransportKind { .tcp }
    let hub: Hub
    let ticks: TickScheduler
    let loop: ScriptLoop
    let format: WireFormat
    /// Where packets are recorded, if they are.
    private let capture: PacketCapture?
    /// The stages that each connection passes before it joins the hub.
    var preamble: () -> [any PreambleStage] = { [PlainStart()] }
    private let logger: Logger
    private var listeners: [TCPListener] = []
    @exclusivity(unchecked) var peers = TCPPeers()
    /// Its number among the hub's sinks.
    private(set) var sink = 0
    /// What one connection gets in a tick, while it is written.
    @exclusivity(unchecked) var pieces: [UnsafeRawBufferPointer] = []
    private var slow: [TCPConnection] = []
    /// Memory of what all connections have unsent.
    private var unsentMemory = 0
    /// The memory that every read goes to first.
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: TCPRelay.readBytes, alignment: 16)
    /// What the read that is being passed on was cut into.
    let batch = TextBatch()
    private var lingering = 0
    /// Whether it takes connections.
    private(set) var isAccepting = false
    private var isShortageReported = false
    private var onEmpty: (() -> Void)?

    /// What is read of a connection at a time.
    private static let readBytes = 64 << 10
    /// Closed connections that may wait for their last words to arrive: beyond that, they must not cost the descriptors of
    /// others.
    private static let lingeringLimit = 128

    /// Makes a relay that does not listen yet.
    ///
    /// Call on the script loop, as everything here.
    public init(ticks: TickScheduler, format: WireFormat, capture: PacketCapture?, logger: Logger) {
        self.hub = ticks.hub
        self.ticks = ticks
        self.loop = ticks.loop
        self.format = format
        self.capture = capture
        self.logger = logger
        self.sink = self.hub.add(self)
        ticks.add(self)
    }

    deinit {
        self.memory.deallocate()
        self.peers.deallocate()
    }

    // MARK: Listening

    /// Binds an address; connections are taken once ``accept()`` is called.
    ///
    /// - Returns: The address in use, with the real port if 0 was asked for.
    public func bind(to address: InternetAddress) throws(SocketError) -> InternetAddress {
        let listener = try TCPListener(self, bindingTo: address)
        self.listeners.append(listener)
        return listener.address
    }

    /// Begins to take connections.
    public func accept() {
        self.isAccepting = true
        for listener in self.listeners { listener.accept() }
    }

    /// Takes no new connections.
    public func stopAccepting() {
        self.isAccepting = false
        for listener in self.listeners { listener.stop() }
        self.listeners.removeAll()
        // They are no clients, so nobody tells them.
        for connection in self.peers.all where connection.isInPreamble { connection.abort() }
    }

    /// Ends connections once what they are owed has left.
    public func finish(by deadline: Moment, _ done: @escaping () -> Void) {
        guard self.peers.count > 0 else { return done() }
        self.onEmpty = done
        self.loop.schedule(at: deadline) {
            for connection in self.peers.all { connection.abort() }
        }
    }

    /// Nothing: the hub counts what happens to connections.
    public func finishedNumbers() -> Logger.Metadata { [:] }

    /// Says that connections wait for a descriptor, once until one was taken again.
    func noteShortage() {
        guard !self.isShortageReported else { return }
        self.isShortageReported = true
        self.logger.error("connections wait: this process has no descriptor or memory left for them")
    }

    // MARK: Connections

    /// Takes over a connection's descriptor.
    func take(_ descriptor: CInt, from peer: InternetAddress) {
        self.isShortageReported = false
        var local = csockets_address()
        let isRecorded = self.capture != nil && csockets_local_address(descriptor, &local) == 0
        let slot = self.peers.reserve()
        let connection = TCPConnection(
            TCPSocket(descriptor: descriptor),
            at: slot,
            from: ClientOrigin(peer, transport: self.kind),
            relay: self,
            capture: isRecorded ? self.capture?.connection(local: InternetAddress(local), remote: peer) : nil
        )
        self.peers.insert(connection, descriptor, at: slot)
        connection.begin()
    }

    func forget(_ connection: TCPConnection) {
        // Until the hub has let go of it as well, nobody else may have its slot.
        if !connection.isHeldByHub { self.removePeer(connection.slot) }
        if connection.hasLingered { self.lingering -= 1 }
    }

    /// Gives a slot back that neither a connection nor the hub uses any more.
    func removePeer(_ slot: Int32) {
        self.peers.remove(slot)
        guard self.peers.count == 0, let onEmpty = self.onEmpty else { return }
        self.onEmpty = nil
        onEmpty()
    }

    /// Whether one more closed connection may wait for its last words to arrive.
    var mayLinger: Bool { self.lingering < Self.lingeringLimit }

    /// Counts a closed connection that waits for its last words to arrive, until it is forgotten.
    func noteLingering() { self.lingering += 1 }

    /// Notes a connection that reads too slowly; it is disconnected after this tick.
    func tooSlow(_ connection: TCPConnection) {
        self.slow.append(connection)
    }

    /// Takes note of how much more memory a connection's unsent bytes take, or how much less.
    ///
    /// Beyond the limit of all, those that take the most lose them, and are disconnected after this tick: one eighth of the limit
    /// at once, so that the search for them costs little.
    func noteUnsent(_ change: Int) {
        self.unsentMemory += change
        let limit = self.hub.limits.totalUnsentBytes
        guard change > 0, self.unsentMemory > limit else { return }
        let largest = self.peers.all.filter { $0.unsentMemory > 0 }
            .sorted { $0.unsentMemory > $1.unsentMemory }
        for connection in largest {
            guard self.unsentMemory > limit / 8 * 7 else { break }
            connection.dropUnsent()
            self.slow.append(connection)
        }
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
            guard let client = connection.client else {
                connection.abort()
                continue
            }
            if self.hub.limits.slowPolicy == .drop, !connection.hasDroppedUnsent {
                if self.hub.sendSystemMessage(.slow, to: client) { connection.allowOneWrite() }
            } else {
                // One that was closed in this very tick has had its reason; one may also be here twice.
                guard client.isOpen else {
                    connection.abort()
                    continue
                }
                self.hub.noteSlow()
                let reason: Logger.Message =
                    connection.hasDroppedUnsent
                    ? "client disconnected: all together read too slowly, and it was among the slowest"
                    : "client disconnected: it reads too slowly"
                self.logger.info(reason, metadata: ["client.address": "\(client.address.string)"])
                self.hub.close(client, reason: "slow")
                connection.abort()
            }
            self.ticks.wantAnotherTick()
        }
    }
}
