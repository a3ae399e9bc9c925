// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import HostSettings
internal import LineOutput
internal import Logging
internal import RelayCore
internal import ServiceLifecycle
internal import UnixSignals

#if canImport(Glibc)
internal import Glibc
#endif

extension Relay {
    /// Runs a relay as a process does: console on standard output, log on standard error, until SIGINT or SIGTERM.
    ///
    /// - Parameter settings: What the relay needs.
    /// - Throws: ``RelayError``, `SettingsError` or `ScriptError` when the relay does not start.
    public static func runProcess(_ settings: Settings) async throws {
        // A reader that went away is an error of one write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        let lines = settings.limits.consoleLines
        let log = LineWriter(descriptor: STDERR_FILENO, limit: lines, label: "log")
        defer { log.drain() }
        let console = LineWriter(descriptor: STDOUT_FILENO, limit: lines, label: "console")
        let relay = Relay(settings: settings, console: console, logger: settings.logger(to: log))
        let group = ServiceGroup(
            services: [relay],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: Logger(label: "luar.services") { _ in SwiftLogNoOpLogHandler() }
        )
        try await group.run()
    }
}
