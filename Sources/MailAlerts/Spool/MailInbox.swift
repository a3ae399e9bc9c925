// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Mails that were handed over and not yet taken up by the thread that writes them: bounded by merging.
struct MailInbox {
    /// A mail and when it was handed over, in seconds since 1970.
    struct Posted {
        var draft: MailDraft
        var created: Double
        /// Called when it is known whether the mail is on disk.
        var stored: (@Sendable (Bool) -> Void)?
    }

    private(set) var posted: [Posted] = []
    /// What did not fit, by recipient: the older ones.
    private(set) var surplus: [String: (to: MailAddress, digest: Digest)] = [:]
    /// Who waits for the surplus to be on disk.
    private(set) var surplusStored: [@Sendable (Bool) -> Void] = []
    private var bytes = 0
    /// Mails in it, one for each recipient.
    private(set) var count = 0

    mutating func add(
        _ draft: MailDraft,
        created: Double,
        limits: MailLimits,
        stored: (@Sendable (Bool) -> Void)? = nil
    ) {
        self.posted.append(Posted(draft: draft, created: created, stored: stored))
        self.bytes += Self.size(draft)
        self.count += draft.to.count
        guard self.posted.count > limits.mostWaiting || self.bytes > limits.mostBytes, self.posted.count > 1 else {
            return
        }
        // Half of them at once, so that this is rare.
        let older = self.posted.prefix((self.posted.count + 1) / 2)
        self.posted.removeFirst(older.count)
        for mail in older {
            self.bytes -= Self.size(mail.draft)
            self.count -= mail.draft.to.count
            if let stored = mail.stored { self.surplusStored.append(stored) }
            for recipient in mail.draft.to {
                let known = self.surplus[recipient.mailbox]
                if known == nil { self.count += 1 }
                let digests = (known.map { [$0.digest] } ?? []) + [Digest(mail.draft, created: mail.created)]
                self.surplus[recipient.mailbox] = (recipient, Digest(digests, mostBytes: limits.mostDigestBytes))
            }
        }
    }

    private static func size(_ draft: MailDraft) -> Int { draft.text.utf8.count + (draft.html?.utf8.count ?? 0) + 512 }
}

extension Digest {
    init(_ draft: MailDraft, created: Double) {
        self.init(subject: draft.subject, excerpt: Self.excerpt(draft.text), label: draft.label, created: created)
    }
}
