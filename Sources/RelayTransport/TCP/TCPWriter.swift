// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import RelayCore

#if canImport(Glibc)
internal import Glibc
#endif

/// Writes to one socket, and keeps what the socket does not take at once.
///
/// A tick's bytes go from the tick's shared buffers straight into the socket by one system call, without a copy. Only the
/// rest, if any, is copied, and everything later waits behind it.
struct TCPWriter {
    /// What became of a write.
    enum Outcome {
        /// All of it is sent or kept.
        case sent
        /// None of it is: the client has too much waiting and its policy is to drop.
        case dropped(isFirst: Bool)
        /// The client has too much waiting and its policy is to disconnect it.
        case tooSlow
    }

    /// Pieces that one system call takes (IOV_MAX on Linux).
    private static let piecesPerCall = 1_024

    private let limits: Limits
    private let capture: StreamCapture?
    /// Bytes that the socket has not taken yet, and where the first of them is.
    private var backlog: [UInt8] = []
    private var position = 0
    private var isDropping = false
    private var mayWriteOnce = false
    /// Whether a call met an error of the connection: nothing is written any more.
    private(set) var isBroken = false

    init(limits: Limits, capture: StreamCapture?) {
        self.limits = limits
        self.capture = capture
    }

    /// Memory that what waits takes.
    var memory: Int { self.backlog.capacity }

    /// Whether bytes may go to the socket at once, and this need not see them.
    var isDirect: Bool { self.unsentBytes == 0 && !self.isBroken && self.capture == nil }

    /// Bytes that the socket has not taken yet.
    var unsentBytes: Int { self.backlog.count - self.position }

    /// Takes one tick's bytes.
    ///
    /// - Parameters:
    ///   - pieces: The bytes, borrowed.
    ///   - socket: Where they go.
    ///   - sent: How many of them were sent already, -1 where the connection turned out to be broken; nil if that was not tried.
    /// - Returns: What became of them.
    mutating func write(
        _ pieces: [UnsafeRawBufferPointer],
        to socket: TCPSocket,
        alreadySent sent: Int? = nil
    ) -> Outcome {
        guard !self.isBroken else { return .sent }
        guard self.unsentBytes == 0 else { return self.keepAll(pieces) }
        self.isDropping = false
        // Most ticks are one piece.
        let taken = sent ?? (pieces.count == 1 ? socket.send(pieces[0]) : Self.send(pieces, to: socket)) ?? -1
        guard taken >= 0 else {
            self.abandon()
            return .sent
        }
        return self.keep(pieces, from: taken)
    }

    /// Lets one write pass the limit.
    mutating func allowOneWrite() { self.mayWriteOnce = true }

    /// Writes what was kept, as far as the socket takes it.
    mutating func writeBacklog(to socket: TCPSocket) {
        guard self.unsentBytes > 0 else { return }
        let (position, capture) = (self.position, self.capture)
        let sent = self.backlog.withUnsafeBytes { bytes -> Int? in
            let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
            let sent = socket.send(rest)
            if let sent, let capture { capture.sent(UnsafeRawBufferPointer(rebasing: rest[..<sent])) }
            return sent
        }
        guard let sent else { return self.abandon() }
        self.position += sent
        if self.unsentBytes == 0 {
            self.backlog = []
            self.position = 0
            self.isDropping = false
        } else if self.position > self.unsentBytes {
            self.backlog.removeFirst(self.position)
            self.position = 0
        }
    }

    /// Forgets everything unsent, and writes nothing any more.
    mutating func abandon() {
        self.isBroken = true
        self.backlog = []
        self.position = 0
    }

    private static func send(_ pieces: [UnsafeRawBufferPointer], to socket: TCPSocket) -> Int? {
        let count = min(pieces.count, self.piecesPerCall)
        return withUnsafeTemporaryAllocation(of: iovec.self, capacity: count) { vectors in
            for index in 0..<count {
                vectors.initializeElement(
                    at: index,
                    to: iovec(
                        iov_base: UnsafeMutableRawPointer(mutating: pieces[index].baseAddress),
                        iov_len: pieces[index].count
                    )
                )
            }
            return socket.send(vectors)
        }
    }

    /// Adds to what waits, as far as the client may have so much waiting.
    private mutating func keepAll(_ pieces: [UnsafeRawBufferPointer]) -> Outcome {
        let total = pieces.reduce(0) { $0 + $1.count }
        if self.isDropping || self.unsentBytes + total > self.limits.unsentBytes, !self.mayWriteOnce {
            guard self.limits.slowPolicy == .drop else { return .tooSlow }
            defer { self.isDropping = true }
            return .dropped(isFirst: !self.isDropping)
        }
        self.mayWriteOnce = false
        for piece in pieces { self.backlog.append(contentsOf: piece) }
        return .sent
    }

    /// Copies what a call did not send.
    private mutating func keep(_ pieces: [UnsafeRawBufferPointer], from sent: Int) -> Outcome {
        var skip = sent
        for piece in pieces {
            if let capture = self.capture { capture.sent(UnsafeRawBufferPointer(rebasing: piece.prefix(skip))) }
            if skip >= piece.count {
                skip -= piece.count
                continue
            }
            self.backlog.append(contentsOf: piece[skip...])
            skip = 0
        }
        let isTooMuch = self.backlog.count > self.limits.unsentBytes
        return isTooMuch && self.limits.slowPolicy == .disconnect ? .tooSlow : .sent
    }
}
