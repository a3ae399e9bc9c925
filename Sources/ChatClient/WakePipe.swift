// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CTerminal
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// A pipe that wakes the loop: other threads write a zero into it, signals their number.
final class WakePipe: Sendable {
    /// The end to poll.
    let readEnd: CInt
    private let writeEnd: CInt
    private let taken = Mutex<[CInt]>([])

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
    func wake() {
        var byte: UInt8 = 0
        _ = Glibc.write(self.writeEnd, &byte, 1)
    }

    /// Routes signals here.
    func route(_ signals: [CInt]) { cterminal_route(signals, CInt(signals.count), self.writeEnd) }

    /// Whether a signal has come that ends programs; it is still to be taken.
    func wantsEnd() -> Bool {
        self.empty()
        return self.taken.withLock { $0.contains { ![SIGWINCH, SIGCONT, SIGTSTP].contains($0) } }
    }

    /// Takes the signals that have come.
    func takeSignals() -> [CInt] {
        self.empty()
        cterminal_took()
        return self.taken.withLock { taken in
            defer { taken.removeAll() }
            return taken
        }
    }

    private func empty() {
        var bytes = [UInt8](repeating: 0, count: 256)
        while true {
            let count = read(self.readEnd, &bytes, bytes.count)
            guard count > 0 else { return }
            let signals = bytes.prefix(count).filter { $0 != 0 }.map { CInt($0) }
            self.taken.withLock { $0 += signals }
        }
    }
}
