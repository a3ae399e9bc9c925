// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// What bounds the sending of mail.
public struct MailLimits: Sendable, Hashable {
    /// How long to wait after the first failure, the second, and so on; the last stands for all that follow.
    public var retries: [Duration] = [
        .seconds(5), .seconds(15), .seconds(60), .seconds(300), .seconds(900), .seconds(1_800),
    ]
    /// By which part of itself a wait is longer or shorter, by chance.
    public var jitter = 0.2
    /// How long to wait while the server's TLS or the login is wrong, which only a person can mend.
    public var holdPause: Duration = .seconds(1_800)
    /// How old a mail may become before it counts as failed.
    public var expiry: Duration = .seconds(5 * 86_400)
    /// From looking up the server's name to the end of the login.
    public var connectTimeout: Duration = .seconds(60)
    /// What the server may take for a reply, in whole seconds.
    public var replyTimeout: Duration = .seconds(120)
    /// What a delivery may take altogether.
    public var totalTimeout: Duration = .seconds(600)
    /// How long to wait before a spool folder that failed is written to again.
    public var spoolPause: Duration = .seconds(10)
    /// Mails that may wait, one counted for each recipient; above it the older ones of a recipient are merged into a digest.
    ///
    /// Each recipient keeps the newest mail and one digest, however many recipients there are.
    public var mostWaiting = 200
    /// Bytes of waiting mails; above it they are merged as well.
    public var mostBytes = 16 << 20
    /// Mails kept in `failed/`; the oldest are deleted above it.
    public var mostFailed = 200
    /// Bytes of the listing in a digest; above it the oldest mails are only counted.
    public var mostDigestBytes = 1 << 20
    /// Bytes of replies in one delivery.
    public var mostReplyBytes = 64 << 10

    /// The limits that fit a relay's alerts.
    public init() {}
}
