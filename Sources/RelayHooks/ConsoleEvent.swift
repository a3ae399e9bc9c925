// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import RelayCore

/// Something the operator may want to read on the console.
struct ConsoleEvent {
    /// What happened: `listening`, `connect`, `received`, `message`, `unreachable`, `disconnect`, `sample`, `mail_sent`,
    /// `mail_failed` or `prompt`.
    var kind: StaticString
    /// Whom it concerns.
    var client: Client?
    /// Why a client left.
    var reason: Label?
    /// Where the relay listens.
    var address: Label?
    /// What carries it: `tcp` or `udp`.
    var transport: Label?
    /// Where a text came from.
    var origin: ClientOrigin?
    /// A text that is not the current message's.
    ///
    /// Borrowed until the console has answered.
    var text: UnsafeRawBufferPointer?
    /// What a sample, or the sample that a mail is about, means.
    var status: Label?
    /// Whether it is about the current sample.
    var isSample = false
    /// A mail's subject.
    var subject: Label?
    /// Whom a mail is for.
    var recipient: Label?
    /// What is asked on the terminal: `notice`, `address` or `password`.
    var prompt: Label?
    /// Whether it is about the current message, and so has recipients.
    var isMessage = false

    /// Whether it is about a text: a message, or one that goes no further.
    var isText: Bool { self.origin != nil }
}
