// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import RelayCore

#if canImport(Glibc)
internal import Glibc
#endif

/// Where the cutting of a connection's bytes has got to, and what it knows of those behind that place.
///
/// A value: to look ahead is to move a copy. All offsets are from the first byte that is kept.
public struct TextCursor {
    enum State {
        case undecided
        case raw
        case line(isStrict: Bool)
        case length
    }

    var state: State
    let limit: Int
    /// The first byte that no item has taken.
    var position = 0
    /// Of lines: bytes from there on that are known to hold no `\n`.
    var searched = 0
    /// Within a line that was too long: everything up to its end is dropped.
    var isSkipping = false
    /// Bytes of a text that was too long and that are still to be dropped, where its length is known.
    var skippedBytes = 0
    /// Whether the unfinished line is a text, as nothing came for a while.
    var isLineEnded = false
    /// How many ends of waiting reads are behind.
    var endsPassed = 0

    /// Where a read ended that waited with others behind it.
    struct ReadEnd {
        /// Its last byte is the one before this.
        var offset: Int
        /// Whether nothing came for a while then.
        var isSilence: Bool
    }

    init(_ format: WireFormat, limit: Int) {
        self.limit = limit
        self.state =
            switch format {
            case .auto: .undecided
            case .line: .line(isStrict: true)
            case .raw: .raw
            case .length: .length
            }
    }

    /// How texts to the client are wrapped now.
    var encoding: WireEncoding {
        switch self.state {
        case .undecided, .raw: .raw
        case .line: .line
        case .length: .length
        }
    }

    /// Finds the next item, and moves behind it.
    ///
    /// - Parameters:
    ///   - bytes: All that waits.
    ///   - ends: The ends of the reads in it, but the last one's.
    /// - Returns: The item; nil once more input is needed.
    mutating func next(in bytes: UnsafeRawBufferPointer, _ ends: [ReadEnd] = []) -> TextBatch.Item? {
        while self.position < bytes.count {
            let step: Step
            switch self.state {
            case .undecided: step = .found(self.decide(bytes, to: self.end(among: ends)?.offset ?? bytes.count))
            case .raw:
                let end = self.end(among: ends)?.offset ?? bytes.count
                step = .found(self.take(min(self.limit, end - self.position)))
            case .line(isStrict: true): step = self.nextLine(bytes, to: bytes.count, isEnded: false)
            case .line(isStrict: false):
                let end = self.end(among: ends, isSilence: true)?.offset
                step = self.nextLine(bytes, to: end ?? bytes.count, isEnded: end != nil || self.isLineEnded)
            case .length: step = self.nextFrame(bytes)
            }
            switch step {
            case .skipped: continue
            case .found(let item): return item
            case .incomplete: return nil
            }
        }
        self.searched = 0
        return nil
    }

    /// The first end behind the position.
    private mutating func end(among ends: [ReadEnd], isSilence: Bool = false) -> ReadEnd? {
        while self.endsPassed < ends.count,
            ends[self.endsPassed].offset <= self.position || isSilence && !ends[self.endsPassed].isSilence
        {
            self.endsPassed += 1
        }
        return self.endsPassed < ends.count ? ends[self.endsPassed] : nil
    }

    /// What a step made of the bytes.
    private enum Step {
        /// They were no text, and are gone.
        case skipped
        case found(TextBatch.Item)
        case incomplete
    }

    /// Takes bytes as a text, with those behind it that end it.
    private mutating func take(_ count: Int, ending: Int = 0) -> TextBatch.Item {
        let start = self.position
        self.position += count + ending
        return .text(start..<start + count)
    }

    /// A first read without a `\n` is a text; one with it shows that this client speaks lines.
    private mutating func decide(_ bytes: UnsafeRawBufferPointer, to end: Int) -> TextBatch.Item {
        let window = min(self.limit, end - self.position)
        guard Self.newline(in: bytes, from: self.position, to: self.position + window) != nil else {
            return self.take(window)
        }
        self.state = .line(isStrict: false)
        return .encodingChanged(self.encoding)
    }

    // MARK: Lines

    /// Looks for a line up to an end, at which an unfinished one may be ended.
    private mutating func nextLine(_ bytes: UnsafeRawBufferPointer, to limit: Int, isEnded: Bool) -> Step {
        guard let end = Self.newline(in: bytes, from: self.position + self.searched, to: limit) else {
            return isEnded ? self.finishLine(bytes, to: limit) : self.waitForNewline(bytes)
        }
        self.searched = 0
        if self.isSkipping {
            self.isSkipping = false
            self.position = end + 1
            return .skipped
        }
        let hasReturn = end > self.position && bytes[end - 1] == UInt8(ascii: "\r")
        let length = end - self.position - (hasReturn ? 1 : 0)
        guard length > 0, length <= self.limit else {
            self.position = end + 1
            return length > 0 ? .found(.tooLong) : .skipped
        }
        return .found(self.take(length, ending: hasReturn ? 2 : 1))
    }

    private mutating func waitForNewline(_ bytes: UnsafeRawBufferPointer) -> Step {
        let count = bytes.count - self.position
        self.searched = count
        // One more byte than the limit may be the return of "\r\n".
        guard self.isSkipping || count > self.limit + 1 else { return .incomplete }
        let wasSkipping = self.isSkipping
        self.isSkipping = true
        self.position = bytes.count
        self.searched = 0
        return wasSkipping ? .incomplete : .found(.tooLong)
    }

    /// Takes an unfinished line as a text.
    private mutating func finishLine(_ bytes: UnsafeRawBufferPointer, to end: Int) -> Step {
        self.isLineEnded = false
        self.searched = 0
        let hasReturn = bytes[end - 1] == UInt8(ascii: "\r")
        let length = end - self.position - (hasReturn ? 1 : 0)
        let isRest = self.isSkipping
        // After a silence a new line begins, even if the one before was too long. Otherwise the client could not be heard again.
        self.isSkipping = false
        guard length > 0, length <= self.limit, !isRest else {
            self.position = end
            return length > 0 && !isRest ? .found(.tooLong) : .skipped
        }
        return .found(self.take(length, ending: hasReturn ? 1 : 0))
    }

    private static func newline(in bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) -> Int? {
        guard let base = bytes.baseAddress, start < end, let found = memchr(base + start, 0x0A, end - start) else {
            return nil
        }
        return UnsafeRawPointer(found) - base
    }

    // MARK: Frames

    /// Looks at the frame that the bytes begin with: four bytes of length, the most significant one first, and the text.
    private mutating func nextFrame(_ bytes: UnsafeRawBufferPointer) -> Step {
        let count = bytes.count - self.position
        if self.skippedBytes > 0 {
            let skipped = min(self.skippedBytes, count)
            self.skippedBytes -= skipped
            self.position += skipped
            return .skipped
        }
        guard count >= LengthEncoder.headerBytes else { return .incomplete }
        let length = Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: self.position, as: UInt32.self)))
        guard length > 0, length <= self.limit else {
            self.position += LengthEncoder.headerBytes
            self.skippedBytes = length
            return length > 0 ? .found(.tooLong) : .skipped
        }
        guard count - LengthEncoder.headerBytes >= length else { return .incomplete }
        self.position += LengthEncoder.headerBytes
        return .found(self.take(length))
    }
}
