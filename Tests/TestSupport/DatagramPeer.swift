// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#if canImport(Glibc)
import Glibc
#endif

/// A UDP client with a plain blocking socket that is not connected, as the original's clients have.
package final class DatagramPeer {
    package private(set) var descriptor: CInt
    /// Its own port, as the relay sees it.
    package let port: Int
    private let isV6: Bool
    private let host: String
    private let relayPort: Int

    /// Opens a socket that talks to a relay, from an address and a port of its own if it needs them.
    package init(to relayPort: Int, host: String = "127.0.0.1", from own: String? = nil, port ownPort: Int = 0) throws {
        self.relayPort = relayPort
        self.host = host
        self.isV6 = host.contains(":")
        self.descriptor = socket(self.isV6 ? AF_INET6 : AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        let descriptor = self.descriptor
        var broadcasts: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_BROADCAST, &broadcasts, socklen_t(MemoryLayout<CInt>.size))
        let bound = Self.withAddress(own ?? host, ownPort) { bind(descriptor, $0, $1) }
        guard bound == 0 else { throw NeverHappened(description: "bind: \(String(cString: strerror(errno)))") }
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var name = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        withUnsafeMutablePointer(to: &name) { pointer in
            _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        self.port = Self.port(of: name)
    }

    deinit { self.close() }

    /// The name stock scripts give it.
    package var name: String { "('\(self.host)', \(self.port))" }

    package func send(_ text: String) { self.send(Array(text.utf8)) }

    package func send(_ text: String, to host: String, port: Int? = nil) {
        self.send(Array(text.utf8), to: host, port: port)
    }

    package func send(_ bytes: [UInt8], to host: String? = nil, port: Int? = nil) {
        _ = Self.withAddress(host ?? self.host, port ?? self.relayPort) { address, size in
            bytes.withUnsafeBytes { sendto(self.descriptor, $0.baseAddress, $0.count, 0, address, size) }
        }
    }

    /// A port at which nobody receives, and nobody can: held by a socket that is connected elsewhere.
    ///
    /// A port that was merely closed goes to the next socket that asks, which then gets what was meant for nobody.
    package static func closed() throws -> DatagramPeer {
        let peer = try DatagramPeer(to: 0)
        let connected = Self.withAddress("127.0.0.1", 9) { connect(peer.descriptor, $0, $1) }
        guard connected == 0 else { throw NeverHappened(description: "connect: \(String(cString: strerror(errno)))") }
        return peer
    }

    /// A port that nobody has, and that no socket gets by itself (ip(7), ip_local_port_range).
    package static func sparePort() throws -> Int {
        for _ in 0..<100 {
            let port = Int.random(in: 20_000..<32_000)
            guard let peer = try? DatagramPeer(to: 0, port: port) else { continue }
            peer.close()
            return port
        }
        throw NeverHappened(description: "a port is free")
    }

    /// One datagram of the relay; empty if none came in time.
    package func receive() -> String { String(decoding: self.receiveBytes(), as: UTF8.self) }

    /// One datagram of the relay, whichever of its addresses it has; of anybody where no relay's port was given.
    ///
    /// Other tests ping ports that were closed a moment ago, and this socket may have got one of them.
    package func receiveBytes() -> [UInt8] {
        while true {
            let datagram = self.receiveFrom()
            if self.isAwaited(datagram.port) || datagram.bytes.isEmpty { return datagram.bytes }
        }
    }

    private func isAwaited(_ port: Int) -> Bool { self.relayPort <= 1 || port == self.relayPort }

    /// One datagram of anybody, and the address it came from.
    package func receiveFrom() -> (bytes: [UInt8], host: String, port: Int) {
        var name = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let bytes = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, used in
            used = withUnsafeMutablePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    max(0, recvfrom(self.descriptor, buffer.baseAddress, 65_536, 0, $0, &length))
                }
            }
        }
        var text = [CChar](repeating: 0, count: 64)
        withUnsafeBytes(of: name) { raw in
            let base = raw.baseAddress.map { $0 + (self.isV6 ? 8 : 4) }
            _ = inet_ntop(self.isV6 ? AF_INET6 : AF_INET, base, &text, 64)
        }
        let host = text.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return (bytes, host, Self.port(of: name))
    }

    /// Whether a datagram is there that `receive` would answer.
    package var hasMail: Bool {
        while true {
            var byte: UInt8 = 0
            var name = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let peeked = withUnsafeMutablePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(self.descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT), $0, &length)
                }
            }
            if peeked < 0 { return false }
            if self.isAwaited(Self.port(of: name)) { return true }
            recv(self.descriptor, &byte, 1, Int32(MSG_DONTWAIT))
        }
    }

    package func close() {
        if self.descriptor >= 0 { Glibc.close(self.descriptor) }
        self.descriptor = -1
    }

    /// The port, which has the same place in both families' addresses.
    private static func port(of name: sockaddr_storage) -> Int {
        withUnsafeBytes(of: name) { Int($0[2]) << 8 | Int($0[3]) }
    }

    private static func withAddress<Result>(
        _ host: String,
        _ port: Int,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        func pass<Address>(_ address: Address) -> Result {
            withUnsafePointer(to: address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<Address>.size))
                }
            }
        }
        if host.contains(":") {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = in_port_t(port).bigEndian
            inet_pton(AF_INET6, host, &address.sin6_addr)
            return pass(address)
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        return pass(address)
    }
}
