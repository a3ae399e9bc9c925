// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// A pipe that wakes the loop: other threads write a zero into it, signals their number.
final class WakePipe: Sendable {
    /// The end to poll.
    let readEnd: CInt
    private let writeEnd: CInt

    init() {
        var ends: [CInt] = [-1, -1]
        precondition(pipe(&ends) == 0, "a process that starts has room for two descriptors")
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        self.readEnd = ends[0]
        self.writeEnd = ends[1]
    }

    /// Wakes the loop; does nothing more while it is about to wake anyway.
    func wake() { Self.write(0, to: self.writeEnd) }

    /// Routes signals here; one that the parent has us ignore stays ignored.
    func route(_ signals: [CInt]) {
        Self.signalEnd.store(self.writeEnd, ordering: .sequentiallyConsistent)
        for number in signals {
            let before = signal(number) { number in
                let code = errno
                WakePipe.write(UInt8(truncatingIfNeeded: number), to: WakePipe.signalEnd.load(ordering: .relaxed))
                errno = code
            }
            if let before, unsafeBitCast(before, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) {
                signal(number, SIG_IGN)
            }
        }
    }

    /// Empties the pipe and returns the signals that came.
    func drain() -> [CInt] {
        var signals: [CInt] = []
        var bytes = [UInt8](repeating: 0, count: 256)
        while true {
            let count = read(self.readEnd, &bytes, bytes.count)
            guard count > 0 else { return signals }
            signals += bytes.prefix(count).filter { $0 != 0 }.map { CInt($0) }
        }
    }

    private static let signalEnd = Atomic<CInt>(-1)

    /// Safe within a signal handler; a full pipe wakes as well as another byte would.
    private static func write(_ byte: UInt8, to descriptor: CInt) {
        var byte = byte
        _ = Glibc.write(descriptor, &byte, 1)
    }
}
