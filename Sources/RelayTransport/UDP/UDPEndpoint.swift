// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CSockets
internal import DequeModule
internal import Foundation
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// A UDP socket and the thread that reads and writes it.
///
/// It meets the script loop in batches: what arrived since the loop last took it, and a tick's output. While a limit's
/// worth of input waits it does not read, and the kernel drops what its own buffer cannot keep.
final class UDPEndpoint: Sendable {
    /// What happened on the thread, in numbers.
    struct Numbers: Sendable, Equatable {
        /// Datagrams received and sent.
        var received = 0
        var sent = 0
        /// Datagrams that the kernel dropped for want of room.
        var droppedByKernel = 0
        /// Datagrams of output that were dropped for want of room.
        var unsent = 0
        /// Datagrams that could not be sent, by error number.
        var failures: [CInt: Int] = [:]
    }

    /// What both sides share.
    private struct Exchange {
        var arrived = ArrivedDatagrams()
        var spareArrived: ArrivedDatagrams?
        /// Whether the loop was told that something has arrived, and has not taken it.
        var isAnnounced = false
        /// Whether the thread has stopped reading because too much waits.
        var isFull = false
        var outgoing: Deque<DatagramBatch> = []
        var spareBatches: [DatagramBatch] = []
        var outgoingWeight = 0
        /// Whether the thread waits for the socket alone, and must be woken for anything else.
        var isAsleep = false
        /// When to give up sending what is left, once it is to end.
        var endBy: ContinuousClock.Instant?
        var numbers = Numbers()
    }

    private let exchange = Mutex(Exchange())
    private let wakeDescriptor: CInt
    private let inputBytes: Int
    private let outputBytes: Int
    /// The address in use.
    let address: InternetAddress
    /// Kept for input in the kernel, in its own count.
    let receiveBuffer: Int
    private let capture: PacketCapture?
    /// Tells the script loop, once until it has taken what there is.
    private let announce: @Sendable () -> Void
    private let ended: @Sendable () -> Void

    /// Errors taken between two looks at other things, and reports of peers that are gone that may wait: anybody can forge
    /// any number of them.
    private static let errorsPerRound = 256
    private static let waitingReports = 4_096
    /// How long the thread waits for the system to have memory again.
    private static let shortagePause: CInt = 1

    /// Starts the thread of a socket.
    ///
    /// - Parameters:
    ///   - socket: The socket, which the thread takes over.
    ///   - inputBytes: What may wait for the script loop.
    ///   - outputBytes: What may wait for the socket.
    ///   - capture: Where packets are recorded, if they are.
    ///   - announce: Called from the thread when something has arrived.
    ///   - ended: Called from the thread as the last thing it does.
    /// - Throws: The system's error where it has no descriptor left.
    init(
        _ socket: consuming sending UDPSocket,
        inputBytes: Int,
        outputBytes: Int,
        capture: PacketCapture?,
        announce: @escaping @Sendable () -> Void,
        ended: @escaping @Sendable () -> Void
    ) throws(SocketError) {
        self.wakeDescriptor = csockets_wake_make()
        guard self.wakeDescriptor >= 0 else { throw SocketError(code: -self.wakeDescriptor) }
        self.inputBytes = inputBytes
        self.outputBytes = outputBytes
        self.address = socket.address
        self.receiveBuffer = socket.receiveBuffer
        self.capture = capture
        self.announce = announce
        self.ended = ended
        // Handed over: nobody else has it.
        nonisolated(unsafe) let socket = socket
        let thread = Thread {
            self.run(socket)
            socket.close()
            self.ended()
        }
        thread.name = "udp"
        thread.start()
    }

    deinit { Glibc.close(self.wakeDescriptor) }

    // MARK: The script loop's side

    /// Whether something has arrived that was not taken.
    var hasArrived: Bool { self.exchange.withLock { !$0.arrived.isEmpty } }

