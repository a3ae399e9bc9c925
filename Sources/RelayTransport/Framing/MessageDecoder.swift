// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import NIOCore

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
/// A state machine without I/O. A read is everything available at one wake-up: the caller appends it and then takes
/// messages until there are none, so that in `auto` mode what arrives together without a `\n` is one message, as the
/// original's clients need. Two such sends that arrive together are one message, and a first line split over two reads
/// is two: nothing on the wire tells the difference.
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
    private var buffer = ByteBuffer()
    /// Bytes from the reader index on that are known to hold no `\n`.
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
    public var pendingBytes: Int { self.buffer.readableBytes }

    /// Whether messages end with `\n`.
    public var isLineFramed: Bool {
        if case .line = self.state { return true }
        return false
    }

    /// Whether an unfinished line waits for its end, or for ``finishLine(_:)``.
    public var hasPartialLine: Bool {
        guard case .line(isStrict: false) = self.state else { return false }
        return self.buffer.readableBytes > 0 || self.isSkipping
    }

    /// Adds the bytes of a read.
    public mutating func append(_ bytes: ByteBuffer) {
        if self.buffer.readableBytes == 0 {
            // No copy: the messages are taken from the read's own memory.
            self.buffer = bytes
            self.searched = 0
        } else {
            // What was taken already is given back, but not before it is half: so copying stays in proportion.
            if self.buffer.readerIndex > self.buffer.readableBytes { self.buffer.discardReadBytes() }
            self.buffer.writeImmutableBuffer(bytes)
        }
    }

    /// Takes the next message; `body` gets its bytes, which it must not keep.
    ///
    /// Nil once more input is needed.
    public mutating func next(_ body: (UnsafeRawBufferPointer) -> Void) -> Event? {
        while self.buffer.readableBytes > 0 {
            switch self.state {
            case .raw:
                return self.take(min(self.limit, self.buffer.readableBytes), ending: 0, body)
            case .undecided:
                let window = min(self.limit, self.buffer.readableBytes)
                guard self.firstNewline(from: 0, within: window) != nil else {
                    return self.take(window, ending: 0, body)
                }
                self.state = .line(isStrict: false)
                return .lineFramed
            case .line:
                guard let end = self.firstNewline(from: self.searched, within: self.buffer.readableBytes) else {
                    return self.waitForNewline()
                }
                self.searched = 0
                if self.isSkipping {
                    self.isSkipping = false
                    self.consume(end + 1)
                    continue
                }
                let hasReturn = end > 0 && self.byte(at: end - 1) == UInt8(ascii: "\r")
                let length = hasReturn ? end - 1 : end
                if length == 0 {
                    self.consume(end + 1)
                    continue
                }
                if length > self.limit {
                    self.consume(end + 1)
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
        guard self.buffer.readableBytes > 0 else { return nil }
        var length = self.buffer.readableBytes
        let total = length
        if self.byte(at: length - 1) == UInt8(ascii: "\r") { length -= 1 }
        if length == 0 {
            self.release()
            return nil
        }
        if length > self.limit {
            self.release()
            return .tooLong
        }
        return self.take(length, ending: total - length, body)
    }

    /// Copies a partial line out of the read's memory, so that it does not hold on to it.
    public mutating func compact() {
        if self.buffer.readableBytes == 0 {
            self.release()
        } else if self.buffer.storageCapacity > 2 * self.buffer.readableBytes + 64 {
            self.buffer = ByteBuffer(bytes: self.buffer.readableBytesView)
        }
    }

    private mutating func waitForNewline() -> Event? {
        self.searched = self.buffer.readableBytes
        // One more byte than the limit may be the return of "\r\n".
        guard self.isSkipping || self.buffer.readableBytes > self.limit + 1 else { return nil }
        let wasSkipping = self.isSkipping
        self.isSkipping = true
        self.release()
        return wasSkipping ? nil : .tooLong
    }

    private mutating func take(_ length: Int, ending: Int, _ body: (UnsafeRawBufferPointer) -> Void) -> Event {
        self.buffer.withUnsafeReadableBytes { bytes in
            body(UnsafeRawBufferPointer(rebasing: bytes[..<length]))
        }
        self.consume(length + ending)
        return .message
    }

    private mutating func consume(_ count: Int) {
        self.buffer.moveReaderIndex(forwardBy: count)
    }

    private mutating func release() {
        self.buffer = ByteBuffer()
        self.searched = 0
    }

    private func byte(at offset: Int) -> UInt8? {
        self.buffer.getInteger(at: self.buffer.readerIndex + offset)
    }

    private func firstNewline(from start: Int, within length: Int) -> Int? {
        self.buffer.withUnsafeReadableBytes { bytes in
            guard let base = bytes.baseAddress, start < length,
                let found = memchr(base + start, 0x0A, length - start)
            else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }
}
