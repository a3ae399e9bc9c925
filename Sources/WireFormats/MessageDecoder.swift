// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import RelayCore

/// Cuts the bytes of one connection into texts of bounded length.
///
/// A state machine without I/O. A read is everything available at one wake-up: the caller passes it to ``begin(_:)``, passes
/// batches on until one is empty, and calls ``keepRest()`` before it uses the read's memory again:
///
///     let rest = decoder.cut(atMost: 64, into: batch) { hub.receive(batch, from: client) { true } }
///     decoder.advance(to: rest)
///
/// In the format `auto` what arrives together without a `\n` is one text, as the original's clients need. Two such sends that
/// arrive together are one text, and a first line split over two reads is two: nothing on the wire tells the difference.
public struct MessageDecoder {
    private var cursor: TextCursor
    private var pending = PendingBytes()
    /// Where the reads end that wait, but the last one; see ``endRead(afterSilence:)``.
    private var ends: [TextCursor.ReadEnd] = []

    /// Makes a decoder.
    ///
    /// - Parameters:
    ///   - format: How to cut.
    ///   - limit: The longest text, in bytes. A longer read is cut, a longer line or frame is refused.
    public init(_ format: WireFormat, limit: Int) {
        precondition(limit > 0)
        self.cursor = TextCursor(format, limit: limit)
    }

    /// How texts to this client are wrapped now.
    public var encoding: WireEncoding { self.cursor.encoding }

    /// Bytes not yet cut into texts.
    public var pendingBytes: Int { self.pending.count }

    /// Reads whose ends it has noted.
    public var waitingReads: Int { self.ends.count }

    /// Notes that the read before is over and waits, though nothing was cut from it: what comes next is behind its end.
    ///
    /// Otherwise reads that wait together would be one.
    ///
    /// - Parameter isSilence: Whether nothing came for so long that an unfinished line is a text.
    public mutating func endRead(afterSilence isSilence: Bool) {
        switch self.cursor.state {
        case .line(isStrict: true), .length: return
        case .undecided, .raw, .line(isStrict: false): break
        }
        guard self.pending.count > 0 else { return }
        if let last = self.ends.indices.last, self.ends[last].offset == self.pending.count {
            self.ends[last].isSilence = self.ends[last].isSilence || isSilence
            return
        }
        self.ends.append(TextCursor.ReadEnd(offset: self.pending.count, isSilence: isSilence))
    }

    /// Bytes of memory that it keeps between reads.
    var storageBytes: Int { self.pending.capacity }

    /// Adds the bytes of a read, which must stay as they are until ``keepRest()``.
    public mutating func begin(_ bytes: UnsafeRawBufferPointer) {
        if self.pending.count == 0 { self.cursor.searched = 0 }
        self.cursor.isLineEnded = false
        self.pending.begin(bytes)
    }

    /// Copies what is left of the read, whose memory the caller may use again then.
    public mutating func keepRest() { self.pending.keepRest() }

    /// Cuts what is there, and has `body` take from the batch; what it leaves is cut again the next time.
    ///
    /// `body` may look at the decoder, and must not change it.
    ///
    /// - Returns: Where the first byte is that was not taken, for ``advance(to:)``.
    public func cut(atMost count: Int, into batch: TextBatch, _ body: () -> Void) -> TextCursor {
        self.pending.withBytes { bytes in
            batch.reset(to: bytes)
            var end = self.cursor
            while batch.items.count < count, let item = end.next(in: bytes, self.ends) { batch.append(item) }
            body()
            batch.detach()
            guard !batch.isUsedUp else { return end }
            var reached = self.cursor
            for _ in 0..<batch.taken { _ = reached.next(in: bytes, self.ends) }
            return reached
        }
    }

    /// Drops what has been taken.
    public mutating func advance(to cursor: TextCursor) {
        self.pending.drop(cursor.position)
        self.cursor = cursor
        self.cursor.position = 0
        self.cursor.endsPassed = 0
        if !self.ends.isEmpty {
            self.ends = self.ends.dropFirst(cursor.endsPassed).filter { $0.offset > cursor.position }
                .map { TextCursor.ReadEnd(offset: $0.offset - cursor.position, isSilence: $0.isSilence) }
        }
        if self.pending.count == 0 { self.pending.dropAll() }
    }

    /// Whether ``endLine()`` makes a difference.
    public var awaitsSilence: Bool {
        guard case .line(isStrict: false) = self.cursor.state else { return false }
        return self.pending.count > 0 || self.cursor.isSkipping
    }

    /// Takes note that nothing has come for a while, or will come any more.
    ///
    /// In the format `auto` an unfinished line is a text then; in others nothing that is unfinished is one.
    public mutating func endLine() {
        guard case .line(isStrict: false) = self.cursor.state else { return }
        self.cursor.searched = 0
        // After a silence a new line begins, even if the one before was too long.
        self.cursor.isSkipping = false
        self.cursor.isLineEnded = self.pending.count > 0
    }
}
