// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import HostSettings
internal import LatencyMonitor
internal import Logging
internal import MailAlerts
internal import RelayHooks
internal import Scheduling

/// Takes the mails that scripts ask for, and tells what became of them.
///
/// Confined to the script loop.
final class AlertMailer: AlertOutput {
    private var recipients: [MailAddress] = []
    private var queue: MailQueue?
    private let events: Mailbox<MailEvent>
    private let logger: Logger
    private var logLimit = LogLimiter()
    /// Told of each mail's fate.
    var onFate: ((MailFate) -> Void)?
    /// Called when nothing waits any more.
    var onIdle: (() -> Void)?

    /// What became of a mail.
    struct MailFate {
        var subject: String
        /// What the samples meant that it is about; empty for one that is not about samples.
        var status: String
        var recipient: String
        /// Why it was not delivered; nil if it was.
        var reason: String?
    }

    /// Events of mails that may wait for the loop, and how many of them a tick takes.
    private static let waitingEvents = 4_096
    private static let share = Mailbox<MailEvent>.Share(items: 16, time: .milliseconds(2))

    /// Makes a desk that sends nothing.
    init(loop: ScriptLoop, logger: Logger) {
        self.logger = logger
        let desk = WeakDesk()
        self.events = Mailbox(on: loop, limit: Self.waitingEvents, share: Self.share) { desk.desk?.take($0) }
        desk.desk = self
    }

    /// What opens a queue, whose events come here; it reads the spool folder, so it is called somewhere else.
    var opener: @Sendable (MailSettings) throws -> MailQueue {
        let events = self.events
        return { settings in
            do {
                return try MailQueue(settings) { events.post($0) }
            } catch {
                throw RelayError("\(error)")
            }
        }
    }

    /// Begins to deliver.
    ///
    /// - Parameters:
    ///   - queue: Where mails go.
    ///   - recipients: To whom they go unless a script says otherwise.
    func start(_ queue: MailQueue, recipients: [MailAddress]) {
        self.queue = queue
        self.recipients = recipients
        queue.start()
    }

    /// The queue must not keep alive who keeps it.
    private final class WeakDesk {
        weak var desk: AlertMailer?
    }

    /// Whether mails go anywhere.
    var isOpen: Bool { self.queue != nil }

    /// Mails that are not delivered, and could be soon.
    var waiting: Int { self.isHeld ? 0 : self.queue?.waiting ?? 0 }
    /// Whether somebody has to mend something before a mail can leave.
    private var isHeld = false

    /// What closes the queue; it waits for the disk, so it is called somewhere else.
    var closer: @Sendable () -> Void {
        let queue = self.queue
        return { queue?.stop() }
    }

    // MARK: Mails

    func problem(with mail: AlertMail) -> String? {
        do {
            _ = try self.draft(mail, status: "", incident: nil)
            return nil
        } catch {
            return "a mail that cannot be sent (\(error.reason))"
        }
    }

    func send(_ mail: AlertMail, about report: Report?, stored: (@Sendable (Bool) -> Void)?) -> Bool {
        guard let queue = self.queue else { return false }
        do {
            let draft = try self.draft(mail, status: report?.status.name ?? "", incident: report?.incident)
            queue.add(draft, stored: stored)
            return true
        } catch {
            let message: Logger.Message = "a mail could not be sent"
            if let unlogged = self.logLimit.admit("\(message)", at: Moment.now.seconds) {
                var metadata: Logger.Metadata = ["error": "\(error.reason)"]
                metadata.note(unlogged: unlogged)
                self.logger.error(message, metadata: metadata)
            }
            return false
        }
    }

    private func draft(_ mail: AlertMail, status: String, incident: String?) throws(MailRefusal) -> MailDraft {
        // Where no mail is set up, scripts are judged all the same.
        let others = self.isOpen ? self.recipients : [try MailAddress("nobody@localhost")]
        return try MailDraft(mail, to: others, label: status, incident: incident)
    }

    // MARK: What became of them

    private func take(_ event: MailEvent) {
        let refused = self.events.takeRefused()
        if refused > 0 {
            self.logger.warning("events of mails were not told", metadata: ["mail.events": "\(refused)"])
        }
        switch event {
        case .sent(let mail):
            self.logger.info("mail sent", metadata: Self.metadata(mail))
            self.onFate?(Self.fate(of: mail, reason: nil))
        case .failed(let mail, let reason, let future):
            var metadata = Self.metadata(mail)
            metadata["error"] = "\(reason)"
            switch future {
            case .triedAgain(let pause):
                metadata["mail.retry_seconds"] = "\(pause.components.seconds)"
                self.logger.warning("mail not sent, and tried again", metadata: metadata)
            case .kept: self.logger.error("mail not sent, and kept in failed/", metadata: metadata)
            case .gone: self.logger.error("mail not sent, and not kept either", metadata: metadata)
            }
            self.onFate?(Self.fate(of: mail, reason: reason))
        case .held(let reason, let pause):
            self.isHeld = true
            self.logger.error(
                "no mail is sent until this is mended; it is tried again by itself",
                metadata: ["error": "\(reason)", "mail.retry_seconds": "\(pause.components.seconds)"]
            )
            self.onFate?(MailFate(subject: "", status: "", recipient: "", reason: reason))
        case .released:
            self.isHeld = false
            self.logger.notice("mail is sent again")
        case .spoolFailed(let reason):
            self.logger.error(
                "mails wait in memory: the spool folder cannot be written",
                metadata: ["error": "\(reason)"]
            )
        case .spoolRestored: self.logger.notice("mails wait on disk again")
        case .merged(let count, let mail):
            var metadata = Self.metadata(mail)
            metadata["mail.merged"] = "\(count)"
            self.logger.info("mails merged into a digest", metadata: metadata)
        case .damaged(let file, let reason):
            self.logger.error("a damaged mail was set aside", metadata: ["mail.file": "\(file)", "error": "\(reason)"])
        case .lost(let mail, let reason):
            var metadata = Self.metadata(mail)
            metadata["error"] = "\(reason)"
            self.logger.error("mail lost", metadata: metadata)
        }
        if self.waiting == 0 { self.onIdle?() }
    }

    private static func fate(of mail: MailSummary, reason: String?) -> MailFate {
        MailFate(
            subject: mail.subject,
            status: mail.labels.joined(separator: ", "),
            recipient: mail.recipient,
            reason: reason
        )
    }

    private static func metadata(_ mail: MailSummary) -> Logger.Metadata {
        ["mail.to": "\(mail.recipient)", "mail.subject": "\(mail.subject)", "mail.id": "\(mail.id)"]
    }
}
