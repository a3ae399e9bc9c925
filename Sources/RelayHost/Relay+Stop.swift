// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Dispatch
internal import Foundation
internal import HostSettings
internal import LineOutput
internal import Logging
internal import RelayCore
internal import RelayHooks
internal import RelayTransport
internal import Scheduling
internal import ScriptStateSQLite
internal import Synchronization

extension Relay {
    /// Stops taking clients and measuring, lets what is unsent leave, runs `disconnect` and `stop`, and ends the loop.
    ///
    /// Each step is done whatever became of those before it. Mails that are not delivered are on disk then. It takes the
    /// flush time and a second at the most, also while scripts use up their limits and disks hang; what that cuts off is
    /// in the log. A relay that has stopped, or did not start, stays as it is.
    ///
    /// - Throws: ``RelayError`` with everything that went wrong.
    public func stop() async throws {
        do {
            try await self.life.step("stop", from: [.initial, .loaded, .running], during: .stopping, to: .stopped) {
                try await self.stopParts()
            }
        } catch let error as RelayError {
            if self.life.state == .stopped, error.isRefusal { return }
            throw error
        }
    }

    private func stopParts() async throws {
        let flushed = Moment.now + self.settings.limits.flushTime
        var problems: [String] = []
        await self.closeControl()
        do {
            try await self.loop.runUntilFinished { finish in
                guard let parts = self.parts.value else { return finish() }
                self.stopClients(parts, by: flushed, finish)
            }
        } catch {
            problems.append("clients: \(error)")
        }
        do {
            try await self.loop.run { self.parts.value?.hooks.stop() }
        } catch {
            problems.append("stop hooks: \(error)")
        }
        await self.closeFiles(by: max(flushed, .now) + Self.diskTime)
        do {
            try await self.loop.run { self.dismantle() }
        } catch {
            problems.append("parts: \(error)")
        }
        self.end.continuation.finish()
        await self.loop.end()
        guard problems.isEmpty else {
            throw RelayError("the relay did not stop cleanly: " + problems.joined(separator: "; "))
        }
    }

    /// What disks and the console have beyond the flush time, of the second that stopping may take beyond it.
    private static let diskTime = Duration.milliseconds(600)

    /// Stops measuring, timers and transports.
    ///
    /// On the script loop.
    private func stopClients(_ parts: Parts, by deadline: Moment, _ finish: @escaping () -> Void) {
        self.endMonitor(parts)
        parts.ticks.timers = nil
        RelayShutdown(parts.transports, parts.ticks, by: deadline) { unreported in
            if unreported > 0 {
                self.logger.error(
                    "hooks were not told of all departures: they took longer than the flush time",
                    metadata: ["clients.unreported": "\(unreported)"]
                )
            }
            finish()
        }
    }

    /// Undoes what a failed start has done.
    func abandon() async {
        await self.closeControl()
        await self.closeFiles(by: .now + Self.diskTime)
        try? await self.loop.runUntilFinished { finish in
            guard let parts = self.parts.value else { return finish() }
            parts.ticks.timers = nil
            RelayShutdown(parts.transports, parts.ticks, by: .now) { _ in finish() }
        }
        try? await self.loop.run { self.dismantle() }
        self.end.continuation.finish()
        await self.loop.end()
    }

    /// Takes the parts apart, some of which hold each other.
    ///
    /// On the script loop.
    private func dismantle() {
        guard let parts = self.parts.value else { return }
        let counters = parts.hub.counters
        let numbers = parts.transports.map { $0.finishedNumbers() }
        if parts.startTime != .past {
            self.logger.info(
                "stopped",
                metadata: [
                    "clients.connected": "\(counters.connected)",
                    "clients.refused": "\(counters.refused)",
                    "clients.slow": "\(counters.slowDisconnected)",
                    "messages.received": "\(counters.messages)",
                    "messages.delivered": "\(counters.deliveries)",
                    "messages.too_long": "\(counters.tooLong)",
                    "ticks.dropped": "\(counters.slowDropped)",
                    "clients.replaced": "\(counters.replaced)",
                    "pings.answered": "\(counters.pings)",
                ]
                .merging(numbers.joined().map { ($0.key, $0.value) }) { first, _ in first }
            )
        }
        parts.recording?.end(parts.hooks)
        parts.ticks.end()
        self.parts.value = nil
    }

    // MARK: Disks

    /// Has everything written that waits for a disk, each on a thread of its own, and waits for that until a moment.
    private func closeFiles(by deadline: Moment) async {
        let parts = try? await self.loop.run {
            // Departures and stop hooks were the last to write.
            self.parts.value.map { $0.recording?.end($0.hooks) }
            return self.parts.value.map { (mail: $0.mail.closer, files: $0.files) }
        }
        let (files, states) = (self.storage.files, self.storage.states)
        var steps: [(name: String, close: @Sendable () -> Void)] = [
            ("files", { files.close() }), ("states", { states.close() }),
        ]
        if let console = self.console { steps.append(("console", { console.drain() })) }
        if let close = parts?.mail { steps.append(("mail", close)) }
        if let capture = parts?.files.capture { steps.append(("packets", { capture.close() })) }
        if let recording = parts?.files.recording { steps.append(("recording", { recording.close() })) }
        for name in await Self.run(steps, by: deadline) {
            self.logger.error(
                "stopping does not wait for the disk any longer: what was not written may be lost",
                metadata: ["stop.step": "\(name)"]
            )
        }
    }

    /// Runs steps that may block, each on a thread of its own.
    ///
    /// - Returns: The names of those that have not ended at the deadline; they go on.
    private static func run(
        _ steps: [(name: String, close: @Sendable () -> Void)],
        by deadline: Moment
    ) async -> [String] {
        let open = Mutex(Set(steps.map(\.name)))
        return await withCheckedContinuation { (continuation: CheckedContinuation<[String], Never>) in
            let result = SingleResult(continuation)
            for (name, close) in steps {
                let thread = Thread {
                    close()
                    let isLast = open.withLock { open in
                        open.remove(name)
                        return open.isEmpty
                    }
                    if isLast { result.resume([]) }
                }
                thread.name = "stop \(name)"
                thread.start()
            }
            let patience = max(.zero, deadline - .now)
            DispatchQueue.global()
                .asyncAfter(deadline: .now() + .nanoseconds(Int(patience.nanoseconds))) {
                    result.resume(open.withLock { $0.sorted() })
                }
        }
    }
}

/// Takes the first of several results.
private final class SingleResult<Value: Sendable>: Sendable {
    private let continuation: Mutex<CheckedContinuation<Value, Never>?>

    init(_ continuation: CheckedContinuation<Value, Never>) { self.continuation = Mutex(continuation) }

    func resume(_ value: Value) {
        let continuation = self.continuation.withLock { continuation in
            defer { continuation = nil }
            return continuation
        }
        continuation?.resume(returning: value)
    }
}
