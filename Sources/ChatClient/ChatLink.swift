// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#if canImport(Glibc)
internal import Glibc
#endif

/// One attempt to reach a server, and what comes of it: a connection, or a socket for datagrams.
///
/// A plain non-blocking socket, polled beside the keyboard: so the loop needs no second thread and no mailbox, and reads
/// no more than it has shown. Only looking up the host takes a thread of its own.
protocol ChatLink: AnyObject {
    /// The socket and what to wait for on it, for poll(2).
    ///
    /// - Parameter reads: Whether what arrives is wanted now.
    /// - Returns: The entry; with descriptor -1 if there is nothing to wait for.
    func polled(reads: Bool) -> pollfd
    /// Bytes that the system has and the server has not, as far as that can be known.
    var unacknowledged: Int { get }
    /// When to call ``proceed(_:reads:at:)`` even if nothing happens on the socket.
    var deadline: Double? { get }
    /// Goes on after poll(2), and returns what happened, in order.
    func proceed(_ ready: Int16, reads: Bool, at time: Double) -> [ChatLinkEvent]
    /// Sends bytes; `sent` follows in the order of the calls, or `ended`.
    func send(_ bytes: [UInt8])
    /// Tells the server that nothing more comes, where there is a way to; to be called once everything was reported as
    /// sent.
    func finish()
    /// Ends it.
    func drop()
}

/// What happened on a link.
enum ChatLinkEvent: Equatable {
    case connected
    case failed(String)
    /// Bytes of a connection, or a whole datagram.
    case received([UInt8])
    /// The system has taken the oldest bytes that were sent and not reported yet.
    case sent
    /// The link has ended; a reason where the server did not close it in order.
    case ended(String?)
}

/// How texts are told apart on their way between the client and its server.
enum ChatFraming {
    /// Over TCP, a line each.
    case lines
    /// Over TCP, as the original does it: what arrives together is one text.
    case raw
    /// Over UDP, a datagram each.
    case datagrams

    /// The least time between two texts, in seconds.
    var pause: Double {
        switch self {
        case .lines: 0
        // What arrives together would be one text.
        case .raw: 0.02
        // Nothing holds back whoever sends more datagrams than the relay reads; they would be lost.
        case .datagrams: 0.001
        }
    }
}
