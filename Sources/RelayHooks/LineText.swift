// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Makes any bytes one line of text.
///
/// A line end (CR LF, or one of Unicode's: LF, VT, FF, CR, U+0085, U+2028, U+2029; Unicode 15, section 5.8) becomes one space;
/// other control characters (C0 without TAB, DEL, C1) and what is not UTF-8 become U+FFFD.
enum LineText {
    /// Whether there is certainly nothing to change: printable ASCII, eight bytes at a time.
    static func isPlain(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        var index = 0
        var odd: UInt64 = 0
        while index + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let delete = word ^ (ones &* 0x7F)
            // A high bit in each byte that is below 0x20, is 0x7F, or has it already; now and then in the byte behind one, too.
            odd |= ((word &- ones &* 0x20) | (delete &- ones) & ~delete | word) & highs
            index += 8
        }
        while index < bytes.count {
            let byte = bytes[index]
            if byte < 0x20 || byte >= 0x7F { return false }
            index += 1
        }
        return odd == 0
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
