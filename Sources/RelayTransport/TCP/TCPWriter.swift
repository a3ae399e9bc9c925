// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import NIOCore
internal import RelayCore

#if canImport(Glibc)
internal import Glibc
#endif

/// Writes to one socket, and keeps what the socket does not take at once.
///
/// A tick's bytes go from the tick's shared buffers straight into the socket by one system call, without a copy and
/// without NIO's queue, which would hold on to the shared memory. Only the rest, if any, is copied; NIO's channel then
/// writes it in chunks as the socket drains, and everything later waits behind it.
final class TCPWriter {
    /// What became of a write.
    enum Outcome {
        /// All of it is sent or kept.
        case sent
        /// None of it is: the client has too much waiting and its policy is to drop.
        case dropped(isFirst: Bool)
        /// The client has too much waiting and its policy is to disconnect it.
        case tooSlow
    }

    /// Bytes given to NIO at a time: small enough that the count of unsent bytes follows what leaves.
    private static let chunkBytes = 64 << 10
    /// Pieces that one system call takes (IOV_MAX on Linux).
    private static let piecesPerCall = 1_024

    private let context: ChannelHandlerContext
    private let limits: Limits
    private let capture: StreamCapture?
    private var descriptor: CInt?
    /// Unsent bytes behind those that NIO is writing.
    private var backlog = ByteBuffer()
    private var inFlight = 0
    private var isDropping = false
    private var mayWriteOnce = false
    private var vectors: [iovec] = []
    /// Whether a call met an error of the connection: the channel may then see no more than its end.
    private(set) var isBroken = false
    /// Whether our side of the connection was ended.
    var isOutputClosed = false
    /// Called when the last unsent byte has left.
    var onDrained: () -> Void = {}

    init(context: ChannelHandlerContext, limits: Limits, capture: StreamCapture?) {
        self.context = context
        self.limits = limits
        self.capture = capture
        self.descriptor = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { $0 }
    }

    /// Bytes that the socket has not taken yet.
    var unsentBytes: Int { self.inFlight + self.backlog.readableBytes }

    /// Takes one tick's bytes.
    @discardableResult
    func write(_ pieces: [UnsafeRawBufferPointer]) -> Outcome {
        guard let descriptor = self.descriptor, !self.isOutputClosed else { return .sent }
        let unsent = self.unsentBytes
        if unsent > 0 {
            let total = pieces.reduce(0) { $0 + $1.count }
            if self.isDropping || unsent + total > self.limits.unsentBytes, !self.mayWriteOnce {
                guard self.limits.slowPolicy == .drop else { return .tooSlow }
                let isFirst = !self.isDropping
                self.isDropping = true
                return .dropped(isFirst: isFirst)
            }
            self.mayWriteOnce = false
            for piece in pieces { self.backlog.writeBytes(piece) }
            return .sent
        }
        self.isDropping = false
        // Most ticks are one piece.
        if pieces.count == 1 { return self.writeOne(pieces[0], to: descriptor) }
        return self.writeMany(pieces, to: descriptor)
    }

    /// Lets one write pass the limit.
    func allowOneWrite() { self.mayWriteOnce = true }

    /// Forgets everything unsent; the socket is not used any more.
    func abandon() {
        self.descriptor = nil
        self.backlog = ByteBuffer()
    }

    /// Reads what the socket has now, replacing the scratch's contents; false when it has nothing.
    func receive(into scratch: inout ByteBuffer) -> Bool {
        guard let descriptor = self.descriptor else { return false }
        scratch.clear()
        let count = scratch.writeWithUnsafeMutableBytes(minimumWritableBytes: 64 << 10) { bytes in
            max(0, self.call { recv(descriptor, bytes.baseAddress, bytes.count, CInt(MSG_DONTWAIT)) })
        }
        return count > 0
    }

    private func writeOne(_ piece: UnsafeRawBufferPointer, to descriptor: CInt) -> Outcome {
        let sent = self.call { send(descriptor, piece.baseAddress, piece.count, CInt(MSG_NOSIGNAL)) }
        return self.keep([piece], from: sent)
    }

    private func writeMany(_ pieces: [UnsafeRawBufferPointer], to descriptor: CInt) -> Outcome {
        self.vectors.removeAll(keepingCapacity: true)
        for piece in pieces.prefix(Self.piecesPerCall) {
            self.vectors.append(
                iovec(iov_base: UnsafeMutableRawPointer(mutating: piece.baseAddress), iov_len: piece.count)
            )
        }
        let sent = self.vectors.withUnsafeMutableBufferPointer { vectors in
            var message = msghdr()
            message.msg_iov = vectors.baseAddress
            message.msg_iovlen = vectors.count
            return self.call { sendmsg(descriptor, &message, CInt(MSG_NOSIGNAL)) }
        }
        return self.keep(pieces, from: sent)
    }

    /// One system call; repeated when a signal interrupts it.
    ///
    /// Returns 0 when the socket takes nothing now or any more: NIO meets the error on the same socket and reports it.
    private func call(_ body: () -> Int) -> Int {
        while true {
            let result = body()
            if result >= 0 { return result }
            if errno == EAGAIN { return 0 }
            if errno != EINTR {
                self.isBroken = true
                return 0
            }
        }
    }

    /// Copies what a call did not send.
    private func keep(_ pieces: [UnsafeRawBufferPointer], from sent: Int) -> Outcome {
        var skip = sent
        for piece in pieces {
            if let capture = self.capture { capture.sent(UnsafeRawBufferPointer(rebasing: piece.prefix(skip))) }
            if skip >= piece.count {
                skip -= piece.count
                continue
            }
            self.backlog.writeBytes(UnsafeRawBufferPointer(rebasing: piece[skip...]))
            skip = 0
        }
        guard self.backlog.readableBytes > 0 else { return .sent }
        if self.backlog.readableBytes > self.limits.unsentBytes, self.limits.slowPolicy == .disconnect {
            return .tooSlow
        }
        self.writeBacklog()
        return .sent
    }

    /// Gives NIO the next chunk; its completion brings the one after that.
    private func writeBacklog() {
        guard self.inFlight == 0, self.descriptor != nil else { return }
        let count = min(self.backlog.readableBytes, Self.chunkBytes)
        guard count > 0 else { return self.onDrained() }
        var chunk = self.context.channel.allocator.buffer(capacity: count)
        chunk.writeBytes(self.backlog.readableBytesView.prefix(count))
        chunk.withUnsafeReadableBytes { self.capture?.sent($0) }
        self.backlog.moveReaderIndex(forwardBy: count)
        if self.backlog.readableBytes == 0 {
            self.backlog = ByteBuffer()
        } else if self.backlog.readerIndex > self.backlog.readableBytes {
            self.backlog.discardReadBytes()
        }
        self.inFlight = count
        let promise = self.context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated()
            .whenComplete { result in
                self.inFlight = 0
                switch result {
                case .success: self.writeBacklog()
                case .failure: self.abandon()
                }
            }
        self.context.writeAndFlush(NIOAny(chunk), promise: promise)
    }
}
