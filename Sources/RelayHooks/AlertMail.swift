// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import LatencyMonitor
internal import LuaScripting
internal import RelayCore

/// A mail that an `alert` hook asks for.
public struct AlertMail: Sendable, Equatable {
    /// Its subject.
    public var subject: String
    /// Its text.
    public var text: String
    /// The same as HTML, if the script made that, too.
    public var html: String?
    /// Whom it is for; empty for whoever the settings name.
    public var to: [String] = []

    /// What is wrong with an answer.
    struct Refusal: Error {
        var reason: String
    }

    /// What scripts write.
    static let described = [
        APIField("subject", "string", "its subject"),
        APIField("text", "string", "its text"),
        APIField("html", "string?", "the same as a page, for those who can read one"),
        APIField("to", "string|string[]|nil", "whom it is for; else whom `--mail-to` names"),
    ]
    private static let names = described.map(\.name)
    /// A longer subject is nobody's summary.
    private static let longestSubject = 500
    private static let mostRecipients = 20

    /// Reads what a hook answered.
    static func read(_ answer: LuaValue, limits: Limits) -> Result<AlertMail, Refusal> {
        guard case .table(let table) = answer else { return .failure(Refusal(reason: answer.described)) }
        var mail = AlertMail(subject: "", text: "")
        for index in 0..<table.count {
            let (key, value) = table.entry(index)
            guard let name = key.text, self.names.contains(name) else {
                let hint = Suggestion.phrase(for: key.text ?? "[\(key.typeName)]", among: self.names)
                return .failure(Refusal(reason: "a mail with '\(key.text ?? "[\(key.typeName)]")'; \(hint)"))
            }
            if name == "to", case .table(let list) = value {
                // A list comes with its numbers as keys, in any order.
                let entries = (0..<list.count).map { list.entry($0) }
                let texts = entries.sorted { $0.key.position < $1.key.position }.compactMap { $0.value.text }
                let isList = Set(entries.map(\.key.position)) == Set(1..<Int64(list.count + 1))
                guard isList, texts.count == list.count, list.count <= self.mostRecipients else {
                    return .failure(
                        Refusal(reason: "a mail whose 'to' is no list of at most \(self.mostRecipients) addresses")
                    )
                }
                mail.to = texts
                continue
            }
            guard case .bytes(let bytes) = value else {
                return .failure(Refusal(reason: "a mail whose '\(name)' is \(value.described)"))
            }
            let longest = name == "text" || name == "html" ? limits.answerBytes : self.longestSubject
            guard let text = value.text(upTo: longest) else {
                let reason = "a mail whose '\(name)' has \(bytes.count) bytes, more than \(longest)"
                return .failure(Refusal(reason: reason))
            }
            switch name {
            case "subject": mail.subject = text
            case "text": mail.text = text
            case "html": mail.html = text
            default: mail.to = [text]
            }
        }
        if mail.subject.isEmpty { return .failure(Refusal(reason: "a mail without 'subject'")) }
        if mail.text.isEmpty { return .failure(Refusal(reason: "a mail without 'text'")) }
        return .success(mail)
    }
}

/// Takes the mails that scripts ask for.
public protocol AlertOutput: AnyObject {
    /// What is wrong with a mail, as the end of "it answered ..."; nil takes it.
    func problem(with mail: AlertMail) -> String?
    /// Sends a mail, if there is somewhere to send it.
    ///
    /// - Parameters:
    ///   - mail: The mail.
    ///   - report: What it is about; nil for a mail of the scripts' own.
    ///   - stored: Called once, on any thread: with true when the mail is on disk for all its recipients, also after a loss of
    ///     power; with false if it could not be stored. It is not called for a mail that is not accepted.
    /// - Returns: Whether it was accepted.
    func send(_ mail: AlertMail, about report: Report?, stored: (@Sendable (Bool) -> Void)?) -> Bool
}

extension LuaValue {
    /// A list's key as a number.
    var position: Int64 {
        if case .integer(let position) = self { return position }
        return .max
    }
}
