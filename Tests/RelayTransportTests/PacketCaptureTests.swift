// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import Logging
import TestSupport
import Testing

@testable import RelayTransport

/// Files of packets, read as a stranger would read them.
@Suite struct PacketCaptureTests {
    /// One packet of a file.
    private struct Read: Equatable {
        var version: UInt8
        var transport: UInt8
        var ports: [Int]
        var flags: UInt8 = 0
        var sequence = 0
        var acknowledged = 0
        var payload: [UInt8] = []
    }

    private func address(_ host: String, _ port: Int) throws -> InternetAddress {
        try #require(InternetAddress(host: host, port: port))
    }

    /// Records, and reads the file: checks every length and checksum on the way.
    private func packets(_ record: (PacketCapture) throws -> Void) throws -> [Read] {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let path = "\(folder.path)/x.pcap"
        let capture = try PacketCapture(path: path, logger: Logger(label: "test"))
        capture.begin()
        try record(capture)
        capture.close()
        let bytes = try Array(Data(contentsOf: URL(fileURLWithPath: path)))
        #expect(bytes.prefix(4) == [0xD4, 0xC3, 0xB2, 0xA1])
        #expect(bytes[20..<24] == [101, 0, 0, 0], "raw IP")
        var packets: [Read] = []
        var rest = bytes[24...]
        while !rest.isEmpty {
            let header = Array(rest.prefix(16))
            let number = { (place: Int) in (0..<4).reduce(0) { $0 | Int(header[place + $1]) << (8 * $1) } }
            #expect(abs(Double(number(0)) - Date().timeIntervalSince1970) < 600)
            #expect(number(4) < 1_000_000)
            #expect(number(8) == number(12))
            packets.append(try self.read(Array(rest.dropFirst(16).prefix(number(8)))))
            rest = rest.dropFirst(16 + number(8))
        }
        return packets
    }

    private func read(_ packet: [UInt8]) throws -> Read {
        let version = packet[0] >> 4
        let number = { (place: Int) in Int(packet[place]) << 8 | Int(packet[place + 1]) }
        let start: Int
        var sum: [UInt8]
        if version == 4 {
            #expect(number(2) == packet.count)
            #expect(Packet.checksum(Array(packet[..<20])) == 0)
            start = 20
            sum = Array(packet[12..<20])
        } else {
            #expect(number(4) == packet.count - 40)
            start = 40
            sum = Array(packet[8..<40])
        }
        let transport = packet[version == 4 ? 9 : 6]
        let body = Array(packet[start...])
        let count = UInt32(body.count)
        sum += withUnsafeBytes(of: count.bigEndian) { Array($0) } + [0, 0, 0, transport]
        #expect(Packet.checksum(sum + body) == 0)
        var read = Read(version: version, transport: transport, ports: [number(start), number(start + 2)])
        if transport == 17 {
            #expect(number(start + 4) == body.count)
            read.payload = Array(body[8...])
        } else {
            read.flags = body[13]
            read.sequence = number(start + 4) << 16 | number(start + 6)
            read.acknowledged = number(start + 8) << 16 | number(start + 10)
            read.payload = Array(body[20...])
        }
        return read
    }

    @Test(arguments: ["127.0.0.1", "::1"])
    func `a datagram is recorded with its addresses and bytes`(host: String) throws {
        for text in ["oi", "", "odd", String(repeating: "x", count: 65_507)] {
            let packets = try self.packets { capture in
                let (from, to) = (try self.address(host, 8_622), try self.address(host, 12_345))
                Array(text.utf8).withUnsafeBytes { capture.datagram(from: from, to: to, $0) }
            }
            #expect(packets.count == 1)
            #expect(packets.first?.version == (host == "::1" ? 6 : 4))
            #expect(packets.first?.ports == [8_622, 12_345])
            #expect(packets.first?.payload == Array(text.utf8))
        }
    }

    @Test func `a connection is one that can be followed, from its first packet to its last`() throws {
        let long = [UInt8](repeating: 0x78, count: 200_000)
        let packets = try self.packets { capture in
            let (local, remote) = (try self.address("10.0.0.1", 12_345), try self.address("10.0.0.2", 5_000))
            let stream = capture.connection(local: local, remote: remote)
            Array("oi".utf8).withUnsafeBytes { stream.received($0) }
            long.withUnsafeBytes { stream.sent($0) }
            stream.sent(UnsafeRawBufferPointer(start: nil, count: 0))
            stream.ended()
            stream.ended()
        }
        let flags = packets.map(\.flags)
        #expect(flags.prefix(4) == [0x02, 0x12, 0x10, 0x18])
        #expect(flags.suffix(3) == [0x11, 0x11, 0x10])
        var next = [5_000: 0, 12_345: 0]
        for packet in packets {
            #expect(packet.sequence == next[packet.ports[0]])
            if packet.flags & 0x10 != 0 { #expect(packet.acknowledged == next[packet.ports[1]]) }
            next[packet.ports[0], default: 0] += packet.payload.count + (packet.flags & 0x03 != 0 ? 1 : 0)
        }
        #expect(packets.filter { $0.ports[0] == 12_345 }.flatMap(\.payload) == long)
    }

    private func refusal(_ path: String) -> String? {
        do {
            _ = try PacketCapture(path: path, logger: Logger(label: "test"))
            return nil
        } catch {
            return error.reason
        }
    }

    @Test func `nothing but a capture is written over, and that only once the relay begins`() throws {
        let folder = try TemporaryFolder(["notes": "what was there", "short": "\u{D4}"])
        defer { folder.remove() }
        let size = { (name: String) in try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/\(name)")).count }
        #expect(self.refusal("\(folder.path)/missing/x") == "No such file or directory")
        #expect(self.refusal("\(folder.path)/notes") == "it holds something else than a capture")
        #expect(self.refusal("\(folder.path)/short") == "it holds something else than a capture")
        #expect(try size("notes") == 14)
        let path = "\(folder.path)/x.pcap"
        for _ in 0..<2 {
            let capture = try PacketCapture(path: path, logger: Logger(label: "test"))
            #expect(self.refusal(path) == "another program is writing to it")
            capture.begin()
            let (from, to) = (try self.address("::1", 1), try self.address("::1", 2))
            Array("oi".utf8).withUnsafeBytes { capture.datagram(from: from, to: to, $0) }
            capture.close()
            #expect(try size("x.pcap") == 24 + 16 + 40 + 8 + 2)
        }
        // One that does not begin leaves it as it is.
        let capture = try PacketCapture(path: path, logger: Logger(label: "test"))
        capture.close()
        #expect(try size("x.pcap") > 24)
    }

    @Test(arguments: [
        (1_700_000_000.25, UInt32(1_700_000_000), UInt32(250_000)), (0, 0, 0), (-1.5, 0, 0), (-1e300, 0, 0),
        (.nan, 0, 0),
        (4_294_967_294.5, 4_294_967_294, 500_000), (4_294_967_296, .max, 0), (.infinity, .max, 0),
    ])
    func `any clock has a time stamp`(time: Double, seconds: UInt32, micros: UInt32) {
        #expect(Packet.stamp(time) == (seconds, micros))
    }
}
