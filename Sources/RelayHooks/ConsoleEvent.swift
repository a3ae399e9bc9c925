// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import RelayCore

/// Something the operator may want to read on the console.
struct ConsoleEvent {
    /// What happened: `listening`, `connect`, `message` or `disconnect`.
    var kind: StaticString
    /// Whom it concerns.
    var client: Client?
    /// Why a client left.
    var reason: Label?
    /// Where the relay listens.
    var address: Label?
    /// What carries it: `tcp` or `udp`.
    var transport: Label?
    /// Whether it is about the current message, and so has a text and recipients.
    var isMessage = false
}
