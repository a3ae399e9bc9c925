// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Dispatch
internal import Foundation
internal import HostSettings
internal import Logging
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
    private let watcher: ScriptWatcher?

    /// Watches the files, if that is wanted.
    ///
    /// Signals come only after ``listenForSignals()``.
    ///
    /// - Parameters:
    ///   - relay: Whose scripts these are.
    ///   - settings: Whether files are watched, and which folder was asked for.
    /// - Throws: `SettingsError` if the files cannot be watched.
    init(_ relay: Relay, _ settings: Settings) throws {
        self.relay = relay
        self.watcher = settings.watchesScripts ? try Self.watch(relay, settings.scripts) : nil
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

    private static func watch(_ relay: Relay, _ folder: String?) throws -> ScriptWatcher {
        // Before the relay loads them: what is saved while it starts is a change, too.
        let watcher = try ScriptWatcher(folder, environment: ProcessInfo.processInfo.environment) {
            relay.logger.error("changes of some scripts are not noticed", metadata: ["error": "\($0)"])
        }
        Task { [changes = watcher.changes, first = watcher.first] in
            var last = first
            for await scripts in changes {
                // A folder that cannot be read now may be one that an editor is just writing.
                guard let scripts, scripts != last else { continue }
                last = scripts
                await self.reloadOnceRunning(relay)
            }
        }
        return watcher
    }

    /// Ends.
    func cancel() {
        self.signals?.cancel()
        self.watcher?.cancel()
    }
}
