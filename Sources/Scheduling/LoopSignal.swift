// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Synchronization

/// Tells a loop from any thread that there is something to do; many signals before the loop comes to it are one.
public final class LoopSignal: Sendable {
    private let isRaised = Atomic(false)
    private let hasEnded = Atomic(false)
    private let waker: ThreadWaker
    /// Returns whether more is left for the next tick.
    nonisolated(unsafe) private var action: (() -> Bool)?

    // Unsafe because only the loop touches the action: `LoopSignal` is made, handled and ended there.
    init(_ waker: ThreadWaker, _ action: @escaping () -> Bool) {
        self.waker = waker
        self.action = action
    }

    /// Has the loop call the action in its next tick.
    public func raise() {
        guard !self.isRaised.exchange(true, ordering: .sequentiallyConsistent) else { return }
        self.waker.wake()
    }

    /// Whether the action is to be called.
    var isPending: Bool { self.isRaised.load(ordering: .sequentiallyConsistent) }

    /// Calls the action, if it is to be called.
    func handle() {
        // Lowered first: what is raised meanwhile counts for the next tick.
        guard self.isRaised.exchange(false, ordering: .sequentiallyConsistent), let action = self.action else {
            return
        }
        if action() { self.isRaised.store(true, ordering: .sequentiallyConsistent) }
    }

    /// Whether the loop has forgotten it.
    var isEnded: Bool { self.hasEnded.load(ordering: .relaxed) }

    /// Forgets the action.
    func end() {
        self.hasEnded.store(true, ordering: .relaxed)
        self.action = nil
    }
}
