// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation

#if canImport(Glibc)
import Glibc
#endif

/// A server of a test's own, on loopback and a port of its own: it does to clients whatever the test says.
package final class Listener {
    private var descriptor: CInt
    package let port: Int

    /// Listens on a free port, or on one that an earlier listener had.
    package init(port: Int = 0) throws {
        self.descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let descriptor = self.descriptor
        var reuse: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<CInt>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> CInt in
                guard bind(descriptor, address, size) == 0, listen(descriptor, 5) == 0 else { return -1 }
                return getsockname(descriptor, address, &size)
            }
        }
        guard code == 0 else { throw NeverHappened(description: "listen: \(String(cString: strerror(errno)))") }
        self.port = Int(in_port_t(bigEndian: address.sin_port))
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Waits for a client.
    package func accept() throws -> Peer {
        let client = Glibc.accept(self.descriptor, nil, nil)
        guard client >= 0 else { throw NeverHappened(description: "a client connects") }
        return Peer(accepted: client)
    }

    package func close() {
        if self.descriptor >= 0 { Glibc.close(self.descriptor) }
        self.descriptor = -1
    }

    deinit { self.close() }
}
