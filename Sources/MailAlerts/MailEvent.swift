// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Which mail an event is about.
public struct MailSummary: Sendable, Hashable {
    /// The name of its file in the spool, without the ending.
    public var id: String
    /// The mailbox that it goes to.
    public var recipient: String
    /// One line.
    public var subject: String
    /// The labels of its draft, or of all mails in a digest, each once; empty ones are left out.
    public var labels: [String]
    /// As in the mail, with its angle brackets.
    public var messageID: String
    /// How many mails it stands for: 1, or those in a digest.
    public var count: Int
}

/// What happens to a mail after a failure.
public enum MailFuture: Sendable, Hashable {
    /// It is tried again.
    case triedAgain(after: Duration)
    /// It is not tried again, and kept in the folder `failed/`.
    case kept
    /// It is not tried again, and could not be kept either.
    case gone
}

/// Something that happened to mails.
///
/// Every reason is a short English sentence without its full stop that holds no control characters and no secrets.
public enum MailEvent: Sendable, Hashable {
    /// The server took a mail.
    case sent(MailSummary)
    /// A mail was not taken.
    case failed(MailSummary, reason: String, then: MailFuture)
    /// Nothing is sent, because TLS or the login is wrong; told once, and tried again quietly.
    case held(reason: String, retryAfter: Duration)
    /// The server takes mail again after that.
    case released
    /// The spool folder cannot be written to; mails wait in memory, and it is tried again.
    case spoolFailed(reason: String)
    /// The spool folder can be written to again, and everything is in it.
    case spoolRestored
    /// Several mails became one digest, which goes in their place.
    case merged(count: Int, into: MailSummary)
    /// A file in the spool is damaged; it was set aside in `failed/`.
    case damaged(file: String, reason: String)
    /// A mail is lost, because the queue stops and its folder cannot be written to.
    case lost(MailSummary, reason: String)
}
