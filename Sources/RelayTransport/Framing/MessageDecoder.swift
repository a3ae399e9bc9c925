// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#if canImport(Glibc)
internal import Glibc
#endif

/// How a connection's bytes are cut into messages.
public enum FramingMode: String, Sendable, CaseIterable {
    /// Each read is a message until the first `\n`, and lines are messages from there on.
    case auto
    /// Lines are messages: `\n` or `\r\n` ends one, an empty one is none, an unfinished one is none either.
    case line
    /// Each read is a message.
    case raw
}

/// Cuts the bytes of one connection into messages of bounded length.
///
/// A state machine without I/O. A read is everything available at one wake-up: the caller passes it to ``begin(_:)``, takes
/// messages with ``next(_:)`` until there are none, and calls ``keepRest()`` before it uses the read's memory again. In `auto`
/// mode what arrives together without a `\n` is one message, as the original's clients need. Two such sends that arrive
/// together are one message, and a first line split over two reads is two: nothing on the wire tells the difference.
public struct MessageDecoder {
    /// What the decoder found.
    public enum Event: Equatable, Sendable {
        /// A message, passed to the caller's closure.
        case message
        /// A line over the limit; it is skipped.
        case tooLong
        /// The first `\n`: the connection is line-framed from here on.
        case lineFramed
    }

    private enum State {
        case undecided
        case raw
        case line(isStrict: Bool)
    }

    private var state: State
    private let limit: Int
    /// The read that is being cut, while it need not be kept: then nothing is copied.
    private var borrowed: UnsafeRawBufferPointer?
    /// What earlier reads left, and where the first byte is that was not taken.
    private var kept: [UInt8] = []
    private var position = 0
    /// Bytes from the position on that are known to hold no `\n`.
    private var searched = 0
    /// Within a line that was too long: everything up to its end is dropped.
    private var isSkipping = false

    /// Makes a decoder.
    ///
    /// - Parameters:
    ///   - mode: How to cut.
    ///   - limit: The longest message, in bytes; a longer read is cut, a longer line is refused.
    public init(mode: FramingMode, limit: Int) {
        precondition(limit > 0)
        self.limit = limit
        self.state =
            switch mode {
            case .auto: .undecided
            case .line: .line(isStrict: true)
            case .raw: .raw
            }
    }

    /// Bytes not yet cut into messages.
    public var pendingBytes: Int { (self.borrowed?.count ?? self.kept.count) - self.position }

    /// Bytes of memory that it keeps between reads.
    var storageBytes: Int { self.kept.capacity }

    /// Whether messages end with `\n`.
    public var isLineFramed: Bool {
        if case .line = self.state { return true }
        return false
    }

    /// Whether an unfinished line waits for its end, or for ``finishLine(_:)``.
    public var hasPartialLine: Bool {
        guard case .line(isStrict: false) = self.state else { return false }
        return self.pendingBytes > 0 || self.isSkipping
    }

    /// Adds the bytes of a read, which must stay as they are until ``keepRest()``.
    public mutating func begin(_ bytes: UnsafeRawBufferPointer) {
        precondition(self.borrowed == nil, "the read before was not ended")
        guard self.pendingBytes == 0 else {
            // What was taken is given back, but not before it is half: so copying stays in proportion.
            if self.position > self.pendingBytes {
                self.kept.removeFirst(self.position)
                self.position = 0
            }
            self.kept.append(contentsOf: bytes)
            return
        }
        self.borrowed = bytes
        (self.position, self.searched) = (0, 0)
    }

    /// Copies what is left of the read, whose memory the caller may use again then.
    ///
    /// It keeps little more memory than is left: thousands of clients may each have begun a line.
    public mutating func keepRest() {
        if let borrowed = self.borrowed {
            self.borrowed = nil
            self.kept = Array(borrowed[self.position...])
        } else if self.kept.capacity > 2 * self.pendingBytes + 64 {
            self.kept = Array(self.kept[self.position...])
        } else {
            return
        }
        self.position = 0
    }

    /// Takes the next message; `body` gets its bytes, which it must not keep.
    ///
    /// Nil once more input is needed.
    public mutating func next(_ body: (UnsafeRawBufferPointer) -> Void) -> Event? {
        while self.pendingBytes > 0 {
            switch self.state {
            case .raw:
                return self.take(min(self.limit, self.pendingBytes), ending: 0, body)
            case .undecided:
                let window = min(self.limit, self.pendingBytes)
                guard self.firstNewline(from: 0, within: window) != nil else {
                    return self.take(window, ending: 0, body)
                }
                self.state = .line(isStrict: false)
                return .lineFramed
            case .line:
                guard let end = self.firstNewline(from: self.searched, within: self.pendingBytes) else {
                    return self.waitForNewline()
                }
                self.searched = 0
                if self.isSkipping {
                    self.isSkipping = false
                    self.position += end + 1
                    continue
                }
                let hasReturn = end > 0 && self.byte(at: end - 1) == UInt8(ascii: "\r")
                let length = hasReturn ? end - 1 : end
                if length == 0 {
                    self.position += end + 1
                    continue
                }
                if length > self.limit {
                    self.position += end + 1
                    return .tooLong
                }
                return self.take(length, ending: end + 1 - length, body)
            }
        }
        self.release()
        return nil
    }

    /// Takes an unfinished line as a message, after silence or at the end of input.
    ///
    /// In `line` mode there is none: a line without its end is no message.
    public mutating func finishLine(_ body: (UnsafeRawBufferPointer) -> Void) -> Event? {
        guard case .line(isStrict: false) = self.state else { return nil }
        self.searched = 0
        // After a pause, what comes is a new line, even if the one before was too long: nobody goes mute.
        self.isSkipping = false
        let total = self.pendingBytes
        guard total > 0 else { return nil }
        let length = self.byte(at: total - 1) == UInt8(ascii: "\r") ? total - 1 : total
        guard length > 0, length <= self.limit else {
            self.release()
            return length > 0 ? .tooLong : nil
        }
        return self.take(length, ending: total - length, body)
    }

    private mutating func waitForNewline() -> Event? {
        self.searched = self.pendingBytes
        // One more byte than the limit may be the return of "\r\n".
        guard self.isSkipping || self.pendingBytes > self.limit + 1 else { return nil }
        let wasSkipping = self.isSkipping
        self.isSkipping = true
        self.release()
        return wasSkipping ? nil : .tooLong
    }

    private mutating func take(_ length: Int, ending: Int, _ body: (UnsafeRawBufferPointer) -> Void) -> Event {
        self.withPending { body(UnsafeRawBufferPointer(rebasing: $0[..<length])) }
        self.position += length + ending
        return .message
    }

    private mutating func release() {
        self.borrowed = nil
        self.kept = []
        (self.position, self.searched) = (0, 0)
    }

    /// The bytes that were not taken yet.
    private func withPending<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        if let borrowed = self.borrowed { return body(UnsafeRawBufferPointer(rebasing: borrowed[self.position...])) }
        return self.kept.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[self.position...])) }
    }

    private func byte(at offset: Int) -> UInt8 { self.withPending { $0[offset] } }

    private func firstNewline(from start: Int, within length: Int) -> Int? {
        self.withPending { bytes in
            guard let base = bytes.baseAddress, start < length,
                let found = memchr(base + start, 0x0A, length - start)
            else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }
}
