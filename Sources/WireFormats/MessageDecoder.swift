// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import RelayCore

/// Cuts the bytes of one connection into texts of bounded length.
///
/// A state machine without I/O. A read is everything available at one wake-up: the caller passes it to ``begin(_:)``, takes
/// texts with ``next(_:)`` until there are none, and calls ``keepRest()`` before it uses the read's memory again. In the format
/// `auto` what arrives together without a `\n` is one text, as the original's clients need. Two such sends that arrive
/// together are one text, and a first line split over two reads is two: nothing on the wire tells the difference.
public struct MessageDecoder {
    /// What the decoder found.
    public enum Event: Equatable, Sendable {
        /// A text, passed to the caller's closure.
        case text
        /// A text over the limit; it is skipped.
        case tooLong
        /// Texts to this client are wrapped as ``MessageDecoder/encoding`` says from here on.
        case encodingChanged
    }

    enum State {
        case undecided
        case raw
        case line(isStrict: Bool)
        case length
    }

    var state: State
    let limit: Int
    var pending = PendingBytes()
    /// Of lines: bytes that are known to hold no `\n`.
    var searched = 0
    /// Within a line that was too long: everything up to its end is dropped.
    var isSkipping = false
    /// Bytes of a text that was too long and that are still to be dropped, where its length is known.
    var skippedBytes = 0

    /// Makes a decoder.
    ///
    /// - Parameters:
    ///   - format: How to cut.
    ///   - limit: The longest text, in bytes. A longer read is cut, a longer line or frame is refused.
    public init(_ format: WireFormat, limit: Int) {
        precondition(limit > 0)
        self.limit = limit
        self.state =
            switch format {
            case .auto: .undecided
            case .line: .line(isStrict: true)
            case .raw: .raw
            case .length: .length
            }
    }

    /// How texts to this client are wrapped now.
    public var encoding: WireEncoding {
        switch self.state {
        case .undecided, .raw: .raw
        case .line: .line
        case .length: .length
        }
    }

    /// Bytes not yet cut into texts.
    public var pendingBytes: Int { self.pending.count }

    /// Bytes of memory that it keeps between reads.
    var storageBytes: Int { self.pending.capacity }

    /// Adds the bytes of a read, which must stay as they are until ``keepRest()``.
    public mutating func begin(_ bytes: UnsafeRawBufferPointer) {
        if self.pending.count == 0 { self.searched = 0 }
        self.pending.begin(bytes)
    }

    /// Copies what is left of the read, whose memory the caller may use again then.
    public mutating func keepRest() { self.pending.keepRest() }

    /// Finds the next text; `body` gets its bytes, which it must not keep.
    ///
    /// Nil once more input is needed.
    public mutating func next(_ body: (UnsafeRawBufferPointer) -> Void) -> Event? {
        while self.pending.count > 0 {
            switch self.state {
            case .raw:
                return self.pop(min(self.limit, self.pending.count), ending: 0, body)
            case .undecided:
                let window = min(self.limit, self.pending.count)
                guard self.pending.firstNewline(from: 0, within: window) != nil else {
                    return self.pop(window, ending: 0, body)
                }
                self.state = .line(isStrict: false)
                return .encodingChanged
            case .line:
                switch self.nextLine(body) {
                case .skipped: continue
                case .found(let event): return event
                case .incomplete: return nil
                }
            case .length:
                switch self.nextFrame(body) {
                case .skipped: continue
                case .found(let event): return event
                case .incomplete: return nil
                }
            }
        }
        self.dropAll()
        return nil
    }

    /// What a step made of the bytes.
    enum Step {
        /// They were no text, and are gone.
        case skipped
        case found(Event)
        case incomplete
    }

    /// Whether ``silence(_:)`` has something to decide.
    public var awaitsSilence: Bool {
        guard case .line(isStrict: false) = self.state else { return false }
        return self.pending.count > 0 || self.isSkipping
    }

    /// Takes note that nothing has come for a while: in the format `auto` an unfinished line is a text then.
    public mutating func silence(_ body: (UnsafeRawBufferPointer) -> Void) -> Event? {
        guard case .line(isStrict: false) = self.state else { return nil }
        return self.finishLine(body)
    }

    /// Takes note that nothing will come any more: in the format `auto` an unfinished line is a text, in others nothing that
    /// is unfinished is one.
    public mutating func endOfInput(_ body: (UnsafeRawBufferPointer) -> Void) -> Event? { self.silence(body) }

    mutating func pop(_ length: Int, ending: Int, _ body: (UnsafeRawBufferPointer) -> Void) -> Event {
        self.pending.withBytes { body(UnsafeRawBufferPointer(rebasing: $0[..<length])) }
        self.pending.drop(length + ending)
        return .text
    }

    mutating func dropAll() {
        self.pending.dropAll()
        self.searched = 0
    }
}
