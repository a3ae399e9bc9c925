// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import DequeModule

/// Cuts received bytes into texts, in bounded memory, one at a time.
///
/// A datagram is a text. Line-framed, every `\n` or `\r\n` ends a text. Raw, what arrives together is one text, but for a character whose last
/// bytes are still on their way. A text longer than the limit comes in several pieces; nothing is lost.
struct TextSplitter {
    private let framing: ChatFraming
    private let limit: Int
    private var datagrams: Deque<[UInt8]> = []
    private var bytes: [UInt8] = []
    /// Where the next text begins, and up to where no line end was found.
    private var start = 0
    private var scanned = 0
    private var isFinished = false

    init(_ framing: ChatFraming, limit: Int) {
        self.framing = framing
        self.limit = max(4, limit)
    }

    /// Takes bytes; raw, only once ``next()`` has nothing more.
    mutating func append(_ more: [UInt8]) {
        guard self.framing != .datagrams else { return self.datagrams.append(more) }
        self.bytes.removeFirst(self.start)
        self.scanned -= self.start
        self.start = 0
        self.bytes += more
    }

    /// The connection has ended: what is left is a text, too.
    mutating func finish() { self.isFinished = true }

    /// The next text that is complete.
    mutating func next() -> ArraySlice<UInt8>? {
        if let datagram = self.datagrams.popFirst() { return datagram[...] }
        let count = self.bytes.count - self.start
        if self.framing == .lines {
            while self.scanned < self.bytes.count, self.bytes[self.scanned] != 0x0A { self.scanned += 1 }
            if self.scanned < self.bytes.count {
                let line = self.bytes[self.start..<self.scanned]
                let text = line.last == 0x0D ? line.dropLast() : line
                if text.count > self.limit { return self.piece() }
                self.scanned += 1
                self.start = self.scanned
                return text
            }
        }
        // One more than the limit, for the carriage return that a line may end with.
        if count > self.limit + (self.framing == .raw ? 0 : 1) { return self.piece() }
        guard count > 0, self.framing == .raw || self.isFinished else { return nil }
        return self.take(count - (self.isFinished ? 0 : Self.unfinished(self.bytes[self.start...])))
    }

    private mutating func piece() -> ArraySlice<UInt8>? {
        self.take(self.limit - Self.unfinished(self.bytes[self.start..<self.start + self.limit]))
    }

    private mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count > 0 else { return nil }
        defer {
            self.start += count
            self.scanned = max(self.scanned, self.start)
        }
        return self.bytes[self.start..<self.start + count]
    }

    /// How many bytes at the end begin a UTF-8 character that is not complete (RFC 3629): 0 to 3.
    static func unfinished(_ bytes: ArraySlice<UInt8>) -> Int {
        for (index, byte) in bytes.suffix(3).reversed().enumerated() {
            let back = index + 1
            switch byte {
            case 0x80..<0xC0: continue
            case 0xC2..<0xE0: return back < 2 ? back : 0
            case 0xE0..<0xF0: return back < 3 ? back : 0
            case 0xF0..<0xF5: return back
            default: return 0
            }
        }
        return 0
    }
}
