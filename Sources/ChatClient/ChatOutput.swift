// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LineOutput

#if canImport(Glibc)
internal import Glibc
#endif

/// A descriptor that the chat prints to, and waits for if it has to, but not longer than until a signal wants an end.
struct ChatOutput {
    /// What a pipe that is ready takes without waiting (PIPE_BUF).
    private static let pieceBytes = 4_096

    let descriptor: CInt
    let wake: WakePipe

    /// Writes all bytes.
    ///
    /// - Throws: `OutputError`; with code `EINTR` if a signal wants an end and the reader does not read.
    func write(_ bytes: [UInt8]) throws(OutputError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            var polled = [
                pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0),
                pollfd(fd: self.wake.readEnd, events: Int16(POLLIN), revents: 0),
            ]
            _ = poll(&polled, 2, -1)
            if polled[0].revents == 0 {
                if self.wake.wantsEnd() { throw OutputError(code: EINTR) }
                continue
            }
            let written = rest.prefix(Self.pieceBytes)
                .withUnsafeBytes {
                    Glibc.write(self.descriptor, $0.baseAddress, $0.count)
                }
            if written > 0 {
                rest = rest.dropFirst(written)
            } else if written == 0 {
                // Nothing was written and nothing failed: errno is that of an earlier call.
                throw OutputError(code: EIO)
            } else if errno != EINTR, errno != EAGAIN {
                throw OutputError(code: errno)
            }
        }
    }

    /// Whether something would be taken at once.
    var isReady: Bool {
        var polled = pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&polled, 1, 0) > 0
    }

    func write(_ text: String) throws(OutputError) { try self.write(Array(text.utf8)) }
}
