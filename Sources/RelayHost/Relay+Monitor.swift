// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Dispatch
internal import Foundation
internal import HostSettings
internal import LatencyMonitor
internal import LineOutput
internal import Logging
internal import MailAlerts
internal import RelayHooks
internal import RelayTransport
internal import Scheduling
internal import Synchronization

/// Who we are to the mail server.
struct MailIdentity {
    var user: String
    var password: String
}

extension Relay {
    /// What was measured of each target, once the relay has stopped.
    public var summaries: [TargetSummary] { self.measured.withLock { $0 } }

    /// The script's text for something that is asked on the terminal, once the scripts are loaded.
    ///
    /// - Parameter kind: `notice`, `address` or `password`.
    /// - Returns: The text, if a script has one.
    /// - Throws: ``RelayError`` unless the scripts are loaded.
    public func prompt(_ kind: String) async throws -> String? {
        try self.life.require([.loaded, .running], for: "ask the scripts of")
        return try await self.loop.run { self.parts.value?.hooks.prompt(kind) }
    }

    /// Takes a user of the mail server and a password, before the relay is started.
    public func signIn(user: String, password: String) {
        self.login.withLock { $0 = MailIdentity(user: user, password: password) }
    }

    /// Opens the mail queue, if something is measured and somebody is to get mail.
    func openMail() async throws {
        var mail = self.settings.mail
        if let login = self.login.withLock({ $0 }) {
            (mail.user, mail.password, mail.passwordFile) = (login.user, login.password, nil)
            if mail.to.isEmpty { mail.to = [try MailAddress(login.user)] }
        }
        let environment = ProcessInfo.processInfo.environment
        guard let delivery = try mail.delivery(environment: environment) else { return }
        guard let open = try await self.loop.run({ self.parts.value?.mail.opener }) else { return }
        let queue = try await Self.offLoop { try open(delivery) }
        try await self.loop.run { [mail] in
            guard let parts = self.parts.value else { return }
            // The monitor, where there is one, tells programs as well.
            parts.mail.onFate = { [weak hooks = parts.hooks] in hooks?.tell($0) }
            parts.mail.start(queue, recipients: mail.to)
        }
    }

    /// Does what waits for a disk on a thread that may.
    static func offLoop<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws
        -> Result
    {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: .init(catching: body)) }
        }
    }

    /// Begins to measure.
    ///
    /// On the script loop.
    func startMonitor(_ parts: Parts, _ targets: [ProbeAddress], records: (any LineSink)?) throws {
        let monitor = Monitor(
            self.settings.monitor,
            addresses: targets,
            hooks: parts.hooks,
            mail: parts.mail,
            loop: self.loop,
            records: records,
            logger: self.logger
        )
        let end = self.end.continuation
        monitor.onFinish = { end.finish() }
        try monitor.start()
        self.parts.value?.monitor = monitor
    }

    /// Ends measuring.
    ///
    /// On the script loop.
    func endMonitor(_ parts: Parts) {
        guard let monitor = parts.monitor else { return }
        monitor.stop()
        monitor.onFinish = nil
        monitor.recordSummaries()
        self.measured.withLock { $0 = monitor.summaries }
        if parts.mail.waiting > 0 {
            self.logger.notice(
                "mails wait, and go out with the next run",
                metadata: ["mail.waiting": "\(parts.mail.waiting)"]
            )
        }
    }
}

extension Endpoint {
    /// What pings to it are sent to; blocks while the system looks it up.
    func probeAddress() throws -> ProbeAddress {
        do {
            return try ProbeAddress(host: self.host, port: self.port)
        } catch {
            throw RelayError("cannot monitor \(self): \(error.reason)")
        }
    }
}
