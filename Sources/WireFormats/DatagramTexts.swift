// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// The texts in a stretch of a tick's bytes for clients with the encodings `datagram` and `memory`, in order.
///
/// Each stands behind its length, four bytes in the machine's own order: these bytes never leave the process.
public struct DatagramTexts: Sequence, IteratorProtocol {
    /// What stands before each text.
    public static let headerBytes = MemoryLayout<UInt32>.size

    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    /// Reads a stretch that begins and ends between texts.
    public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The next text's place in the stretch.
    public mutating func next() -> Range<Int>? {
        guard self.position < self.bytes.count else { return nil }
        let length = Int(self.bytes.loadUnaligned(fromByteOffset: self.position, as: UInt32.self))
        let start = self.position + Self.headerBytes
        self.position = start + length
        return start..<self.position
    }
}
