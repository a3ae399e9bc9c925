// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import DequeModule
internal import HostSettings
internal import RelayCore

#if canImport(Glibc)
internal import Glibc
#endif

/// One attempt to reach a server over TCP, and the connection that comes of it.
///
/// It can be asked what the server has not acknowledged before it closes.
final class ChatConnection: ChatLink {
    private enum State {
        case resolving
        /// A socket on its way, and when it is given up.
        case connecting(CInt, until: Double)
        case connected(CInt)
        case over
    }

    /// How long one address may take to answer.
    private static let patience = 10.0
    private static let readBytes = 64 << 10

    private let server: Endpoint
    private let resolution: Resolution
    private var state = State.resolving
    private var addresses: ArraySlice<Resolution.Address> = []
    /// Why the last address failed.
    private var failure = ""
    private var outgoing: Deque<[UInt8]> = []
    /// Bytes of the first text in `outgoing` that are gone already.
    private var written = 0
    private var canWrite = true
    /// Why nothing can be written any more.
    private var writeFailure: CInt?
    private var events: [ChatLinkEvent] = []

    /// Begins to connect; `wake` is called from another thread once the host is looked up.
    init(to server: Endpoint, wake: @escaping @Sendable () -> Void) {
        self.server = server
        self.resolution = Resolution(of: server, .stream, whenDone: wake)
    }

    deinit { self.drop() }

    func polled(reads: Bool) -> pollfd {
        switch self.state {
        case .resolving, .over: pollfd(fd: -1, events: 0, revents: 0)
        case .connecting(let socket, _): pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
        case .connected(let socket):
            // Without anything to wait for, a reset would be told again and again.
            if !reads, self.outgoing.isEmpty {
                pollfd(fd: -1, events: 0, revents: 0)
            } else {
                pollfd(
                    fd: socket,
                    events: Int16((reads ? POLLIN : 0) | (self.outgoing.isEmpty ? 0 : POLLOUT)),
                    revents: 0
                )
            }
        }
    }

    var unacknowledged: Int {
        var count: CInt = 0
        guard case .connected(let socket) = self.state, ioctl(socket, UInt(TIOCOUTQ), &count) == 0 else { return 0 }
        return Int(count)
    }

    var deadline: Double? {
        // What a call of ``send(_:)`` has brought about is told at once.
        if !self.events.isEmpty { return 0 }
        if case .connecting(_, let until) = self.state { return until }
        return nil
    }

    func proceed(_ ready: Int16, reads: Bool, at time: Double) -> [ChatLinkEvent] {
        switch self.state {
        case .resolving: self.takeAddresses(at: time)
        case .connecting(let socket, let until):
            if ready != 0 {
                self.finishConnecting(socket, at: time)
            } else if time >= until {
                self.failure = "it does not answer"
                Glibc.close(socket)
                self.connectNext(at: time)
            }
        case .connected(let socket):
            if ready & Int16(POLLOUT) != 0 { self.write(to: socket) }
            if reads, ready & ~Int16(POLLOUT) != 0 { self.read(from: socket) }
        case .over: break
        }
        defer { self.events.removeAll() }
        return self.events
    }

    func send(_ bytes: [UInt8]) {
        guard case .connected(let socket) = self.state else { return }
        self.outgoing.append(bytes)
        if self.outgoing.count == 1 { self.write(to: socket) }
    }

    func finish() {
        if case .connected(let socket) = self.state { shutdown(socket, CInt(SHUT_WR)) }
    }

    func drop() {
        switch self.state {
        case .connecting(let socket, _), .connected(let socket): Glibc.close(socket)
        case .resolving, .over: break
        }
        self.state = .over
    }

    // MARK: Connecting

    private func takeAddresses(at time: Double) {
        switch self.resolution.result {
        case nil: break
        case .failure(let problem):
            self.state = .over
            self.events.append(.failed(problem.reason))
        case .success(let addresses):
            self.addresses = addresses[...]
            self.connectNext(at: time)
        }
    }

    /// Tries the next address; after the last one the attempt has failed.
    private func connectNext(at time: Double) {
        while let address = self.addresses.popFirst() {
            let socket = Glibc.socket(address.family, CInt(SOCK_STREAM.rawValue), 0)
            guard socket >= 0 else {
                self.failure = Self.words(errno)
                continue
            }
            _ = fcntl(socket, F_SETFL, O_NONBLOCK)
            _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
            var noDelay: CInt = 1
            setsockopt(socket, CInt(IPPROTO_TCP), TCP_NODELAY, &noDelay, socklen_t(MemoryLayout<CInt>.size))
            if address.connect(socket) == 0 || errno == EINPROGRESS {
                self.state = .connecting(socket, until: time + Self.patience)
                return
            }
            self.failure = Self.words(errno)
            Glibc.close(socket)
        }
        self.state = .over
        self.events.append(.failed(self.failure))
    }

    private func finishConnecting(_ socket: CInt, at time: Double) {
        var code: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &size)
        guard code == 0 else {
            self.failure = code == ECONNREFUSED ? "connection refused (is a relay running there?)" : Self.words(code)
            Glibc.close(socket)
            return self.connectNext(at: time)
        }
        self.state = .connected(socket)
        self.events.append(.connected)
    }

    // MARK: Reading and writing

    private func read(from socket: CInt) {
        var bytes = [UInt8](repeating: 0, count: Self.readBytes)
        let count = recv(socket, &bytes, bytes.count, 0)
        if count > 0 {
            self.events.append(.received(Array(bytes[..<count])))
        } else if count == 0 {
            // The system tells a reset once, and writing may have met it first.
            self.end(self.writeFailure.map { Self.words($0) })
        } else if errno != EAGAIN, errno != EINTR {
            self.end(Self.words(errno))
        }
    }

    private func end(_ reason: String?) {
        self.drop()
        self.events.append(.ended(reason))
    }

    private func write(to socket: CInt) {
        while self.canWrite, let first = self.outgoing.first {
            let count = first[self.written...]
                .withUnsafeBytes {
                    Glibc.send(socket, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
                }
            if count >= 0 {
                self.written += count
                guard self.written == first.count else { continue }
                self.outgoing.removeFirst()
                self.written = 0
                self.events.append(.sent)
            } else if errno == EAGAIN {
                return
            } else if errno != EINTR {
                // What the server sent before it went away is still read; the end comes from there.
                self.canWrite = false
                self.writeFailure = errno == EPIPE ? ECONNRESET : errno
                self.outgoing.removeAll()
            }
        }
    }

    private static func words(_ code: CInt) -> String {
        code == ECONNRESET ? "reset by the server" : String(cString: strerror(code))
    }
}
