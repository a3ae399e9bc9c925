// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import HostSettings
internal import RelayTransport

#if canImport(Glibc)
internal import Glibc
#endif

extension Endpoint {
    /// The endpoint of a bound socket.
    init(_ address: InternetAddress) {
        self.init(host: address.host, port: Int(address.port))
    }

    /// All addresses that the host stands for, each once.
    func resolve() throws -> [InternetAddress] {
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE
        var found: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(self.host, "\(self.port)", &hints, &found)
        guard code == 0 else {
            throw RelayError("cannot listen on \(self): \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(found) }
        var addresses: [InternetAddress] = []
        var entry = found
        while let info = entry?.pointee {
            if let raw = info.ai_addr, let address = InternetAddress(raw, size: Int(info.ai_addrlen)),
                !addresses.contains(address)
            {
                addresses.append(address)
            }
            entry = info.ai_next
        }
        return addresses
    }
}
