// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import RelayCore

/// Puts each text behind its length.
enum LengthEncoder: TextEncoder {
    /// What stands before each text.
    static let headerBytes = MemoryLayout<UInt32>.size

    static var name: String { "length" }

    static func append(_ text: UnsafeRawBufferPointer, to buffer: TickBuffer) {
        // The hub sends no text that is longer than the encoding's limit.
        let frame = buffer.reserve(Self.headerBytes + text.count)
        frame.storeBytes(of: UInt32(text.count).bigEndian, as: UInt32.self)
        UnsafeMutableRawBufferPointer(rebasing: frame[Self.headerBytes...]).copyMemory(from: text)
        buffer.commit(frame.count)
    }
}
