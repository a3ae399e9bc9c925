// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import RelayCore

/// Something the operator may want to read on the console.
struct ConsoleEvent {
    /// What it can be about, each with its word in Lua.
    enum Kind: CaseIterable {
        case listening
        case connect
        case message
        /// A ping.
        case received
        case unreachable
        case disconnect
        case sample
        case mailSent
        case mailFailed
        case prompt

        /// The word.
        ///
        /// Static, so that its bytes can be lent to Lua without a copy.
        var word: StaticString {
            switch self {
            case .listening: "listening"
            case .connect: "connect"
            case .message: "message"
            case .received: "received"
            case .unreachable: "unreachable"
            case .disconnect: "disconnect"
            case .sample: "sample"
            case .mailSent: "mail_sent"
            case .mailFailed: "mail_failed"
            case .prompt: "prompt"
            }
        }
    }

    /// What happened.
    var kind: Kind
    /// Whom it concerns.
    var client: Client?
    /// Why a client left.
    var reason: PinnedString?
    /// Where the relay listens.
    var address: PinnedString?
    /// What carries it.
    var transport: TransportKind?
    /// Where a text came from.
    var origin: ClientOrigin?
    /// A text that is not the current message's.
    ///
    /// Borrowed until the console has answered.
    var text: UnsafeRawBufferPointer?
    /// What a sample, or the sample that a mail is about, means.
    var status: PinnedString?
    /// Whether it is about the current sample.
    var isSample = false
    /// A mail's subject.
    var subject: PinnedString?
    /// Whom a mail is for.
    var recipient: PinnedString?
    /// What is asked on the terminal: `notice`, `address` or `password`.
    var prompt: PinnedString?
    /// Whether it is about the current message, and so has recipients.
    var isMessage = false

    /// Whether it is about a text: a message, or one that goes no further.
    var isText: Bool { self.origin != nil }
}
