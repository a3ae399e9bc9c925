// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation

/// Makes spool files of drafts and digests.
struct Spooler {
    private var threads: MailThreads
    private var lastID: Int
    /// What recovery has to tell, until it was told.
    var events: [MailEvent]
    /// When the folder may be written to again after a failure.
    var notBefore: DeliveryPlan.Time?

    init(_ recovery: SpoolRecovery) {
        self.threads = recovery.threads
        self.events = recovery.events
        let latest = Int(Date().timeIntervalSince1970 * 1_000_000) + 86_400_000_000
        self.lastID = recovery.mails.compactMap { Int($0.id.prefix(16)) }.filter { $0 < latest }.max() ?? 0
    }

    /// What incidents have mails already, as a file.
    var encodedThreads: [UInt8] { self.threads.encoded() }

    /// A mail, once for each recipient.
    mutating func files(for posted: MailInbox.Posted, from: MailAddress) -> [SpoolFile] {
        let draft = posted.draft
        let messageID = MailMessage.makeID(for: from)
        let follows = draft.incident.map { self.threads.follow($0, with: messageID) } ?? []
        let origin = MailMessage.Origin(
            from: from,
            date: Date(timeIntervalSince1970: posted.created),
            messageID: messageID,
            follows: follows
        )
        let message = MailMessage.compose(draft, origin)
        return draft.to.map { recipient in
            SpoolFile(
                .init(
                    id: self.makeID(),
                    created: posted.created,
                    from: from.mailbox,
                    to: recipient.mailbox,
                    subject: draft.subject,
                    messageID: messageID,
                    digest: Digest(draft, created: posted.created)
                ),
                message: message
            )
        }
    }

    /// A digest in the place of these files; nil if there is none to whom it could go.
    mutating func file(for digest: Digest, from: MailAddress, to mailbox: String, replacing ids: [String]) -> SpoolFile?
    {
        guard let to = try? MailAddress(mailbox),
            let draft = try? MailDraft(to: [to], subject: digest.subject, text: Self.shortened(digest.text))
        else { return nil }
        let now = Date()
        let messageID = MailMessage.makeID(for: from)
        let message = MailMessage.compose(draft, .init(from: from, date: now, messageID: messageID))
        return SpoolFile(
            .init(
                id: self.makeID(),
                created: now.timeIntervalSince1970,
                from: from.mailbox,
                to: mailbox,
                subject: draft.subject,
                messageID: messageID,
                digest: digest,
                replaces: ids
            ),
            message: message
        )
    }

    /// Within what a draft takes; a listing is bounded a little below it already.
    private static func shortened(_ text: String) -> String {
        guard text.utf8.count > MailDraft.longestText else { return text }
        return String(decoding: text.utf8.prefix(MailDraft.longestText - 3), as: UTF8.self)
    }

    /// A name that sorts by time, also if the clock was set back.
    private mutating func makeID() -> String {
        self.lastID = max(self.lastID + 1, Int(Date().timeIntervalSince1970 * 1_000_000))
        let digits = String(self.lastID)
        return String(repeating: "0", count: max(0, 16 - digits.count)) + digits + "-" + MailMessage.unique().prefix(8)
    }
}
