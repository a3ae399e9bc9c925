// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Dispatch

/// Wakes a thread that waits: rung while it works, it does not wait the next time.
final class QueueWaker: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    /// The longest sleep: a machine that was suspended does not count its sleep here, but its clocks do.
    private static let longest: Duration = .seconds(60)

    func wake() { self.semaphore.signal() }

    /// Waits until it is rung, at most so long; nil waits for the ring alone.
    func wait(atMost limit: Duration?) {
        let milliseconds = min(limit ?? Self.longest, Self.longest).milliseconds
        guard self.semaphore.wait(timeout: .now() + .milliseconds(milliseconds)) == .success else { return }
        // Rung many times is rung once.
        while self.semaphore.wait(timeout: .now()) == .success {}
    }
}
