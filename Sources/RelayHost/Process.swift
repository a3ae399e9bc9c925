// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
internal import Logging
internal import RelayCore
internal import ServiceLifecycle
internal import UnixSignals

#if canImport(Glibc)
internal import Glibc
#endif

extension Relay {
    /// The log levels by name, most talkative first.
    public static let logLevels = Logger.Level.allCases.map(\.rawValue)

    /// Runs a relay as a process does: console on standard output, log on standard error, until SIGINT or SIGTERM.
    ///
    /// - Parameters:
    ///   - settings: What the relay needs.
    ///   - logLevel: One of ``logLevels``; or `warn`; anything else logs from `notice` on.
    /// - Throws: ``RelayError`` or `ScriptError` when the relay does not start.
    public static func runProcess(_ settings: Settings, logLevel: String) async throws {
        // A reader that went away is an error of one write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        let lines = settings.limits.consoleLines
        let log = LineWriter(descriptor: STDERR_FILENO, limit: lines, label: "log")
        defer { log.drain() }
        // Scripts say `relay.log.warn`, so both words are taken.
        let level = logLevel == "warn" ? .warning : Logger.Level(rawValue: logLevel) ?? .notice
        let logger = Logger(label: "luar") { _ in LineLogHandler(writer: log, level: level) }
        let console = LineWriter(descriptor: STDOUT_FILENO, limit: lines, label: "console")
        let relay = Relay(settings: settings, console: console, logger: logger)
        let group = ServiceGroup(
            services: [relay],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: Logger(label: "luar.services") { _ in SwiftLogNoOpLogHandler() }
        )
        try await group.run()
    }
}
