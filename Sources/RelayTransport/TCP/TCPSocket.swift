// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#if canImport(Glibc)
internal import Glibc
#endif

/// The descriptor of a connection: non-blocking calls, repeated when a signal interrupts them.
struct TCPSocket {
    /// What was read.
    enum Received: Equatable {
        /// So many bytes, at least one.
        case bytes(Int)
        /// Nothing is there now.
        case nothing
        /// The other side has ended its direction.
        case end
        /// The connection is broken.
        case failure
    }

    /// -1 once it is closed.
    private(set) var descriptor: CInt

    init(descriptor: CInt) { self.descriptor = descriptor }

    var isOpen: Bool { self.descriptor >= 0 }

    /// Gives the descriptor back, once.
    mutating func close() {
        if self.isOpen { Glibc.close(self.descriptor) }
        self.descriptor = -1
    }

    /// Reads what is there, as far as there is memory for it.
    func receive(into memory: UnsafeMutableRawBufferPointer) -> Received {
        while true {
            let count = recv(self.descriptor, memory.baseAddress, memory.count, CInt(MSG_DONTWAIT))
            if count > 0 { return .bytes(count) }
            if count == 0 { return .end }
            if errno == EAGAIN { return .nothing }
            if errno != EINTR { return .failure }
        }
    }

    /// Writes one piece.
    ///
    /// - Returns: How many bytes were taken, 0 if there is no room now; nil if the connection is broken.
    func send(_ piece: UnsafeRawBufferPointer) -> Int? {
        Self.count { Glibc.send(self.descriptor, piece.baseAddress, piece.count, CInt(MSG_NOSIGNAL)) }
    }

    /// Writes several pieces by one call.
    ///
    /// - Returns: As for one.
    func send(_ vectors: UnsafeMutableBufferPointer<iovec>) -> Int? {
        var message = msghdr()
        message.msg_iov = vectors.baseAddress
        message.msg_iovlen = vectors.count
        return Self.count { sendmsg(self.descriptor, &message, CInt(MSG_NOSIGNAL)) }
    }

    private static func count(_ call: () -> Int) -> Int? {
        while true {
            let count = call()
            if count >= 0 { return count }
            if errno == EAGAIN { return 0 }
            if errno != EINTR { return nil }
        }
    }

    /// Ends our direction: the other side reads the end behind what was sent.
    func endOutput() { shutdown(self.descriptor, CInt(SHUT_WR)) }
}
