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
    /// - Throws: ``Refusal`` for a port of 0 and for a host that stands for no address, or for one that no ping can be
    ///   answered from.
    public init(host: String, port: Int) throws(Refusal) {
        guard let port = UInt16(exactly: port), port > 0 else {
            throw Refusal(reason: "port \(port) cannot be pinged; ports go from 1 to 65535")
        }
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_DGRAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, "\(port)", &hints, &found)
        guard code == 0, let first = found else { throw Refusal(reason: String(cString: gai_strerror(code))) }
        defer { freeaddrinfo(first) }
        let reading = csockets_read(first.pointee.ai_addr, Int(first.pointee.ai_addrlen))
        guard reading.is_address != 0 else { throw Refusal(reason: "it stands for no Internet address") }
        self.raw = reading.address
        if let problem = Self.problem(with: reading.address) { throw Refusal(reason: problem) }
    }

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
        if isV4 ? bytes[12...].allSatisfy({ $0 == 0xFF }) : false { return "a broadcast address has no one answer" }
        if isV4 ? bytes[12] & 0xF0 == 0xE0 : bytes[0] == 0xFF { return "a multicast address has no one answer" }
        return nil
    }
}
