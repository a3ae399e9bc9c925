// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import HostSettings
internal import NIOCore

#if canImport(Glibc)
internal import Glibc
#endif

extension Endpoint {
    /// The endpoint of a bound socket.
    init(_ address: SocketAddress) {
        self.init(host: address.ipAddress ?? "", port: address.port ?? 0)
    }

    /// All socket addresses that the host stands for, each once.
    func resolve() throws -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE
        var found: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(self.host, "\(self.port)", &hints, &found)
        guard code == 0 else {
            throw RelayError("cannot listen on \(self): \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(found) }
        var addresses: [SocketAddress] = []
        var entry = found
        while let info = entry?.pointee {
            if let raw = info.ai_addr, let address = Self.address(raw, family: info.ai_family),
                !addresses.contains(address)
            {
                addresses.append(address)
            }
            entry = info.ai_next
        }
        return addresses
    }

    private static func address(_ raw: UnsafeMutablePointer<sockaddr>, family: CInt) -> SocketAddress? {
        switch family {
        case AF_INET: raw.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { SocketAddress($0.pointee) }
        case AF_INET6: raw.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { SocketAddress($0.pointee) }
        default: nil
        }
    }
}
