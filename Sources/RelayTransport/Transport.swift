// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import RelayCore
public import Scheduling

/// What carries the texts of clients, as the relay starts and stops it.
///
/// Confined to the script loop.
public protocol Transport: AnyObject {
    /// Begins to take clients and texts.
    func accept()
    /// Takes no new clients; those who are here go on.
    func stopAccepting()
    /// Ends what is left once all clients are closed: lets what is unsent leave until the deadline, then closes every socket.
    ///
    /// - Parameters:
    ///   - deadline: When to give up.
    ///   - done: Called once nothing is open any more, soon after the deadline at the latest.
    func finish(by deadline: Moment, _ done: @escaping () -> Void)
}
