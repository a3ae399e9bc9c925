// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Logging
internal import LuaScripting
internal import RelayCore

extension HookEngine {
    /// When ``runTimers(until:)`` has something to do, as uptime; nil while there is nothing to wait for.
    public var nextTimer: Double? {
        guard let deadline = self.pending.nextDeadline else { return self.loaded.timers.next }
        return self.loaded.timers.next.map { min($0, deadline) } ?? deadline
    }

    /// Calls the timers that are due now, those that have been due longest first.
    ///
    /// Each has a budget of its own. All that is due when this is called is due "now": a timer that is made or repeated
    /// meanwhile waits for the next call, so that no timer can keep this from returning. Timers that are left at the deadline
    /// come first in the next call.
    ///
    /// - Parameter deadline: The uptime after which no further timer is called; the first one is called in any case.
    /// - Returns: Whether timers are due that were not called.
    @discardableResult
    public func runTimers(until deadline: Double = .infinity) -> Bool {
        self.refuseOverdue()
        let loaded = self.loaded
        let now = self.environment.uptime()
        let last = loaded.timers.lastSequence
        while let timer = loaded.timers.popDue(at: now, upTo: last) {
            self.run(timer, in: loaded)
            if self.environment.uptime() >= deadline { break }
        }
        return loaded.timers.next.map { $0 <= self.environment.uptime() } ?? false
    }

    private func run(_ timer: ScriptTimer, in loaded: LoadedScripts) {
        let time = self.hub.clock()
        if case .daily = timer.schedule, time < timer.target {
            return loaded.timers.watchClock(for: timer, uptime: self.environment.uptime(), time: time)
        }
        if timer.record.pause.isPaused(at: self.environment.uptime()) { return self.leaveOut(timer, in: loaded, time) }
        if timer.schedule == .once { _ = loaded.timers.remove(timer.number) }
        self.call(timer)
        if timer.schedule == .once {
            loaded.state.release(timer.function)
        } else {
            let missed = loaded.timers.repeatTimer(timer, uptime: self.environment.uptime(), time: self.hub.clock())
            self.note(missed: missed, of: timer.record)
        }
    }

    /// Does not call a timer whose place is paused: a repeating one waits for its next beat, others for the end of the pause.
    private func leaveOut(_ timer: ScriptTimer, in loaded: LoadedScripts, _ time: Double) {
        if case .every = timer.schedule {
            timer.record.missed += 1 + loaded.timers.repeatTimer(timer, uptime: self.environment.uptime(), time: time)
            return
        }
        let wait = min(timer.record.pause.until - self.environment.uptime(), self.hub.limits.pauseTime.inSeconds)
        loaded.timers.postpone(timer, until: self.environment.uptime() + wait)
    }

    private func note(missed: Int, of record: CallRecord) {
        guard missed > 0 else { return }
        record.missed += missed
        guard self.failures.missedLog.admit(record.place, at: self.environment.uptime()) != nil else { return }
        self.environment.logger.warning(
            "timer calls were left out: the scripts or the machine were too slow for them",
            metadata: ["hook.script": "\(record.place)", "hook.missed": "\(record.missed)"]
        )
    }

    /// Calls each timer once, as if it were due; when it is due stays as it was.
    ///
    /// - Parameter isAllowed: Whether another one may be called.
    public func tryTimers(while isAllowed: () -> Bool = { true }) {
        for timer in self.loaded.timers.all {
            guard isAllowed() else { return }
            self.call(timer)
        }
    }
}
