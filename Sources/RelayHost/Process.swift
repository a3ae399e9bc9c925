// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
public import HostSettings
internal import LineOutput
internal import Logging
internal import RelayCore
internal import ServiceLifecycle
internal import UnixSignals

#if canImport(Glibc)
internal import Glibc
#endif

/// What is shown before somebody types who they are to the mail server.
public struct LoginPrompts: Sendable {
    /// A line before both.
    public var notice: String
    /// Before the address, without a line end.
    public var address: String
    /// Before the password, without a line end.
    public var password: String

    /// Makes prompts.
    public init(notice: String, address: String, password: String) {
        self.notice = notice
        self.address = address
        self.password = password
    }
}

extension Relay {
    /// Runs a relay as a process does: console on standard output, log on standard error, until SIGINT or SIGTERM, or until
    /// the monitor has counted its samples.
    ///
    /// - Parameters:
    ///   - settings: What the relay needs.
    ///   - writesRecords: Whether standard output gets the monitor's lines for programs, in place of the console.
    ///   - askLogin: Asks for a user and a password, where the settings want that.
    ///   - rereads: Reads the settings again, for a reload of the scripts: at SIGHUP, by `luar reload`, or when a file changes.
    /// - Returns: What was measured.
    /// - Throws: ``RelayError``, `SettingsError` or `ScriptError` when the relay does not start.
    @discardableResult
    public static func runProcess(
        _ settings: Settings,
        writesRecords: Bool = false,
        askLogin: (LoginPrompts) throws -> (user: String, password: String),
        rereads: (@Sendable () throws -> Settings)? = nil
    ) async throws -> [TargetSummary] {
        // A reader that went away is an error of one write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        let bytes = settings.limits.consoleBytes
        let log = LineWriter(descriptor: STDERR_FILENO, limit: bytes, label: "log")
        defer { log.drain() }
        let output =
            writesRecords
            ? LineWriter(descriptor: STDOUT_FILENO, limit: bytes, label: "records", notice: MonitorRecord.dropped)
            : LineWriter(descriptor: STDOUT_FILENO, limit: bytes, label: "console")
        defer { output.drain() }
        let relay = try Relay(
            settings: settings,
            console: writesRecords ? nil : output,
            records: writesRecords ? output : nil,
            logger: settings.logger(to: log),
            rereads: rereads
        )
        let triggers = try ReloadTriggers(relay, settings)
        defer { triggers.cancel() }
        let asksLogin = settings.mail.asksLogin && !settings.monitor.targets.isEmpty
        if !asksLogin { triggers.listenForSignals() }
        // A relay has clients; a monitor that nobody reads has nobody.
        if settings.listeners.isEmpty { output.onBreak { relay.end.continuation.finish() } }
        if asksLogin {
            try await relay.load()
            let login = try askLogin(
                LoginPrompts(
                    notice: try await relay.prompt("notice") ?? "",
                    address: try await relay.prompt("address") ?? "Mail address: ",
                    password: try await relay.prompt("password") ?? "Password: "
                )
            )
            relay.signIn(user: login.user, password: login.password)
            triggers.listenForSignals()
        }
        let environment = ProcessInfo.processInfo.environment
        try await relay.listenForCommands(environment)
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: relay, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "luar.services") { _ in SwiftLogNoOpLogHandler() }
            )
        )
        try await group.run()
        return relay.summaries
    }
}
