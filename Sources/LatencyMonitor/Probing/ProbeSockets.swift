// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CSockets
internal import Scheduling

#if canImport(Glibc)
internal import Glibc
#endif

/// The descriptors of a prober: a socket for each ping that may still be answered, a timer, and a way to be woken.
///
/// Confined to the prober's thread, once that has started.
final class ProbeSockets {
    /// What arrived on a socket.
    enum Arrival {
        case datagram(isReply: Bool, stamp: Int64)
        case refused
    }

    private static let timerToken: UInt64 = 0
    private static let wakeToken: UInt64 = 1
    /// The first number that a socket may have.
    static let firstToken: UInt64 = 2

    let wakeDescriptor: CInt
    private let poller: CInt
    private let timer: CInt
    /// Nothing arrives here, but while a socket like it is open, the kernel notes receive times; it takes a while to begin.
    private let stamper: CInt
    private let sourcePort: UInt16
    private var sockets: [ProbeBook.ID: (descriptor: CInt, peer: csockets_address)] = [:]
    private var ready = [csockets_ready](repeating: csockets_ready(), count: 64)
    private var bytes = [UInt8](repeating: 0, count: Prober.text.count)

    init(_ plan: ProbePlan) throws(ProberError) {
        self.sourcePort = plan.sourcePort ?? 0
        self.poller = csockets_poller_make()
        self.timer = csockets_timer_make()
        self.wakeDescriptor = csockets_wake_make()
        self.stamper = Self.openOnLoopback(from: 0)
        let all = [self.poller, self.timer, self.wakeDescriptor, self.stamper]
        var code: CInt = all.first { $0 < 0 } ?? 0
        if code == 0 { code = self.watch(self.timer, Self.timerToken) }
        if code == 0 { code = self.watch(self.wakeDescriptor, Self.wakeToken) }
        if code == 0, self.sourcePort != 0 {
            // Whether the port can be had is better known now than with the first ping.
            code = Self.openOnLoopback(from: self.sourcePort)
            if code >= 0 {
                Glibc.close(code)
                code = 0
            }
        }
        guard code == 0 else {
            for descriptor in all where descriptor >= 0 { Glibc.close(descriptor) }
            throw ProberError(code: -code)
        }
    }

    /// Opens a socket for which nothing is meant; answers with the descriptor, or the system's negative error number.
    private static func openOnLoopback(from port: UInt16) -> CInt {
        var loopback = csockets_address()
        withUnsafeMutableBytes(of: &loopback.ip) {
            $0.copyBytes(from: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127, 0, 0, 1])
        }
        // Discard (RFC 863).
        loopback.port = 9
        return csockets_probe_open(&loopback, port)
    }

    /// Whether an error number says what this machine lacks, and nothing of a target: descriptors, memory, free ports
    /// (EAGAIN, udp(7)), or places in the poller.
    static func isLocalResourceError(_ code: CInt) -> Bool {
        [EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRINUSE, EAGAIN, ENOSPC].contains(code)
    }

    /// Closes everything.
    func closeAll() {
        for socket in self.sockets.values { Glibc.close(socket.descriptor) }
        for descriptor in [self.poller, self.timer, self.wakeDescriptor, self.stamper] { Glibc.close(descriptor) }
        self.sockets = [:]
    }

    /// Waits until something arrives or a moment comes.
    ///
    /// - Parameter moment: When to return at the latest; nil for never.
    /// - Returns: The pings on whose sockets something arrived.
    func wait(until moment: Moment?) -> [ProbeBook.ID] {
        csockets_timer_set(self.timer, moment?.nanoseconds ?? .max)
        let count = csockets_poller_wait(self.poller, &self.ready, CInt(self.ready.count), -1)
        guard count > 0 else { return [] }
        var pings: [ProbeBook.ID] = []
        for event in self.ready[..<Int(count)] {
            var counter: UInt64 = 0
            switch event.token {
            case Self.timerToken: _ = Glibc.read(self.timer, &counter, MemoryLayout.size(ofValue: counter))
            case Self.wakeToken: _ = Glibc.read(self.wakeDescriptor, &counter, MemoryLayout.size(ofValue: counter))
            default: pings.append(event.token)
            }
        }
        return pings
    }

    private func watch(_ descriptor: CInt, _ token: UInt64) -> CInt {
        csockets_poller_add(self.poller, descriptor, token, UInt32(CSOCKETS_READABLE))
    }

    /// Opens a ping's socket; answers with 0, or the system's error number.
    func open(_ id: ProbeBook.ID, to address: ProbeAddress) -> CInt {
        var raw = address.raw
        let descriptor = csockets_probe_open(&raw, self.sourcePort)
        guard descriptor >= 0 else { return -descriptor }
        let code = self.watch(descriptor, id)
        guard code == 0 else {
            Glibc.close(descriptor)
            return -code
        }
        self.sockets[id] = (descriptor, raw)
        return 0
    }

    /// Sends a ping; answers with 0, or the system's error number.
    func send(_ id: ProbeBook.ID) -> CInt {
        guard let descriptor = self.sockets[id]?.descriptor else { return EBADF }
        let sent = Prober.text.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, 0) }
        return sent < 0 ? errno : 0
    }

    /// Takes one arrival; nil if there is none.
    func receive(_ id: ProbeBook.ID) -> Arrival? {
        guard var socket = self.sockets[id] else { return nil }
        var stamp: Int64 = 0
        let count = csockets_probe_receive(
            socket.descriptor,
            &socket.peer,
            &self.bytes,
            self.bytes.count,
            &stamp
        )
        if count == -ECONNREFUSED { return .refused }
        guard count >= 0 else { return nil }
        return .datagram(isReply: Int(count) == Prober.text.count && self.bytes == Prober.text, stamp: stamp)
    }

    /// Closes a ping's socket.
    func close(_ id: ProbeBook.ID) {
        guard let socket = self.sockets.removeValue(forKey: id) else { return }
        Glibc.close(socket.descriptor)
    }
}
