// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Logging
internal import LuaScripting
internal import RelayCore

extension HookEngine {
    /// Notes time that a call wasted, and does what ``WasteLedger`` decides; true if the handler is paused from now on.
    func note(waste: Duration, of handler: CallRecord, from source: WasteSource?, at time: Double) -> Bool {
        let limits = self.hub.limits
        let verdict = self.waste.note(
            waste.inSeconds,
            by: handler,
            from: source,
            isRefused: source.map { self.isRefused($0, at: time) } ?? false,
            at: time,
            WasteLedger.Rules(window: limits.pauseWindow.inSeconds, hook: limits.pauseAfter.inSeconds)
        )
        let until = time + limits.pauseTime.inSeconds
        switch verdict {
        case .nothing: return false
        case .pauseHook:
            handler.pause.begin(until: until)
            return true
        case .pauseFile(let script):
            let paused = (self.loaded.registry.all as [CallRecord] + self.loaded.timers.places.all)
                .filter { $0.script == script && !$0.onError.isNo && !$0.pause.isPaused(at: time) }
            for record in paused { record.pause.begin(until: until) }
            self.logger.error(
                "hooks of a script paused: together they kept passing their limits",
                metadata: [
                    "hook.script": "\(script)", "hook.count": "\(paused.count)",
                    "hook.pause_seconds": "\(limits.pauseTime.inSeconds)",
                ]
            )
            return handler.pause.isPaused(at: time)
        case .refuse(let senders):
            for sender in senders { self.refuse(sender.source, since: sender.since, at: time) }
            return false
        }
    }

    private func refuse(_ source: WasteSource, since: Double, at time: Double) {
        let seconds = self.hub.limits.pauseTime.inSeconds
        let host: String
        var metadata: Logger.Metadata = ["refuse_seconds": "\(seconds)"]
        switch source {
        case .client(let id):
            guard let client = self.loaded.bindings.client(id, self) else { return }
            host = client.origin.host
            metadata["client.id"] = "\(id)"
            metadata["client.address"] = "\(client.origin.address)"
        case .host(let address), .former(let address):
            host = address
            metadata["client.host"] = "\(host)"
        }
        self.refusedSenders.refuse(source, host: host, since: since, at: time, for: seconds)
        self.logger.error("sender refused: hooks wasted too much time on its texts", metadata: metadata)
    }

    private func isRefused(_ source: WasteSource, at time: Double) -> Bool {
        guard !self.refusedSenders.isEmpty else { return false }
        switch source {
        case .host(let host): return self.refusedSenders.isRefused(host: host, at: time)
        case .former: return false
        case .client(let id):
            guard let client = self.loaded.bindings.client(id, self) else { return false }
            return self.isRefused(client, at: time)
        }
    }

    /// Whether a client's texts are not taken now, because most of the time that hooks wasted was for them.
    func isRefused(_ client: Client, at time: Double) -> Bool {
        self.refusedSenders.removeExpired(at: time)
        return self.refusedSenders.isRefused(client: client.id, host: client.origin.host, since: client.since, at: time)
    }

    /// Has a client told that its text goes to nobody, because hooks failed that were to decide about it.
    func withhold(from client: Client, _ kind: SystemMessageKind = .withheld) {
        self.hub.queueSystemMessage(kind, to: client)
        // What a command did not do is in the log as its failure.
        guard kind == .withheld else { return }
        let reason: Logger.Message = "text withheld: hooks that were to decide about it failed"
        guard let unlogged = self.withheldLog.admit("\(reason)", at: self.hub.clock()) else { return }
        self.logger.warning(reason, metadata: ["client.id": "\(client.id)", "log.unlogged": "\(unlogged)"])
    }

    /// Logs a failure, but at most one a second for each handler and place in the scripts: a hook that fails on every message
    /// must not fill the log.
    func log(_ error: LuaError, of handler: CallRecord, at time: Double, isPaused: Bool) {
        let isOld = handler.isFailing
        handler.isFailing = handler.event.isMonitors
        let place = error.script.flatMap { script in error.line.map { "\(script):\($0)" } }
        let isDue: Bool? = isPaused ? true : isOld ? false : nil
        guard let unlogged = handler.failureLog.admit(place ?? "", at: time, isDue: isDue) else { return }
        var metadata: Logger.Metadata = [
            "hook.event": "\(handler.event.rawValue)",
            "hook.script": "\(handler.place)",
            "hook.failure": "\(error.kind.rawValue)",
            "hook.failures": "\(handler.failures)",
            "error": "\(error.message)",
        ]
        if let place { metadata["error.at"] = "\(place)" }
        // Without a line of a script in it, a traceback tells nothing.
        if error.traceback.contains(".lua:") { metadata["error.traceback"] = "\(error.traceback)" }
        if unlogged > 0 { metadata["hook.unlogged"] = "\(unlogged)" }
        self.logger.error("hook failed", metadata: metadata)
        if isPaused {
            self.logger.error(
                "hook paused: it kept passing its limits",
                metadata: [
                    "hook.event": "\(handler.event.rawValue)",
                    "hook.script": "\(handler.place)",
                    "hook.pause_seconds": "\(self.hub.limits.pauseTime.inSeconds)",
                ]
            )
        }
    }
}
