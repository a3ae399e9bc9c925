// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LatencyMonitor
internal import RelayCore

/// What hooks are asked about while they run, beside a message: the objects that they get read it here.
struct HookSubject {
    /// A client that is not in the hub any more, or is not let in: readable all the same.
    var client: Client?
    /// Who asks to be let in, and by what text, while `admit` is asked.
    var admission: (client: Client, text: UnsafeRawBufferPointer?)?
    /// Where a text comes from whose sender is not a client.
    var origin: ClientOrigin?
    /// The server that the chat client talks to.
    var server: ChatServer?
    /// What the console is asked about.
    var console: ConsoleEvent?
    /// What was measured.
    var sample: Sample?
    /// What is reported about it.
    var report: Report?
}
