// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CSockets
public import Logging
public import RelayCore
public import Scheduling
internal import WireFormats

#if canImport(Glibc)
internal import Glibc
#endif

/// Listens for UDP clients: who may join, who is gone, and what each of them gets.
///
/// Confined to the script loop; each socket has a thread of its own, see ``UDPEndpoint``.
public final class UDPRelay: Transport {
    /// UDP.
    public var kind: TransportKind { .udp }
    let hub: Hub
    let ticks: TickScheduler
    /// How texts to its clients are wrapped.
    let wire: WireEncoding
    private let loop: ScriptLoop
    private let logger: Logger
    private let capture: PacketCapture?
    private var listeners: [UDPListener] = []
    /// Whether what arrives is looked at.
    private(set) var isAccepting = false
    /// Whether new addresses may join.
    private(set) var isJoinable = false
    /// Endpoints whose thread runs.
    private var running = 0
    private var onEmpty: (() -> Void)?
    var numbers = UDPNumbers()
    private var reported = UDPNumbers()
    private var isReportScheduled = false
    private var sweep: LoopDeadline?
    /// Pings answered in a second, by what the addresses' hashes leave.
    private var pings = [Int](repeating: 0, count: UDPRelay.pingCounters)
    private var pingSecond: Int64 = 0
    /// Joins that may still happen, and when that was reckoned.
    private var joins: Double
    private var joinsReckoned = Moment.now

    /// Time between two log messages about what was lost.
    private static let reportPause = Duration.seconds(10)

    /// Makes a relay that does not listen yet.
    public init(ticks: TickScheduler, capture: PacketCapture?, logger: Logger) {
        self.hub = ticks.hub
        self.ticks = ticks
        self.wire = .datagram(limit: ticks.hub.limits.datagramBytes)
        self.loop = ticks.loop
        self.capture = capture
        self.logger = logger
        self.joins = Double(ticks.hub.limits.joinsPerSecond)
        ticks.add(self)
    }

    // MARK: Listening

    /// Binds an address.
    ///
    /// What arrives is relayed once ``accept()`` was called.
    ///
    /// - Returns: The address in use, with the real port if 0 was asked for.
    public func bind(to address: InternetAddress) throws(SocketError) -> InternetAddress {
        // A group or a network is no address of this machine.
        guard address.isAny || address.with(port: 1).problem == nil else { throw SocketError(code: EADDRNOTAVAIL) }
        let limits = self.hub.limits
        let socket = try UDPSocket(
            bindingTo: address,
            bufferBytes: Self.bufferBytes,
            // No datagram is longer than this, and none of a longer one is looked at.
            datagramBytes: min(limits.messageBytes, Int(UInt16.max))
        )
        let buffer = socket.receiveBuffer / 2
        if buffer < Self.bufferBytes {
            self.logger.info(
                "the system allows smaller socket buffers than asked for: raise net.core.rmem_max",
                metadata: ["udp.buffer_bytes": "\(buffer)", "udp.asked_bytes": "\(Self.bufferBytes)"]
            )
        }
        let number = self.listeners.count
        let arrival = self.loop.signal { [weak self] in
            self?.arrived(at: number)
            return false
        }
        let end = self.loop.signal { [weak self] in
            self?.endpointEnded()
            return false
        }
        let endpoint = try UDPEndpoint(
            socket,
            inputBytes: limits.endpointInputBytes,
            outputBytes: limits.endpointOutputBytes,
            capture: self.capture,
            announce: { arrival.raise() },
            ended: { end.raise() }
        )
        self.running += 1
        self.listeners.append(UDPListener(relay: self, endpoint: endpoint))
        return endpoint.address
    }

    /// Asked of the kernel, in both directions.
    private static let bufferBytes = 4 << 20

    /// Begins to relay what arrives.
    public func accept() {
        self.isAccepting = true
        self.isJoinable = true
        self.enqueueArrived()
        self.scheduleSweep()
    }

    private func enqueueArrived() {
        for listener in self.listeners where listener.endpoint.hasArrived { self.ticks.enqueue(listener) }
    }

    private func arrived(at number: Int) {
        guard self.isAccepting, number < self.listeners.count else { return }
        self.ticks.enqueue(self.listeners[number])
    }

    /// Lets no new addresses join.
    public func stopAccepting() {
        self.isJoinable = false
        self.sweep?.cancel()
        // What was sent to a relay that does not start is nobody's to answer.
        if self.isAccepting { self.enqueueArrived() }
    }

    /// Ends the sockets' threads once what they have is sent.
    public func finish(by deadline: Moment, _ done: @escaping () -> Void) {
        self.isAccepting = false
        guard self.running > 0 else { return done() }
        self.onEmpty = done
        let limit = ContinuousClock.now + max(.zero, deadline - .now)
        for listener in self.listeners { listener.endpoint.end(by: limit) }
    }

