// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CSockets
internal import RelayCore

/// What has arrived at a UDP socket, on its way from the socket's thread to the script loop.
///
/// Unchecked because one side has it at a time: it changes hands under the endpoint's lock.
final class ArrivedDatagrams: @unchecked Sendable {
    /// One datagram.
    struct Datagram {
        var from: InternetAddress
        /// Our address that it was sent to, where that is not the socket's.
        var to: InternetAddress
        var range: Range<Int>
        var isTruncated: Bool
    }

    private(set) var datagrams: [Datagram] = []
    /// Peers at whose port nobody listens any more.
    private(set) var unreachable: [InternetAddress] = []
    private let bytes = TickBuffer()

    /// Memory beside its bytes that a datagram is counted with, so that many empty ones fill the limit, too.
    private static let datagramBytes = 128

    /// What it weighs against the limit on input.
    var weight: Int {
        self.bytes.count + Self.datagramBytes * (self.datagrams.count + self.unreachable.count)
    }

    var isEmpty: Bool { self.datagrams.isEmpty && self.unreachable.isEmpty }

    func append(_ arrival: csockets_arrival, _ start: UnsafePointer<UInt8>) {
        let begin = self.bytes.count
        self.bytes.append(UnsafeRawBufferPointer(start: start, count: Int(arrival.length)))
        self.datagrams.append(
            Datagram(
                from: InternetAddress(arrival.from),
                to: InternetAddress(arrival.to),
                range: begin..<self.bytes.count,
                isTruncated: arrival.is_truncated != 0
            )
        )
    }

    func append(unreachable peer: InternetAddress) { self.unreachable.append(peer) }

    func text(of datagram: Datagram) -> UnsafeRawBufferPointer { self.bytes[datagram.range] }

    func reset() {
        self.datagrams.removeAll(keepingCapacity: true)
        self.unreachable.removeAll(keepingCapacity: true)
        self.bytes.reset()
    }
}
