// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CSockets
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// Wakes a thread that waits for descriptors, by one that other threads write to (eventfd(2)).
///
/// Who may have to wake a thread keeps its waker, so waking one that has ended does nothing.
final class ThreadWaker: Sendable {
    /// What the thread waits for, beside other descriptors.
    let descriptor: CInt
    private let isWaiting = Atomic(false)

    /// Makes a waker; nil where the system has no descriptor left.
    init?() {
        self.descriptor = csockets_wake_make()
        // Without one, there is none to close either.
        guard self.descriptor >= 0 else { return nil }
    }

    deinit { if self.descriptor >= 0 { close(self.descriptor) } }

    /// Notes that the thread is about to wait: to be called before it looks for the last time whether it must.
    func willWait() { self.isWaiting.store(true, ordering: .sequentiallyConsistent) }

    /// Notes that it does not wait any more.
    func hasWaited() { self.isWaiting.store(false, ordering: .sequentiallyConsistent) }

    /// Takes what woke the thread.
    func clear() {
        var counter: UInt64 = 0
        _ = read(self.descriptor, &counter, MemoryLayout<UInt64>.size)
    }

    /// Wakes the thread, if it waits or is about to.
    func wake() {
        guard self.isWaiting.load(ordering: .sequentiallyConsistent) else { return }
        var one: UInt64 = 1
        // A full counter wakes as well.
        _ = write(self.descriptor, &one, MemoryLayout<UInt64>.size)
    }
}
