// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import MailAlerts
public import RelayHooks

extension MailDraft {
    /// Makes a draft of what a script answered.
    ///
    /// - Parameters:
    ///   - mail: The script's mail.
    ///   - others: Whom it is for if the script does not say.
    ///   - label: What it is about, for the console.
    ///   - incident: What mails about the same trouble have in common.
    /// - Throws: `MailRefusal` for what cannot be sent.
    public init(
        _ mail: AlertMail,
        to others: [MailAddress],
        label: String = "",
        incident: String? = nil
    ) throws(MailRefusal) {
        var to: [MailAddress] = []
        for address in mail.to { to.append(try MailAddress(address)) }
        try self.init(
            to: to.isEmpty ? others : to,
            subject: mail.subject,
            text: mail.text,
            html: mail.html,
            label: label,
            incident: incident
        )
    }
}
