// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Cuts received bytes into texts, in bounded memory.
///
/// Line-framed, every `\n` or `\r\n` ends a text. Raw, what arrives together is one text, but for a character whose last
/// bytes are still on their way. A text longer than the limit comes in several pieces; nothing is lost.
struct TextSplitter {
    private let isRaw: Bool
    private let limit: Int
    private var pending: [UInt8] = []

    init(isRaw: Bool, limit: Int) {
        self.isRaw = isRaw
        self.limit = max(4, limit)
    }

    /// Takes bytes and passes on every text that is complete.
    mutating func take(_ bytes: [UInt8], _ use: (ArraySlice<UInt8>) -> Void) {
        var rest = bytes[...]
        if !self.isRaw {
            while let end = rest.firstIndex(of: 0x0A) {
                self.append(rest[..<end], use)
                if self.pending.last == 0x0D { self.pending.removeLast() }
                use(self.pending[...])
                self.pending.removeAll(keepingCapacity: true)
                rest = rest[rest.index(after: end)...]
            }
        }
        self.append(rest, use)
        if self.isRaw { self.release(keeping: Self.unfinished(self.pending), use) }
    }

    /// The connection has ended: passes on what is left.
    mutating func finish(_ use: (ArraySlice<UInt8>) -> Void) {
        self.release(keeping: 0, use)
    }

    private mutating func append(_ bytes: ArraySlice<UInt8>, _ use: (ArraySlice<UInt8>) -> Void) {
        var rest = bytes
        while self.pending.count + rest.count > self.limit {
            let piece = rest.prefix(self.limit - self.pending.count)
            self.pending += piece
            rest = rest.dropFirst(piece.count)
            self.release(keeping: Self.unfinished(self.pending), use)
        }
        self.pending += rest
    }

    private mutating func release(keeping count: Int, _ use: (ArraySlice<UInt8>) -> Void) {
        let end = self.pending.count - count
        guard end > 0 else { return }
        use(self.pending[..<end])
        self.pending.removeFirst(end)
    }

    /// How many bytes at the end begin a UTF-8 character that is not complete (RFC 3629): 0 to 3.
    static func unfinished(_ bytes: [UInt8]) -> Int {
        for back in 1...3 where back <= bytes.count {
            let byte = bytes[bytes.count - back]
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
