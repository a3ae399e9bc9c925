// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Makes any bytes one line of text.
///
/// A line end (CR LF, or one of Unicode's: LF, VT, FF, CR, U+0085, U+2028, U+2029; Unicode 15, section 5.8) becomes one space;
/// other control characters (C0 without TAB, DEL, C1) and what is not UTF-8 become U+FFFD.
enum LineText {
    /// Whether there is certainly nothing to change: printable ASCII, eight bytes at a time.
    static func isPlain(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress, bytes.count >= 8 else {
            return bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
        }
        var odd: UInt64 = 0
        var index = 0
        while index < bytes.count - 8 {
            odd |= Self.odd(base.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            index += 8
        }
        // The last eight, some of them again.
        return odd | Self.odd(base.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self)) == 0
    }

    /// A high bit for each byte that is below 0x20, is 0x7F or has it already; now and then for the byte behind one, too.
    private static func odd(_ word: UInt64) -> UInt64 {
        let below = word &- 0x2020_2020_2020_2020
        // 0x7F and what is above it has a high bit once one is added to each.
        let above = (word & 0x7F7F_7F7F_7F7F_7F7F) &+ 0x0101_0101_0101_0101
        return (below | above | word) & 0x8080_8080_8080_8080
    }

    /// The text as one line; nil if it is one.
    static func made(of bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        var isChanged = false
        // Each byte becomes three at most.
        let line = [UInt8](unsafeUninitializedCapacity: 3 * bytes.count) { result, size in
            var index = 0
            while index < bytes.count {
                let (count, isWhole) = UTF8Repair.character(at: index, in: bytes)
                let kind = isWhole ? Self.kind(at: index, count, in: bytes) : .odd
                switch kind {
                case .plain: for offset in 0..<count { result[size + offset] = bytes[index + offset] }
                case .lineEnd: result[size] = 0x20
                case .odd: (result[size], result[size + 1], result[size + 2]) = (0xEF, 0xBF, 0xBD)
                }
                size += kind == .plain ? count : kind == .lineEnd ? 1 : 3
                isChanged = isChanged || kind != .plain
                index += count
                // CR LF is one line end.
                if kind == .lineEnd, bytes[index - 1] == 0x0D, index < bytes.count, bytes[index] == 0x0A { index += 1 }
            }
        }
        return isChanged ? line : nil
    }

    private enum Kind { case plain, lineEnd, odd }

    private static func kind(at index: Int, _ count: Int, in bytes: UnsafeRawBufferPointer) -> Kind {
        switch (count, bytes[index]) {
        case (1, 0x09): return .plain
        case (1, 0x0A...0x0D): return .lineEnd
        case (1, 0x00..<0x20), (1, 0x7F): return .odd
        case (2, 0xC2) where bytes[index + 1] == 0x85: return .lineEnd
        case (2, 0xC2) where bytes[index + 1] < 0xA0: return .odd
        case (3, 0xE2) where bytes[index + 1] == 0x80 && (bytes[index + 2] == 0xA8 || bytes[index + 2] == 0xA9):
            return .lineEnd
        default: return .plain
        }
    }
}
