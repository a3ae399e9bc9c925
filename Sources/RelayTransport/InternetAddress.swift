// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CSockets
internal import RelayCore

#if canImport(Glibc)
internal import Glibc
#endif

/// An Internet address and a port, as keys compare them.
public struct InternetAddress: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64
    private let scope: UInt32
    /// The port.
    public let port: UInt16

    init(_ raw: csockets_address) {
        (self.high, self.low) = withUnsafeBytes(of: raw.ip) {
            ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        self.scope = raw.scope
        self.port = raw.port
    }

    /// The address in a socket address (sockaddr(3type)); nil for one that is no Internet address.
    ///
    /// - Parameters:
    ///   - name: The socket address.
    ///   - size: How many bytes it has.
    public init?(_ name: UnsafeRawPointer, size: Int) {
        let reading = csockets_read(name, size)
        guard reading.is_address != 0 else { return nil }
        self.init(reading.address)
    }

    /// The address of a host in digits; nil for anything else.
    public init?(host: String, port: Int) {
        var raw = csockets_address()
        guard let port = UInt16(exactly: port) else { return nil }
        raw.port = port
        let isRead = withUnsafeMutableBytes(of: &raw.ip) { bytes in
            guard let base = bytes.baseAddress else { return false }
            if inet_pton(AF_INET6, host, base) == 1 { return true }
            // IPv4 is kept mapped.
            bytes[10] = 0xFF
            bytes[11] = 0xFF
            return inet_pton(AF_INET, host, base + 12) == 1
        }
        guard isRead else { return nil }
        self.init(raw)
    }

    var raw: csockets_address {
        var raw = csockets_address()
        withUnsafeMutableBytes(of: &raw.ip) {
            $0.storeBytes(of: self.high, as: UInt64.self)
            $0.storeBytes(of: self.low, toByteOffset: 8, as: UInt64.self)
        }
        raw.scope = self.scope
        raw.port = self.port
        return raw
    }

    /// The address with another port.
    func with(port: UInt16) -> InternetAddress {
        var raw = self.raw
        raw.port = port
        return InternetAddress(raw)
    }

    /// The address's bytes: 4 of IPv4, 16 of IPv6.
    var bytes: [UInt8] { self.isV4 ? Array(self.mappedBytes[12...]) : self.mappedBytes }

    /// Its 16 bytes, an IPv4 address mapped.
    var mappedBytes: [UInt8] { withUnsafeBytes(of: self.raw.ip) { Array($0) } }

    /// Whether it is an IPv4 address, which is kept mapped into IPv6 (RFC 4291, section 2.5.5.2).
    var isV4: Bool { self.high == 0 && UInt32(truncatingIfNeeded: self.low) == UInt32(bigEndian: 0x0000_FFFF) }

    /// Whether it stands for all addresses of this machine.
    var isAny: Bool { self.bytes.allSatisfy { $0 == 0 } }

    /// Whether it is one of this machine's addresses for itself (RFC 1122, section 3.2.1.3; RFC 4291, section 2.5.3).
    var isLoopback: Bool {
        let bytes = self.bytes
        return self.isV4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1
    }

    /// Whether there is no address at all.
    var isNone: Bool { self.high == 0 && self.low == 0 }

    /// Why nothing may be sent there, as a word for counters; nil for an ordinary sender's address.
    ///
    /// Whoever forges such a sender has the relay send to a group, to a whole network or to an address that no socket
    /// can have (RFC 1122, section 3.2.1.3; RFC 4291, sections 2.5.2 and 2.7; RFC 768 for port 0).
    var problem: String? {
        if self.port == 0 { return "port_zero" }
        let bytes = self.bytes
        if bytes.allSatisfy({ $0 == 0 }) { return "unspecified" }
        if self.isV4 {
            if bytes.allSatisfy({ $0 == 0xFF }) { return "broadcast" }
            return bytes[0] & 0xF0 == 0xE0 ? "multicast" : nil
        }
        return bytes[0] == 0xFF ? "multicast" : nil
    }

    /// The address in digits, without the port.
    public var host: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        _ = self.bytes.withUnsafeBytes {
            inet_ntop(self.isV4 ? AF_INET : AF_INET6, $0.baseAddress, &text, socklen_t(text.count))
        }
        let digits = text.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return self.scope == 0 ? digits : "\(digits)%\(self.scope)"
    }
}

extension ClientOrigin {
    /// The origin of what comes from an address.
    init(_ address: InternetAddress, transport: TransportKind) {
        self.init(transport: transport, host: address.host, port: Int(address.port))
    }
}
