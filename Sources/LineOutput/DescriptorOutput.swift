// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#if canImport(Glibc)
internal import Glibc
#endif

/// A file descriptor that could not be written to.
public struct OutputError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The system's error number.
    public var code: CInt

    /// Makes an error of the system's number.
    public init(code: CInt) { self.code = code }

    /// Whether nobody reads any more, as after `| head -1`: the wish of the reader, not a fault.
    public var isClosedPipe: Bool { self.code == EPIPE }

    /// The system's words for it.
    public var description: String { String(cString: strerror(self.code)) }
}

/// Blocking writes to a file descriptor.
public enum DescriptorOutput {
    /// Writes all bytes, and waits where the descriptor takes no more now.
    public static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt) throws(OutputError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest)
            let written = Glibc.write(descriptor, part.baseAddress, part.count)
            if written > 0 {
                rest = rest.dropFirst(written)
            } else if written == 0 {
                // Nothing was written and nothing failed: errno is that of an earlier call.
                throw OutputError(code: EIO)
            } else if errno == EAGAIN {
                // Somebody made the descriptor non-blocking; this thread may wait.
                var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&waiting, 1, -1)
            } else if errno != EINTR {
                throw OutputError(code: errno)
            }
        }
    }

    /// Fills the places of standard input, output and error where they are closed, so that no socket gets one of them
    /// and takes what is printed.
    ///
    /// Reading then ends at once, and writing fails, as on a closed descriptor.
    public static func holdStandardDescriptors() {
        // Each is the lowest free number at its turn.
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            _ = open("/dev/null", O_RDONLY)
        }
    }

    /// Writes a text as it is.
    public static func write(_ text: String, to descriptor: CInt) throws(OutputError) {
        try self.write(Array(text.utf8), to: descriptor)
    }

    /// Writes bytes.
    public static func write(_ bytes: [UInt8], to descriptor: CInt) throws(OutputError) {
        try bytes.withUnsafeBufferPointer { bytes throws(OutputError) in
            try self.write(UnsafeRawBufferPointer(bytes), to: descriptor)
        }
    }
}
