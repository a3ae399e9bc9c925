// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#if canImport(Glibc)
internal import Glibc
#endif

/// A way of formatting texts that clients can choose: `format` handlers are registered per dialect.
public struct Dialect: Sendable, Hashable {
    /// The dialect's number in its hub.
    public let index: Int

    /// The dialect of clients that chose none.
    public static let plain = Dialect(index: 0)
}

/// How messages to a client are told apart on the wire.
public enum Framing: Sendable, Hashable {
    /// The texts alone, one after the other, as the original Python server sends them.
    case bare
    /// A `\n` after each text; a line break inside a text is sent as a space, so that nobody can forge a message.
    case newline
    /// A datagram for each text, without anything added; an empty text is none.
    ///
    /// In a tick's bytes each text is preceded by its length, see ``DatagramTexts``.
    case datagram
    /// Each text behind its length, as ``DatagramTexts`` reads them, and no limit for datagrams: for clients in memory.
    case counted
}

/// What makes the bytes of one text differ between recipients.
struct Encoding: Hashable {
    var dialect: Dialect
    var framing: Framing
}

extension TickBuffer {
    /// Appends a text as a framing wants it and returns where it stands.
    func append(_ text: UnsafeRawBufferPointer, framing: Framing) -> Range<Int> {
        let start = self.count
        if framing == .datagram || framing == .counted {
            guard !text.isEmpty else { return start..<start }
            DatagramTexts.appendLength(of: text, to: self)
        }
        self.append(text)
        if framing == .newline {
            let end = self.joinLines(start..<self.count)
            self.truncate(to: end)
            self.append(UInt8(ascii: "\n"))
        }
        return start..<self.count
    }

    private static func firstBreak(_ base: UnsafeMutableRawPointer, _ count: Int) -> Int? {
        let newline = memchr(base, 0x0A, count).map { $0 - base }
        return memchr(base, 0x0D, newline ?? count).map { $0 - base } ?? newline
    }

    /// Replaces each line break (`\n`, `\r\n` or `\r`) by one space and returns the new end.
    private func joinLines(_ range: Range<Int>) -> Int {
        let bytes = self.mutable(range)
        guard let base = bytes.baseAddress, var read = Self.firstBreak(base, bytes.count) else {
            return range.upperBound
        }
        var write = read
        while read < bytes.count {
            let byte = bytes[read]
            read += 1
            if byte == 0x0D, read < bytes.count, bytes[read] == 0x0A { read += 1 }
            bytes[write] = byte == 0x0A || byte == 0x0D ? 0x20 : byte
            write += 1
        }
        return range.lowerBound + write
    }
}
