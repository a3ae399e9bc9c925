// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CSockets

#if canImport(Glibc)
internal import Glibc
#endif

/// Where pings go: a numeric address and a port.
public struct ProbeAddress: Sendable, Equatable {
    let raw: csockets_address

    /// Why a host and port stand for no address.
    public struct Refusal: Error, Sendable {
        /// What is wrong, in words.
        public var reason: String
    }

    /// Looks a host up; blocks while the system does.
    ///
    /// - Parameters:
    ///   - host: A name or a numeric address.
    ///   - port: From 1 to 65535.
    /// - Returns: All addresses that it stands for, one at least, in the system's order of preference.
    /// - Throws: ``Refusal`` for a port of 0 and for a host that stands for no address, or for one that no ping can be
    ///   answered from.
    public static func lookUp(host: String, port: Int) throws(Refusal) -> [ProbeAddress] {
        guard let port = UInt16(exactly: port), port > 0 else {
            throw Refusal(reason: "port \(port) cannot be pinged; ports go from 1 to 65535")
        }
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_DGRAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, "\(port)", &hints, &found)
        guard code == 0, let first = found else { throw Refusal(reason: String(cString: gai_strerror(code))) }
        defer { freeaddrinfo(first) }
        var addresses: [ProbeAddress] = []
        var problem = "it stands for no Internet address"
        var entry = found
        while let info = entry?.pointee {
            entry = info.ai_next
            let reading = csockets_read(info.ai_addr, Int(info.ai_addrlen))
            guard reading.is_address != 0 else { continue }
            if let reason = self.problem(with: reading.address) {
                problem = reason
            } else {
                addresses.append(ProbeAddress(raw: reading.address))
            }
        }
        guard !addresses.isEmpty else { throw Refusal(reason: problem) }
        return addresses
    }

    private init(raw: csockets_address) { self.raw = raw }

    /// The first address of a host; blocks while the system looks it up.
    public init(host: String, port: Int) throws(Refusal) { self = try Self.lookUp(host: host, port: port)[0] }

    /// Whether two are the same.
    public static func == (left: ProbeAddress, right: ProbeAddress) -> Bool {
        left.raw.port == right.raw.port && left.raw.scope == right.raw.scope
            && withUnsafeBytes(of: left.raw.ip) { left in
                withUnsafeBytes(of: right.raw.ip) { right in left.elementsEqual(right) }
            }
    }

    /// Addresses that many hosts, or none, would answer for (RFC 1122, section 3.2.1.3; RFC 4291, section 2.7).
    private static func problem(with address: csockets_address) -> String? {
        let bytes = withUnsafeBytes(of: address.ip) { Array($0) }
        let isV4 = bytes[..<12].elementsEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF])
        if bytes[(isV4 ? 12 : 0)...].allSatisfy({ $0 == 0 }) {
            return "it stands for all addresses of a machine; this one's own is 127.0.0.1"
        }
        if isV4 ? bytes[12...].allSatisfy({ $0 == 0xFF }) : false { return "a broadcast address has no one answer" }
        if isV4 ? bytes[12] & 0xF0 == 0xE0 : bytes[0] == 0xFF { return "a multicast address has no one answer" }
        return nil
    }
}
