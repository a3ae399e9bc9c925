// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// What became of one attempt to deliver a mail.
///
/// Reasons are safe to show.
enum DeliveryOutcome: Equatable, Sendable {
    /// The server took it.
    case delivered
    /// The server does not take this mail now: 4xx.
    case delayed(reason: String)
    /// The server never takes this mail: 5xx.
    case refused(reason: String)
    /// Nothing can be sent now; `isMailAtFault` says that this mail may be why, since the server began to take it.
    case unreachable(reason: String, isMailAtFault: Bool)
    /// Nothing can be sent until a person mends it.
    case blocked(Blockage, reason: String)
    /// We gave up ourselves, because we are to end.
    case aborted

    enum Blockage: Sendable { case tls, login }
}
