// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Logging
internal import LuaScripting
internal import RelayCore

/// What is known of hooks that fail.
struct HookFailures {
    /// Time that hooks wasted.
    var waste = WasteLedger()
    /// Whose texts are not accepted because of that.
    var refusedSenders = RefusedSenders()
    /// When garbage was last collected because memory had run out.
    var lastCollection = -Double.infinity
    /// Bounds log lines that scripts can cause any number of times.
    var log = LogLimiter()
    /// The same for timer calls that are left out.
    var missedLog = LogLimiter(interval: 60)
    /// The same for texts that are withheld.
    var withheldLog = LogLimiter()
}

extension HookEngine {
    /// Logs a failure, accounts for the time that it cost, and does what follows from that.
    func note(_ error: LuaError, of record: CallRecord, from source: WasteSource?) {
        record.failures += 1
        let time = self.environment.uptime()
        var waste = error.used
        if error.kind == .memory { waste += self.collect(after: error, at: time) }
        let isPaused = error.kind != .error && self.note(waste: waste, of: record, from: source, at: time)
        self.observers.onFailure?(HookFailure(error, of: record, isPaused: isPaused))
        self.log(error, of: record, at: time, isPaused: isPaused)
    }

    /// Notes that a hook whose last call failed works again, where that was to be said.
    func noteRecovery(of record: CallRecord, _ outcome: LuaOutcome) {
        if case .failed = outcome { return }
        guard record.isFailing else { return }
        record.isFailing = false
        record.callable.isHeld = false
        self.environment.logger.notice(
            "hook works again",
            metadata: ["hook.event": "\(record.event.rawValue)", "hook.script": "\(record.place)"]
        )
    }

    /// Collects garbage after a call that ran out of memory: else the calls after it, which did nothing, would have to.
    ///
    /// Calls that are not even made because memory is nearly full cost nothing; for those it is done once a second, as what
    /// filled it may be gone.
    ///
    /// - Returns: What that cost, which counts as wasted by the call.
    private func collect(after error: LuaError, at time: Double) -> Duration {
        let isCalled = error.used > .zero
        guard isCalled || abs(time - self.failures.lastCollection) >= 1 else { return .zero }
        self.failures.lastCollection = time
        let start = LuaState.cpuTime
        self.loaded.state.collect()
        return isCalled ? .nanoseconds(LuaState.cpuTime - start) : .zero
    }

    /// Notes time that a call wasted, and does what ``WasteLedger`` decides; true if the hook is paused from now on.
    func note(waste: Duration, of hook: CallRecord, from source: WasteSource?, at time: Double) -> Bool {
        let limits = self.hub.limits
        let verdict = self.failures.waste.note(
            waste.inSeconds,
            by: hook,
            from: source,
            newest: self.hub.lastClientID,
            isRefused: source.map { self.isRefused($0, at: time) } ?? false,
            at: time,
            WasteLedger.Rules(window: limits.pauseWindow.inSeconds, hook: limits.pauseAfter.inSeconds)
        )
        let until = time + limits.pauseTime.inSeconds
        switch verdict {
        case .nothing: return false
        case .pauseHook:
            hook.pause(until: until)
            return true
        case .pauseFile(let script):
            let paused = (self.loaded.registry.all as [CallRecord] + self.loaded.timers.places.all)
                .filter { $0.script == script && !$0.onError.isNo && !$0.pause.isPaused(at: time) }
            for record in paused { record.pause(until: until) }
            self.environment.logger.error(
                "hooks of a script paused: together they kept passing their limits",
                metadata: [
                    "hook.script": "\(script)", "hook.count": "\(paused.count)",
                    "hook.pause_seconds": "\(limits.pauseTime.inSeconds)",
                ]
            )
            return hook.pause.isPaused(at: time)
        case .refuse(let senders):
            for sender in senders { self.refuse(sender.source, newest: sender.newest, at: time) }
            return false
        }
    }