    /// Takes what has arrived.
    ///
    /// - Parameter used: What was taken before, to be filled again.
    /// - Returns: What there is; nil if there is nothing.
    func take(returning used: ArrivedDatagrams?) -> ArrivedDatagrams? {
        used?.reset()
        let (taken, mustWake) = self.exchange.withLock { state -> (ArrivedDatagrams?, Bool) in
            state.isAnnounced = false
            guard !state.arrived.isEmpty else {
                if let used { state.spareArrived = used }
                return (nil, false)
            }
            let taken = state.arrived
            state.arrived = used ?? state.spareArrived ?? ArrivedDatagrams()
            if used == nil { state.spareArrived = nil }
            let wasFull = state.isFull
            state.isFull = false
            return (taken, wasFull && state.isAsleep)
        }
        if mustWake { self.wake() }
        return taken
    }

    /// Hands over a batch; drops it, counted, if too much waits already.
    ///
    /// - Returns: An empty batch for the next tick.
    func send(_ batch: DatagramBatch) -> DatagramBatch {
        let (next, mustWake) = self.exchange.withLock { state -> (DatagramBatch, Bool) in
            guard state.outgoing.isEmpty || state.outgoingWeight + batch.weight <= self.outputBytes else {
                state.numbers.unsent += batch.count
                batch.reset()
                return (batch, false)
            }
            state.outgoing.append(batch)
            state.outgoingWeight += batch.weight
            defer { state.isAsleep = false }
            return (state.spareBatches.popLast() ?? DatagramBatch(), state.isAsleep)
        }
        if mustWake { self.wake() }
        return next
    }

    /// Has the thread end once everything is sent, or the time is over.
    func end(by limit: ContinuousClock.Instant) {
        self.exchange.withLock { $0.endBy = limit }
        self.wake()
    }

    /// What has happened so far.
    var numbers: Numbers { self.exchange.withLock { $0.numbers } }

    private func wake() {
        var one: UInt64 = 1
        _ = Glibc.write(self.wakeDescriptor, &one, MemoryLayout<UInt64>.size)
    }

    // MARK: The thread

    /// What the thread is about, between two looks at what is shared.
    private struct Work {
        /// The batch being sent, and whether its first datagram is still to be tried.
        var batch: DatagramBatch?
        var isNew = false
        /// Whether the socket took no more.
        var isBlocked = false
    }

    private func run(_ socket: UDPSocket) {
        if let capture = self.capture { self.record(socket, to: capture) }
        var work = Work()
        while true {
            let endBy = self.exchange.withLock { state -> ContinuousClock.Instant? in
                if work.batch == nil, let next = state.outgoing.popFirst() {
                    work.batch = next
                    work.isNew = true
                }
                return state.endBy
            }
            if let endBy, work.batch == nil || .now >= endBy { return self.finish(socket, &work) }
            var timeout: CInt = endBy == nil ? -1 : 50
            if let batch = work.batch, !work.isBlocked {
                switch socket.send(batch, isNew: work.isNew) {
                case .done:
                    self.sent(batch, socket)
                    work.batch = nil
                case .blocked: work.isBlocked = true
                case .exhausted: timeout = Self.shortagePause
                }
                work.isNew = false
            }
            self.wait(socket, &work, timeout)
        }
    }

    /// Waits for the socket and for the script loop, and receives.
    private func wait(_ socket: UDPSocket, _ work: inout Work, _ timeout: CInt) {
        let (mayRead, hasMore) = self.exchange.withLock { state -> (Bool, Bool) in
            state.isFull = state.arrived.weight >= self.inputBytes
            let hasMore = !state.outgoing.isEmpty && work.batch == nil
            state.isAsleep = !hasMore
            return (!state.isFull, hasMore)
        }
        var polled = [
            pollfd(
                fd: socket.descriptor,
                events: Int16((mayRead ? POLLIN : 0) | (work.isBlocked ? POLLOUT : 0)),
                revents: 0
            ),
            pollfd(fd: self.wakeDescriptor, events: Int16(POLLIN), revents: 0),
        ]
        let isReady = poll(&polled, 2, hasMore ? 0 : timeout) > 0
        self.exchange.withLock { $0.isAsleep = false }
        guard isReady else { return }
        if polled[1].revents != 0 {
            var count: UInt64 = 0
            _ = Glibc.read(self.wakeDescriptor, &count, MemoryLayout<UInt64>.size)
        }
        let events = CInt(polled[0].revents)
        if events & POLLOUT != 0 { work.isBlocked = false }
        var isNews = false
        // What a peer said before it went away comes first.
        if mayRead, events & (POLLIN | POLLERR) != 0 { isNews = self.receive(socket) }
        if events & POLLERR != 0 { isNews = self.takeErrors(socket) || isNews }
        if isNews { self.announceOnce() }
    }

