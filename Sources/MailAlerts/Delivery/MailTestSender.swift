// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation

/// Sends one mail at once, to see whether the settings are right.
public enum MailTestSender {
    /// Sends a mail without the spool.
    ///
    /// - Parameters:
    ///   - draft: The mail.
    ///   - settings: How it is sent.
    ///   - onLine: Told of every line of the dialogue as it comes: `> ` what we say, `< ` what the server says, `* ` what happens
    ///     else. Secrets are shown as `***`, and the message as its size.
    /// - Throws: Why it was not sent.
    public static func send(
        _ draft: MailDraft,
        with settings: MailSettings,
        onLine: (String) -> Void
    ) throws(MailError) {
        let messageID = MailMessage.makeID(for: settings.from)
        let message = MailMessage.compose(draft, .init(from: settings.from, date: Date(), messageID: messageID))
        // The listener is called by this very call, and by nothing after it.
        let outcome = withoutActuallyEscaping(onLine) { onLine in
            SMTPDelivery(message, with: settings, isStopping: { false }, onLine: onLine)
                .run(from: settings.from.mailbox, to: draft.to.map(\.mailbox))
        }
        switch outcome {
        case .delivered: return
        case .delayed(let reason), .refused(let reason), .unreachable(let reason, _), .blocked(_, let reason):
            throw MailError(reason)
        case .aborted: throw MailError("the mail was not sent")
        }
    }
}
