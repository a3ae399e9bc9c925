// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore

extension HookEngine {
    /// When ``runTimers()`` has something to do, as uptime; nil while there are no timers.
    public var nextTimer: Double? { self.loaded.timers.next }

    /// Calls the timers that are due.
    ///
    /// Each has a budget of its own. One that is made meanwhile waits for the next time, so that a timer that makes a timer
    /// keeps nobody waiting.
    public func runTimers() {
        for number in self.loaded.timers.due(at: self.uptime()) {
            // The one before may have cancelled it.
            guard
                let (timer, isLast) = self.loaded.timers.take(number, uptime: self.uptime(), time: self.hub.clock())
            else { continue }
            self.hub.perform { self.execute(EventRun(self.hub, [timer.handler], answer: nil, nil, nil)) }
            if isLast { self.loaded.state.release(timer.handler.function) }
        }
    }

    /// Calls each timer once, as if it were due; when it is due stays as it was.
    public func tryTimers() {
        for number in self.loaded.timers.due(at: .infinity) {
            guard let handler = self.loaded.timers.handler(of: number) else { continue }
            self.hub.perform { self.execute(EventRun(self.hub, [handler], answer: nil, nil, nil)) }
        }
    }
}
