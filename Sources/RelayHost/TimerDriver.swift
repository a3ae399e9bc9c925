// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import NIOCore
internal import RelayHooks
internal import RelayTransport

/// Calls the scripts' timers when they are due.
///
/// Confined to the script loop.
final class TimerDriver {
    private let hooks: HookEngine
    private let turns: Turns
    private let eventLoop: any EventLoop
    private var scheduled: (due: Double, task: Scheduled<Void>)?
    private var isRunning = false

    init(hooks: HookEngine, turns: Turns, eventLoop: any EventLoop) {
        self.hooks = hooks
        self.turns = turns
        self.eventLoop = eventLoop
    }

    /// Seconds that only ever grow.
    static var uptime: Double { Double(NIODeadline.now().uptimeNanoseconds) / 1e9 }

    /// Begins: timers that scripts made while loading are counted from then on.
    func start() {
        self.hooks.onTimers = { [weak self] in self?.schedule() }
        self.schedule()
    }

    /// Ends; no timer is called any more.
    func stop() {
        self.hooks.onTimers = nil
        self.scheduled?.task.cancel()
        self.scheduled = nil
    }

    private func schedule() {
        // Each run looks again when it has ended.
        guard !self.isRunning else { return }
        let due = self.hooks.nextTimer
        guard due != self.scheduled?.due else { return }
        self.scheduled?.task.cancel()
        self.scheduled = nil
        guard let due else { return }
        let box = NIOLoopBound(self, eventLoop: self.eventLoop)
        // Rounded up: a task that comes too early finds nothing due, and would be made again and again.
        let deadline = NIODeadline.uptimeNanoseconds(UInt64(due * 1e9) + 1_000)
        self.scheduled = (due, self.eventLoop.scheduleTask(deadline: deadline) { box.value.run() })
    }

    private func run() {
        self.scheduled = nil
        self.isRunning = true
        self.hooks.runTimers()
        self.isRunning = false
        // What they sent leaves with this turn.
        self.turns.schedule()
        self.schedule()
    }
}
