// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Cuts a program's input into lines, in bounded memory.
///
/// A line that is too long is counted, not kept.
struct InputSplitter {
    /// One line of input.
    enum Line: Equatable {
        case text([UInt8])
        /// Longer than the limit: how many bytes it had.
        case tooLong(Int)
    }

    private let limit: Int
    private var pending: [UInt8] = []
    /// Bytes of the line beyond what is kept.
    private var dropped = 0

    init(limit: Int) { self.limit = limit }

    /// Takes bytes and returns the lines that they complete.
    mutating func take(_ bytes: [UInt8]) -> [Line] {
        var lines: [Line] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: 0x0A) {
            self.append(rest[..<end])
            lines.append(self.line())
            rest = rest[rest.index(after: end)...]
        }
        self.append(rest)
        return lines
    }

    /// The input has ended: what is left is a line too.
    mutating func finish() -> Line? {
        self.pending.isEmpty && self.dropped == 0 ? nil : self.line()
    }

    private mutating func append(_ bytes: ArraySlice<UInt8>) {
        // One more than the limit, for the carriage return that a line may end with.
        let room = self.limit + 1 - self.pending.count
        self.pending += bytes.prefix(room)
        self.dropped += max(0, bytes.count - room)
    }

    private mutating func line() -> Line {
        defer {
            self.pending.removeAll(keepingCapacity: true)
            self.dropped = 0
        }
        if self.dropped == 0, self.pending.last == 0x0D { self.pending.removeLast() }
        let count = self.pending.count + self.dropped
        return count > self.limit ? .tooLong(count) : .text(self.pending)
    }
}
