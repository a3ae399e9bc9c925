// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import RelayCore

/// Collects texts of which each becomes a datagram.
enum DatagramEncoder: TextEncoder {
    static var name: String { "datagram" }

    static func append(_ text: UnsafeRawBufferPointer, to buffer: TickBuffer) {
        // An empty datagram says nothing.
        guard !text.isEmpty else { return }
        let entry = buffer.reserve(DatagramTexts.headerBytes + text.count)
        entry.storeBytes(of: UInt32(text.count), as: UInt32.self)
        UnsafeMutableRawBufferPointer(rebasing: entry[DatagramTexts.headerBytes...]).copyMemory(from: text)
        buffer.commit(entry.count)
    }
}

/// Collects texts for clients in memory.
enum MemoryEncoder: TextEncoder {
    static var name: String { LengthEncoder.name }

    static func append(_ text: UnsafeRawBufferPointer, to buffer: TickBuffer) {
        DatagramEncoder.append(text, to: buffer)
    }
}
