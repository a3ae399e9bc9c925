// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import NIOCore

#if canImport(Glibc)
internal import Glibc
#endif

/// An address to listen on, as a person writes it: `HOST:PORT`, an IPv6 host in brackets.
public struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// A name or a numeric address.
    public var host: String
    /// A port; 0 lets the system choose.
    public var port: Int

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads an address.
    ///
    /// - Throws: ``RelayError`` saying what an address looks like.
    public init(_ text: String) throws {
        func refuse(_ reason: String) -> RelayError {
            RelayError(
                "'\(text)' is no address to listen on: \(reason); write HOST:PORT, like 127.0.0.1:12345 or [::1]:12345"
            )
        }
        guard let colon = text.lastIndex(of: ":") else { throw refuse("it has no port") }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            throw refuse("an IPv6 host goes in brackets")
        }
        guard !host.isEmpty else { throw refuse("it has no host") }
        let digits = text[text.index(after: colon)...]
        guard let port = UInt16(digits), digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
            throw refuse("'\(digits)' is no port from 0 to 65535")
        }
        self.host = host
        self.port = Int(port)
    }

    /// The address as it is written.
    public var description: String {
        self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)"
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
