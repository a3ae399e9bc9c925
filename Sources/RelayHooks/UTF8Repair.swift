// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Replaces what is not UTF-8 by U+FFFD, one for each maximal subpart (Unicode 15, section 3.9, table 3-7 and after it).
///
/// The standard library does the same by throwing an error for each mistake, and takes milliseconds for 64 KiB of them: any
/// client could keep the script loop busy with that.
enum UTF8Repair {
    /// The repaired text, as bytes.
    static func repaired(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        // Each byte becomes three at most.
        Array(unsafeUninitializedCapacity: 3 * bytes.count) { result, size in
            var index = 0
            while index < bytes.count {
                let (count, isWhole) = self.character(at: index, in: bytes)
                if isWhole {
                    for offset in 0..<count { result[size + offset] = bytes[index + offset] }
                    size += count
                } else {
                    (result[size], result[size + 1], result[size + 2]) = (0xEF, 0xBF, 0xBD)
                    size += 3
                }
                index += count
            }
        }
    }

    /// How many bytes belong together here, and whether they are a character.
    static func character(at index: Int, in bytes: UnsafeRawBufferPointer) -> (count: Int, isWhole: Bool) {
        let first = bytes[index]
        guard first >= 0x80 else { return (1, true) }
        let length: Int
        // What the second byte may be; the others are any from 0x80 to 0xBF.
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return (1, false)
        }
        for offset in 1..<length {
            let range = offset == 1 ? second : 0x80...0xBF
            guard index + offset < bytes.count, range.contains(bytes[index + offset]) else { return (offset, false) }
        }
        return (length, true)
    }
}
