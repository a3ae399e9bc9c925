// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import DequeModule
internal import HostSettings
internal import RelayCore

#if canImport(Glibc)
internal import Glibc
#endif

/// A UDP socket that talks to one server.
///
/// It is connected, so that nobody else's datagrams are shown and the system tells when nobody listens there.
final class ChatDatagrams: ChatLink {
    private enum State {
        case resolving
        case open(CInt)
        case over
    }

    /// The ports that the original takes one of.
    static let ports = 8_000...9_000
    /// No datagram is longer over IPv4 (RFC 768, RFC 791).
    static let longestText = 65_507
    /// Datagrams taken between two looks at other things.
    private static let datagramsPerRead = 64
    /// Texts that are kept for the host's next address, should nobody listen at the first.
    private static let keptTexts = 256

    private let resolution: Resolution
    private let ports: ClosedRange<Int>
    private var state = State.resolving
    private var addresses: ArraySlice<Resolution.Address> = []
    private var failure = ""
    private var outgoing: Deque<[UInt8]> = []
    /// What went to this address, while there is another one to try.
    private var gone: [[UInt8]] = []
    private var hasReceived = false
    private var events: [ChatLinkEvent] = []

    /// Begins; `wake` is called from another thread once the host is looked up.
    convenience init(to server: Endpoint, wake: @escaping @Sendable () -> Void) {
        self.init(to: Resolution(of: server, .datagram, whenDone: wake))
    }

    init(to resolution: Resolution, from ports: ClosedRange<Int> = ChatDatagrams.ports) {
        self.resolution = resolution
        self.ports = ports
    }

    deinit { self.drop() }

    func polled(reads: Bool) -> pollfd {
        guard case .open(let socket) = self.state, reads || !self.outgoing.isEmpty else {
            return pollfd(fd: -1, events: 0, revents: 0)
        }
        return pollfd(
            fd: socket,
            events: Int16((reads ? POLLIN : 0) | (self.outgoing.isEmpty ? 0 : POLLOUT)),
            revents: 0
        )
    }

    /// Datagrams are not acknowledged.
    var unacknowledged: Int { 0 }

    /// What a call of ``send(_:)`` has brought about is told at once.
    var deadline: Double? { self.events.isEmpty ? nil : 0 }

    func proceed(_ ready: Int16, reads: Bool, at time: Double) -> [ChatLinkEvent] {
        switch self.state {
        case .resolving: self.takeAddresses()
        case .open(let socket):
            if ready & Int16(POLLOUT) != 0 { self.write(to: socket) }
            if reads, ready & ~Int16(POLLOUT) != 0 { self.read(from: socket) }
        case .over: break
        }
        defer { self.events.removeAll() }
        return self.events
    }

    func send(_ bytes: [UInt8]) {
        guard case .open(let socket) = self.state else { return }
        self.outgoing.append(bytes)
        if self.outgoing.count == 1 { self.write(to: socket) }
    }

    /// There is no way to say it: the relay finds out when it next has something for this address.
    func finish() {}

    func drop() {
        if case .open(let socket) = self.state { Glibc.close(socket) }
        self.state = .over
    }

    // MARK: Opening

    private func takeAddresses() {
        switch self.resolution.result {
        case nil: break
        case .failure(let problem):
            self.state = .over
            self.events.append(.failed(problem.reason))
        case .success(let addresses):
            self.addresses = addresses[...]
            if self.openNext() {
                self.events.append(.connected)
            } else {
                self.state = .over
                self.events.append(.failed(self.failure))
            }
        }
    }

    /// Opens a socket for the next address that one can be opened for; false if there is none.
    private func openNext() -> Bool {
        while let address = self.addresses.popFirst() {
            let socket = Glibc.socket(address.family, CInt(SOCK_DGRAM.rawValue), 0)
            guard socket >= 0 else {
                self.failure = String(cString: strerror(errno))
                continue
            }
            _ = fcntl(socket, F_SETFL, O_NONBLOCK)
            _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
            self.bind(socket, family: address.family)
            if address.connect(socket) == 0 {
                self.state = .open(socket)
                return true
            }
            self.failure = String(cString: strerror(errno))
            Glibc.close(socket)
        }
        return false
    }

    /// Takes a free port of the original's, at random; when all are taken, the system chooses one.
    private func bind(_ socket: CInt, family: CInt) {
        let first = Int.random(in: self.ports)
        for step in 0..<self.ports.count {
            let port = self.ports.lowerBound + (first - self.ports.lowerBound + step) % self.ports.count
            if Self.bind(socket, family: family, port: in_port_t(port)) { return }
        }
    }

    private static func bind(_ socket: CInt, family: CInt, port: in_port_t) -> Bool {
        func bind<Address>(_ address: Address) -> Bool {
            withUnsafeBytes(of: address) { bytes in
                guard let name = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return false }
                return Glibc.bind(socket, name, socklen_t(bytes.count)) == 0
            }
        }
        if family == AF_INET6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            return bind(address)
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        return bind(address)
    }

    // MARK: Reading and writing

    private func read(from socket: CInt) {
        var bytes = [UInt8](repeating: 0, count: Int(UInt16.max))
        for _ in 0..<Self.datagramsPerRead {
            let count = recv(socket, &bytes, bytes.count, 0)
            if count >= 0 {
                self.hasReceived = true
                self.gone.removeAll()
                self.events.append(.received(Array(bytes[..<count])))
            } else if errno == EAGAIN {
                return
            } else if errno != EINTR {
                return self.met(errno)
            }
        }
    }

    private func write(to socket: CInt) {
        while let text = self.outgoing.first {
            let count = text.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            if count >= 0 {
                self.outgoing.removeFirst()
                if !self.hasReceived, !self.addresses.isEmpty, self.gone.count < Self.keptTexts {
                    self.gone.append(text)
                }
                self.events.append(.sent)
            } else if errno == EAGAIN || errno == ENOBUFS {
                return
            } else if errno != EINTR {
                return self.met(errno)
            }
        }
    }

    /// Nobody listens at this address, or it cannot be reached: goes on with the host's next one, if nothing ever came from
    /// this one.
    private func met(_ code: CInt) {
        self.drop()
        if !self.hasReceived, self.openNext(), case .open(let socket) = self.state {
            for text in self.gone {
                _ = text.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            }
            return
        }
        let words =
            code == ECONNREFUSED ? "nobody listens there (is a relay running?)" : String(cString: strerror(code))
        self.events.append(.ended(words))
    }
}
