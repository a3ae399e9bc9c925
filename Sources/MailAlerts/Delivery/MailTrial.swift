// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Sends one mail at once, to see whether the settings are right.
public enum MailTrial {
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
    ) throws(MailError) {}
}