    private func refuse(_ source: WasteSource, newest: Int64, at time: Double) {
        let seconds = self.hub.limits.pauseTime.inSeconds
        let host: String
        var newest = newest
        var metadata: Logger.Metadata = ["refuse_seconds": "\(seconds)"]
        switch source {
        case .client(let id):
            guard let client = self.loaded.bindings.client(id, self) else { return }
            host = client.origin.host
            newest = self.hub.lastClientID
            metadata["client.id"] = "\(id)"
            metadata["client.address"] = "\(client.origin.address)"
        case .host(let address), .former(let address):
            host = address
            metadata["client.host"] = "\(host)"
        }
        self.failures.refusedSenders.refuse(source, host: host, newest: newest, at: time, for: seconds)
        self.environment.logger.error("sender refused: hooks wasted too much time on its texts", metadata: metadata)
    }

    private func isRefused(_ source: WasteSource, at time: Double) -> Bool {
        guard !self.failures.refusedSenders.isEmpty else { return false }
        switch source {
        case .host(let host): return self.failures.refusedSenders.isRefused(host: host, at: time)
        case .former: return false
        case .client(let id):
            guard let client = self.loaded.bindings.client(id, self) else { return false }
            return self.isRefused(client, at: time)
        }
    }

    /// Whether a client's texts are not taken now, because most of the time that hooks wasted was for them.
    func isRefused(_ client: Client, at time: Double) -> Bool {
        self.failures.refusedSenders.removeExpired(at: time)
        return self.failures.refusedSenders.isRefused(client: client.id, host: client.origin.host, at: time)
    }

    /// Has a client told that its text goes to nobody, because hooks failed that were to decide about it.
    func withhold(from client: Client, _ kind: SystemMessageKind = .withheld) {
        self.hub.queueSystemMessage(kind, to: client)
        // What a command did not do is in the log as its failure.
        guard kind == .withheld else { return }
        let reason: Logger.Message = "text withheld: hooks that were to decide about it failed"
        guard let unlogged = self.failures.withheldLog.admit("\(reason)", at: self.environment.uptime()) else { return }
        var metadata: Logger.Metadata = ["client.id": "\(client.id)"]
        metadata.note(unlogged: unlogged)
        self.environment.logger.warning(reason, metadata: metadata)
    }

    /// Logs a failure, but at most one a second for each hook and place in the scripts: a hook that fails on every message
    /// must not fill the log.
    func log(_ error: LuaError, of hook: CallRecord, at time: Double, isPaused: Bool) {
        let isOld = hook.isFailing
        hook.isFailing = hook.event.isMonitors
        if hook.isFailing { hook.callable.isHeld = true }
        let place = error.script.flatMap { script in error.line.map { "\(script):\($0)" } }
        let isDue: Bool? = isPaused ? true : isOld ? false : nil
        guard let unlogged = hook.failureLog.admit(place ?? "", at: time, isDue: isDue) else { return }
        var metadata: Logger.Metadata = [
            "hook.event": "\(hook.event.rawValue)",
            "hook.script": "\(hook.place)",
            "hook.failure": "\(error.kind.rawValue)",
            "hook.failures": "\(hook.failures)",
            "error": "\(error.message)",
        ]
        if let place { metadata["error.at"] = "\(place)" }
        // Without a line of a script in it, a traceback tells nothing.
        if error.traceback.contains(".lua:") { metadata["error.traceback"] = "\(error.traceback)" }
        metadata.note(unlogged: unlogged)
        self.environment.logger.error("hook failed", metadata: metadata)
        if isPaused {
            self.environment.logger.error(
                "hook paused: it kept passing its limits",
                metadata: [
                    "hook.event": "\(hook.event.rawValue)",
                    "hook.script": "\(hook.place)",
                    "hook.pause_seconds": "\(self.hub.limits.pauseTime.inSeconds)",
                ]
            )
        }
    }
}
