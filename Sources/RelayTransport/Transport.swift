// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import Logging
public import RelayCore
public import Scheduling

/// What carries the texts of clients, as the relay starts and stops it.
///
/// A relay holds a list of these and does not know which they are. It binds addresses, then has clients accepted, and stops
/// in phases, see ``RelayShutdown``: no new clients; what has arrived is relayed, and every client is told and closed through
/// the hub; what is unsent leaves by a deadline.
///
/// Confined to the script loop.
public protocol Transport: AnyObject {
    /// The row of the table that it implements.
    var kind: TransportKind { get }

    /// Binds an address; nothing is taken from it before ``accept()``.
    ///
    /// - Parameter address: The address, with port 0 for any free one.
    /// - Returns: The address in use, with the real port.
    /// - Throws: Why the system refuses it.
    func bind(to address: InternetAddress) throws(SocketError) -> InternetAddress

    /// Begins to take clients and texts from every address that is bound.
    func accept()

    /// The first phase of stopping: no new clients, also none whose connection or text has arrived already; those who are
    /// here go on.
    func stopAccepting()

    /// The last phase of stopping, once all clients are closed: lets what is unsent leave until the deadline, then closes
    /// every socket.
    ///
    /// - Parameters:
    ///   - deadline: When to give up.
    ///   - done: Called once nothing is open any more, soon after the deadline at the latest.
    func finish(by deadline: Moment, _ done: @escaping () -> Void)

    /// What happened, for the log, once it has stopped; called once.
    func finishedNumbers() -> Logger.Metadata
}