    private func receive(_ socket: UDPSocket) -> Bool {
        let count = socket.receive()
        guard count > 0 else { return false }
        self.exchange.withLock { state in
            for index in 0..<count {
                if let (arrival, bytes) = socket.arrival(index) { state.arrived.append(arrival, bytes) }
            }
            state.numbers.received += count
            state.numbers.droppedByKernel = Int(socket.droppedByKernel)
        }
        if let capture = self.capture {
            for index in 0..<count {
                guard let (arrival, bytes) = socket.arrival(index) else { continue }
                capture.datagram(
                    from: InternetAddress(arrival.from),
                    to: self.local(InternetAddress(arrival.to)),
                    UnsafeRawBufferPointer(start: bytes, count: Int(arrival.length))
                )
            }
        }
        return true
    }

    private func takeErrors(_ socket: UDPSocket) -> Bool {
        var unreachable: [InternetAddress] = []
        for _ in 0..<Self.errorsPerRound {
            guard let error = socket.takeError() else { break }
            if error.is_port_unreachable != 0 { unreachable.append(InternetAddress(error.peer)) }
        }
        guard !unreachable.isEmpty else { return false }
        return self.exchange.withLock { state in
            // Whoever is gone will be told of again with the next text for it.
            guard state.arrived.unreachable.count < Self.waitingReports else { return false }
            for peer in unreachable { state.arrived.append(unreachable: peer) }
            return true
        }
    }

    private func announceOnce() {
        let isFirst = self.exchange.withLock { state -> Bool in
            defer { state.isAnnounced = true }
            return !state.isAnnounced
        }
        if isFirst { self.announce() }
    }

    private func sent(_ batch: DatagramBatch, _ socket: UDPSocket) {
        let weight = batch.weight
        batch.reset()
        let hasFailed = self.exchange.withLock { state -> Bool in
            state.outgoingWeight -= weight
            if state.spareBatches.count < 8 { state.spareBatches.append(batch) }
            state.numbers.sent = socket.sent
            defer { state.numbers.failures = socket.failures }
            return state.numbers.failures != socket.failures
        }
        // The loop logs it, and may have nothing else to do.
        if hasFailed { self.announceOnce() }
    }

    /// Counts what is left unsent.
    private func finish(_ socket: UDPSocket, _ work: inout Work) {
        self.exchange.withLock { state in
            state.numbers.sent = socket.sent
            state.numbers.failures = socket.failures
            for batch in [work.batch].compactMap({ $0 }) + state.outgoing { state.numbers.unsent += batch.count }
            state.outgoing.removeAll()
        }
    }

    // MARK: Recording

    private func local(_ address: InternetAddress) -> InternetAddress {
        address.isNone ? self.address : address.with(port: self.address.port)
    }

    private func record(_ socket: UDPSocket, to capture: PacketCapture) {
        socket.onSent = { batch, run, text, count in
            var (run, text) = (run, text)
            for _ in 0..<count {
                while text >= Int(batch.runs[run].count) { (run, text) = (run + 1, 0) }
                let recipient = batch.recipients[Int(batch.runs[run].recipient)]
                let place = batch.texts[Int(batch.runs[run].first) + text]
                let bytes = batch.allBytes[place.offset..<place.offset + place.length]
                capture.datagram(
                    from: self.local(InternetAddress(recipient.from)),
                    to: InternetAddress(recipient.to),
                    UnsafeRawBufferPointer(rebasing: bytes)
                )
                text += 1
            }
        }
    }
}
