// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Dispatch
internal import Foundation
internal import HostSettings
internal import RelayHooks

#if canImport(Glibc)
internal import Glibc
#endif

/// Reloads a relay's scripts at each SIGHUP, and if that is wanted when one of their files has changed.
///
/// Made before the relay is started: what is asked for while it starts is done once it runs. What is wrong with the scripts
/// is in the log.
final class ReloadTriggers {
    private let relay: Relay
    private var signals: (any DispatchSourceSignal)?
    private let watch: Task<Void, Never>?

    /// Watches the files, if that is wanted.
    ///
    /// Signals come only after ``listenForSignals()``.
    ///
    /// - Parameters:
    ///   - relay: Whose scripts these are.
    ///   - settings: Whether files are watched, and which folder was asked for.
    init(_ relay: Relay, _ settings: Settings) {
        self.relay = relay
        self.watch = settings.watchesScripts ? Self.watch(relay, settings.scripts) : nil
    }

    /// Takes each SIGHUP for a request from now on.
    ///
    /// Not while a question waits on the terminal: there SIGHUP ends the program, and a source would take the signal away from
    /// that handler now and then, because it reads pending signals from a descriptor (signalfd(2)).
    func listenForSignals() {
        signal(SIGHUP, SIG_IGN)
        let signals = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
        let relay = self.relay
        signals.setEventHandler { Task { await Self.reloadOnceRunning(relay) } }
        signals.resume()
        self.signals = signals
    }

    private static func reloadOnceRunning(_ relay: Relay) async {
        if await relay.life.untilRunning() { _ = try? await relay.reload() }
    }

    private static func watch(_ relay: Relay, _ folder: String?) -> Task<Void, Never> {
        // Before the relay loads them: what is saved while it starts is a change, too.
        let first = self.read(folder)
        return Task { await ReloadTriggers.reload(relay, whenChanged: folder, from: first) }
    }

    private static func reload(_ relay: Relay, whenChanged folder: String?, from first: ScriptSet?) async {
        var last = first
        while !Task.isCancelled {
            try? await Task.sleep(for: self.pause)
            // A folder that cannot be read now may be one that an editor is just writing.
            guard let now = await self.scripts(in: folder), now != last else { continue }
            // Nor is one that still changes: editors take a file away and write it anew.
            try? await Task.sleep(for: self.pause)
            guard await self.scripts(in: folder) == now else { continue }
            last = now
            await self.reloadOnceRunning(relay)
        }
    }

    /// Ends.
    func cancel() {
        self.signals?.cancel()
        self.watch?.cancel()
    }

    /// Between two looks at the files.
    private static let pause = Duration.milliseconds(300)

    /// What is in the folder, read where that keeps nobody waiting.
    private static func scripts(in folder: String?) async -> ScriptSet? {
        await withCheckedContinuation { done in
            DispatchQueue.global().async { done.resume(returning: self.read(folder)) }
        }
    }

    private static func read(_ folder: String?) -> ScriptSet? {
        try? ScriptFolder.load(folder, environment: ProcessInfo.processInfo.environment).set
    }
}
