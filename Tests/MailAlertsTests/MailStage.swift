// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import MailAlerts
import Synchronization
import TestSupport

/// A queue with a folder of its own, and what it told.
final class MailStage: Sendable {
    let folder: String
    let settings: MailSettings
    private let isOwnFolder: Bool
    private let told = Mutex<[MailEvent]>([])

    static let login = MailLogin(user: "luar", password: "s3cret-Pa55word")

    /// Limits that make faults short; retries come at once.
    static var limits: MailLimits {
        var limits = MailLimits()
        limits.retries = [.milliseconds(20)]
        limits.holdPause = .milliseconds(50)
        limits.connectTimeout = .seconds(20)
        limits.replyTimeout = .seconds(20)
        limits.totalTimeout = .seconds(40)
        limits.spoolPause = .milliseconds(20)
        return limits
    }

    init(
        _ server: String,
        login: MailLogin? = nil,
        authorities: String? = nil,
        folder: String? = nil,
        limits: MailLimits = MailStage.limits
    ) throws {
        self.isOwnFolder = folder == nil
        self.folder = folder ?? NSTemporaryDirectory() + "luar-test-spool-" + UUID().uuidString
        self.settings = try MailSettings(
            server: MailServer(server),
            from: MailAddress("Luar <luar@example.com>"),
            login: login,
            authorities: authorities,
            spool: self.folder,
            limits: limits
        )
    }

    deinit {
        if self.isOwnFolder { try? FileManager.default.removeItem(atPath: self.folder) }
    }

    func queue() throws -> MailQueue { try MailQueue(self.settings) { self.note($0) } }

    func note(_ event: MailEvent) { self.told.withLock { $0.append(event) } }
    var events: [MailEvent] { self.told.withLock { $0 } }

    /// Runs a started queue while `body` does, and stops it then.
    func run<Result>(_ body: (MailQueue) async throws -> Result) async throws -> Result {
        let queue = try self.queue()
        queue.start()
        defer { queue.stop() }
        return try await body(queue)
    }

    /// Waits for an event.
    @discardableResult
    func tells(_ what: String, _ isIt: (MailEvent) -> Bool) throws -> MailEvent {
        try poll("\(what): \(self.events)") { self.events.contains(where: isIt) }
        return self.events.first(where: isIt) ?? .released
    }

    func tellsSent(_ count: Int = 1) throws {
        try poll("\(count) mails sent: \(self.events)") { self.sent.count >= count }
    }

    var sent: [MailSummary] {
        self.events.compactMap { event in
            if case .sent(let mail) = event { mail } else { nil }
        }
    }

    /// The reasons of all failures and holds.
    var reasons: [String] {
        self.events.compactMap { event in
            switch event {
            case .failed(_, let reason, _), .held(let reason, _), .spoolFailed(let reason), .damaged(_, let reason),
                .lost(_, let reason):
                reason
            default: nil
            }
        }
    }

    func files(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(self.folder)/\(folder)")) ?? []).sorted()
    }

    static func draft(
        _ subject: String,
        to: [String] = ["ana@example.com"],
        text: String = "One line.\n",
        label: String = "",
        incident: String? = nil
    ) throws -> MailDraft {
        try MailDraft(
            to: to.map { try MailAddress($0) },
            subject: subject,
            text: text,
            label: label,
            incident: incident
        )
    }
}

/// Results of storing mails, in the order in which they came.
final class StoredResults: Sendable {
    private let all = Mutex<[Bool]>([])
    var seen: [Bool] { self.all.withLock { $0 } }
    func add(_ result: Bool) { self.all.withLock { $0.append(result) } }
}
