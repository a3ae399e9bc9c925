// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import RelayCore

#if canImport(Glibc)
internal import Glibc
#endif

/// Makes one line of each text.
enum LineEncoder: TextEncoder {
    static var name: String { "line" }

    static func append(_ text: UnsafeRawBufferPointer, to buffer: TickBuffer) {
        let line = buffer.reserve(text.count + 1)
        line.copyMemory(from: text)
        let end = Self.joinLines(UnsafeMutableRawBufferPointer(rebasing: line[..<text.count]))
        line[end] = UInt8(ascii: "\n")
        buffer.commit(end + 1)
    }

    /// Replaces each line break (`\n`, `\r\n` or `\r`) by one space and returns the new end.
    private static func joinLines(_ bytes: UnsafeMutableRawBufferPointer) -> Int {
        guard let base = bytes.baseAddress, var read = Self.firstBreak(base, bytes.count) else { return bytes.count }
        var write = read
        while read < bytes.count {
            let byte = bytes[read]
            read += 1
            if byte == 0x0D, read < bytes.count, bytes[read] == 0x0A { read += 1 }
            bytes[write] = byte == 0x0A || byte == 0x0D ? 0x20 : byte
            write += 1
        }
        return write
    }

    private static func firstBreak(_ base: UnsafeMutableRawPointer, _ count: Int) -> Int? {
        let newline = memchr(base, 0x0A, count).map { $0 - base }
        return memchr(base, 0x0D, newline ?? count).map { $0 - base } ?? newline
    }
}
