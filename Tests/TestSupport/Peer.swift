// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation

#if canImport(Glibc)
import Glibc
#endif

/// A TCP client with a plain blocking socket, as the original's clients have.
package final class Peer {
    package private(set) var descriptor: CInt
    /// Its own port, as the relay sees it.
    package let port: Int

    /// Takes over a connection that a listener accepted.
    init(accepted descriptor: CInt) {
        self.descriptor = descriptor
        self.port = 0
        Self.limitWaiting(descriptor)
    }

    package init(port: Int, host: String = "127.0.0.1") throws {
        let isV6 = host.contains(":")
        self.descriptor = socket(isV6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let descriptor = self.descriptor
        func dial<Address>(_ address: inout Address) -> CInt {
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
                }
            }
        }
        let code: CInt
        if isV6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = in_port_t(port).bigEndian
            inet_pton(AF_INET6, host, &address.sin6_addr)
            code = dial(&address)
        } else {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            inet_pton(AF_INET, host, &address.sin_addr)
            code = dial(&address)
        }
        guard code == 0 else { throw NeverHappened(description: "connect: \(String(cString: strerror(errno)))") }
        Self.limitWaiting(descriptor)
        var own = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        withUnsafeMutablePointer(to: &own) { pointer in
            _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        // The port stands at the same place in both families' addresses.
        self.port = withUnsafeBytes(of: own) { Int($0[2]) << 8 | Int($0[3]) }
    }

    deinit { self.close() }

    /// A safety net: a test that waits for bytes that never come fails instead of hanging.
    private static func limitWaiting(_ descriptor: CInt) {
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// The name stock scripts give it.
    package var name: String { "('127.0.0.1', \(self.port))" }

    package func send(_ text: String) { self.send(Array(text.utf8)) }

    package func send(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes {
                Glibc.send(self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return }
            rest = rest.dropFirst(sent)
        }
    }

    /// One `recv`, as the original's clients do it; empty at the end.
    package func receive(_ count: Int = 65_536) -> String {
        String(decoding: self.receiveBytes(count), as: UTF8.self)
    }

    package func receiveBytes(_ count: Int = 65_536) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
            used = max(0, recv(self.descriptor, buffer.baseAddress, count, 0))
        }
    }

    /// Reads until the text is there.
    package func waits(for text: String) throws {
        var all: [UInt8] = []
        while !String(decoding: all, as: UTF8.self).contains(text) {
            let more = self.receiveBytes()
            guard !more.isEmpty else {
                throw NeverHappened(description: "'\(text)' in '\(String(decoding: all.suffix(2_000), as: UTF8.self))'")
            }
            all += more
        }
    }

    /// Reads to the end.
    package func receiveAll() -> String {
        var all: [UInt8] = []
        while true {
            let more = self.receiveBytes()
            if more.isEmpty { return String(decoding: all, as: UTF8.self) }
            all += more
        }
    }

    /// Reads until the connection has ended, if need be by a reset; false if it did not end.
    package func readsEnd() -> Bool {
        var memory = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(self.descriptor, &memory, memory.count, 0)
            if count <= 0 { return count == 0 || errno != EAGAIN }
        }
    }

    /// Ends the sending side.
    package func finish() { shutdown(self.descriptor, Int32(SHUT_WR)) }

    /// Ends the connection as a crash does: with a reset.
    package func reset() {
        var hard = linger(l_onoff: 1, l_linger: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_LINGER, &hard, socklen_t(MemoryLayout<linger>.size))
        self.close()
    }

    package func close() {
        if self.descriptor >= 0 { Glibc.close(self.descriptor) }
        self.descriptor = -1
    }
}