    /// What happened, for the log, once it has stopped.
    public func finishedNumbers() -> Logger.Metadata {
        self.takeNumbers()
        self.listeners.removeAll()
        return self.numbers.metadata
    }

    private func endpointEnded() {
        self.running -= 1
        guard self.running == 0, let onEmpty = self.onEmpty else { return }
        self.onEmpty = nil
        onEmpty()
    }

    // MARK: Pings

    /// Pings of one address that are answered in a second.
    ///
    /// An answer to a ping is a ping itself: without a bound, one datagram in the name of another relay would have the two
    /// answer each other for ever (CVE-2024-2169).
    static let pingsPerSecond = 100
    /// Addresses share counters: so many bound the memory, whatever number of them is forged.
    private static let pingCounters = 4_096

    /// The second of the monotonic clock.
    var second: Int64 { Moment.now.nanoseconds / 1_000_000_000 }

    /// Whether one more ping of an address is answered in this second.
    func mayAnswerPing(of address: InternetAddress) -> Bool {
        let second = self.second
        if second != self.pingSecond {
            self.pingSecond = second
            for index in self.pings.indices { self.pings[index] = 0 }
        }
        let index = Int(UInt(bitPattern: address.hashValue) % UInt(Self.pingCounters))
        self.pings[index] += 1
        return self.pings[index] <= Self.pingsPerSecond
    }

    /// Why nothing is taken from an address of our own, as a word for counters: an answer would come back to ourselves.
    func problem(with address: InternetAddress) -> String? {
        let isOwn = self.listeners.contains { listener in
            let own = listener.endpoint.address
            return own.port == address.port && (own == address || (own.isAny && address.isLoopback))
        }
        return isOwn ? "own_address" : nil
    }

    // MARK: Members

    /// Whether one more may join now: at most so many a second, however many try.
    func mayJoin() -> Bool {
        let now = Moment.now
        let rate = Double(self.hub.limits.joinsPerSecond)
        let seconds = (now - self.joinsReckoned).milliseconds / 1_000
        self.joins = min(rate, self.joins + rate * seconds)
        self.joinsReckoned = now
        guard self.joins >= 1 else { return false }
        self.joins -= 1
        return true
    }

    /// Looks from time to time for members that have been silent for too long.
    private func scheduleSweep() {
        let pause = min(max(self.hub.limits.idleTime / 4, .milliseconds(10)), .seconds(60))
        self.sweep = self.loop.schedule(at: .now + pause) { [weak self] in
            guard let self else { return }
            let latest = Moment.now - self.hub.limits.idleTime
            let idle = self.listeners.flatMap { $0.members.values }.filter { $0.lastHeard <= latest }
            self.remove(idle[...])
        }
    }

    /// Removes members, a few a tick: hooks are told of each.
    private func remove(_ idle: ArraySlice<UDPMember>) {
        for member in idle.prefix(Self.idlePerTick) {
            guard let client = member.client, client.isOpen else { continue }
            self.numbers.idle += 1
            self.hub.sendSystemMessage(.idle, to: client)
            self.hub.close(client, reason: "idle")
        }
        let rest = idle.dropFirst(Self.idlePerTick)
        guard !rest.isEmpty else { return self.scheduleSweep() }
        self.sweep = self.loop.schedule(at: .now) { [weak self] in self?.remove(rest) }
    }

    /// Silent members that one tick removes.
    private static let idlePerTick = 16

    // MARK: Numbers

    private func takeNumbers() {
        self.numbers.take(self.listeners.map(\.endpoint.numbers))
        self.numbers.answersCut = self.hub.counters.answersCut
        self.numbers.tooLongToSend = self.hub.counters.tooLongToSend
        self.numbers.withheld = self.hub.counters.withheld
    }

    /// Logs what was lost since the last time, but not more often than now and then.
    private func reportLosses() {
        guard !self.isReportScheduled, self.report() else { return }
        self.isReportScheduled = true
        self.loop.schedule(at: .now + Self.reportPause) { [weak self] in
            self?.isReportScheduled = false
            self?.reportLosses()
        }
    }

    /// Says what was lost; false if nothing was.
    private func report() -> Bool {
        self.takeNumbers()
        let losses = self.numbers.losses(since: self.reported)
        let excess = self.numbers.excess(since: self.reported)
        self.reported = self.numbers
        if !losses.isEmpty { self.logger.warning("datagrams lost or refused", metadata: losses) }
        if !excess.isEmpty {
            self.logger.error(
                "scripts sent more than a new address may get: answers were cut, or texts not sent",
                metadata: excess
            )
        }
        return !losses.isEmpty || !excess.isEmpty
    }
}

extension UDPRelay: TickListener {
    /// Hands the tick's output to the sockets' threads.
    func tickEnded() {
        for listener in self.listeners { listener.endTick() }
        self.reportLosses()
    }
}
