// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation

/// Records of a pcap file: IP packets with the time.
enum Packet {
    /// What a TCP header's flags say (RFC 9293, section 3.1).
    struct StreamFlags: OptionSet {
        let rawValue: UInt8
        static let finish = StreamFlags(rawValue: 0x01)
        static let synchronize = StreamFlags(rawValue: 0x02)
        static let push = StreamFlags(rawValue: 0x08)
        static let acknowledge = StreamFlags(rawValue: 0x10)
    }

    /// One side of a TCP connection.
    struct StreamEnd {
        var address: InternetAddress
        /// The number of its next byte.
        var sequence: UInt32 = 0
    }

    private static let udp: UInt8 = 17
    private static let tcp: UInt8 = 6

    /// Bytes of a stream that fit into one packet of either family.
    static let longestSegment = 65_535 - 40 - 20

    /// The beginning of a file: version 2.4, times in microseconds, packets of any length, raw IP.
    static var fileHeader: [UInt8] {
        var bytes = Self.native(UInt32(0xA1B2_C3D4)) + Self.native(UInt16(2)) + Self.native(UInt16(4))
        bytes += Self.native(UInt32(0)) + Self.native(UInt32(0)) + Self.native(UInt32(262_144))
        return bytes + Self.native(UInt32(101))
    }

    /// A UDP datagram (RFC 768).
    static func datagram(from: InternetAddress, to: InternetAddress, _ text: UnsafeRawBufferPointer) -> [UInt8] {
        var body = Self.network(from.port) + Self.network(to.port)
        body += Self.network(UInt16(truncatingIfNeeded: 8 + text.count)) + [0, 0]
        body += text
        return Self.record(Self.udp, from, to, body, checksumAt: 6)
    }

    /// A TCP segment (RFC 9293); counts its bytes.
    static func segment(
        from: inout StreamEnd,
        to: StreamEnd,
        _ flags: StreamFlags,
        _ bytes: [UInt8]
    ) -> [UInt8] {
        var body = Self.network(from.address.port) + Self.network(to.address.port)
        body += Self.network(from.sequence) + Self.network(flags.contains(.acknowledge) ? to.sequence : 0)
        // Five words of header, the flags, the window, no checksum yet, nothing urgent.
        body += [5 << 4, flags.rawValue] + Self.network(UInt16.max) + [0, 0, 0, 0]
        from.sequence &+= UInt32(bytes.count) + (flags.isDisjoint(with: [.synchronize, .finish]) ? 0 : 1)
        return Self.record(Self.tcp, from.address, to.address, body + bytes, checksumAt: 16)
    }

    private static func record(
        _ transport: UInt8,
        _ from: InternetAddress,
        _ to: InternetAddress,
        _ body: [UInt8],
        checksumAt place: Int
    ) -> [UInt8] {
        // A socket of both families can meet an IPv4 peer under its own IPv6 address.
        let isV4 = from.isV4 && to.isV4
        let source = isV4 ? from.bytes : from.mappedBytes
        let destination = isV4 ? to.bytes : to.mappedBytes
        var body = body
        let length = Self.network(UInt32(body.count)) + [0, 0, 0, transport]
        var sum = Self.checksum(source + destination + length + body)
        // Over UDP, 0 says that there is none.
        if sum == 0, transport == Self.udp { sum = 0xFFFF }
        body.replaceSubrange(place..<place + 2, with: Self.network(sum))
        let packet = (isV4 ? Self.header4 : Self.header6)(transport, source, destination, body.count) + body
        let (seconds, micros) = Self.stamp(Date().timeIntervalSince1970)
        let count = Self.native(UInt32(packet.count))
        return Self.native(seconds) + Self.native(micros) + count + count + packet
    }

    /// A time as the file holds it: seconds since 1970 in 32 bits, and microseconds.
    ///
    /// A clock that shows an earlier time, or a later one than 2106, is recorded as the nearest there is.
    static func stamp(_ time: Double) -> (seconds: UInt32, micros: UInt32) {
        guard time > 0 else { return (0, 0) }
        guard time < Double(UInt32.max) else { return (.max, 0) }
        let seconds = time.rounded(.down)
        return (UInt32(seconds), UInt32((time - seconds) * 1e6))
    }

    /// RFC 791, section 3.1.
    private static func header4(_ transport: UInt8, _ from: [UInt8], _ to: [UInt8], _ count: Int) -> [UInt8] {
        var header: [UInt8] = [0x45, 0] + Self.network(UInt16(truncatingIfNeeded: 20 + count))
        // No identification, not to be fragmented, 64 hops.
        header += [0, 0, 0x40, 0, 64, transport, 0, 0] + from + to
        header.replaceSubrange(10..<12, with: Self.network(Self.checksum(header)))
        return header
    }

    /// RFC 8200, section 3.
    private static func header6(_ transport: UInt8, _ from: [UInt8], _ to: [UInt8], _ count: Int) -> [UInt8] {
        [0x60, 0, 0, 0] + Self.network(UInt16(truncatingIfNeeded: count)) + [transport, 64] + from + to
    }

    /// The Internet checksum (RFC 1071).
    static func checksum(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: 0, to: bytes.count, by: 2) {
            sum += UInt32(bytes[index]) << 8 | (index + 1 < bytes.count ? UInt32(bytes[index + 1]) : 0)
            sum = (sum & 0xFFFF) + (sum >> 16)
        }
        return ~UInt16(truncatingIfNeeded: sum)
    }

    private static func native<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number) { Array($0) }
    }

    private static func network<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }
}
