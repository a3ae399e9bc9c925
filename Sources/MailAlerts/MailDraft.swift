// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// A mail to be sent.
public struct MailDraft: Sendable, Hashable {
    /// To whom; each recipient's mail waits and fails on its own.
    public let to: [MailAddress]
    /// One line.
    public let subject: String
    /// The text that every reader shows.
    public let text: String
    /// The same for readers that show HTML.
    public let html: String?
    /// What events and listings call it, such as a status.
    public let label: String
    /// What it is about: mails with the same key are one thread.
    public let incident: String?

    /// Recipients of one mail.
    public static let mostRecipients = 100
    /// Bytes of a subject, a label and an incident's key.
    public static let longestSubject = 1_000
    /// Bytes of the text, and of the HTML.
    public static let longestText = 1 << 20

    /// Takes what a mail is made of.
    ///
    /// - Parameters:
    ///   - to: One recipient or more; one named twice counts once.
    ///   - subject: One line.
    ///   - text: The text.
    ///   - html: The same as HTML, if readers are to see that.
    ///   - label: What events and listings call it.
    ///   - incident: What it is about, if there are several mails about it.
    /// - Throws: What is wrong with them.
    public init(
        to: [MailAddress],
        subject: String,
        text: String,
        html: String? = nil,
        label: String = "",
        incident: String? = nil
    ) throws(MailRefusal) {
        var seen: Set<String> = []
        let recipients = to.filter { seen.insert($0.mailbox).inserted }
        guard !recipients.isEmpty else { throw MailRefusal("a mail needs a recipient") }
        guard recipients.count <= Self.mostRecipients else {
            throw MailRefusal("a mail has at most \(Self.mostRecipients) recipients")
        }
        for (name, value) in [("subject", subject), ("label", label), ("incident", incident ?? "")] {
            guard !value.unicodeScalars.contains(where: { [0, 0x0A, 0x0D].contains($0.value) }) else {
                throw MailRefusal("a mail's \(name) is one line: it holds no CR, LF or NUL")
            }
            guard value.utf8.count <= Self.longestSubject else {
                throw MailRefusal("a mail's \(name) is at most \(Self.longestSubject) bytes")
            }
        }
        guard text.utf8.count <= Self.longestText, (html ?? "").utf8.count <= Self.longestText else {
            throw MailRefusal("a mail's text is at most \(Self.longestText) bytes")
        }
        self.to = recipients
        self.subject = subject
        self.text = text
        self.html = html
        self.label = label
        self.incident = incident
    }
}
