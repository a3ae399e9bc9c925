// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// What a loop does in each tick, after its mailboxes and deadlines.
public protocol LoopWork: AnyObject {
    /// When there is something to do; nil while it only waits for descriptors, deadlines and mailboxes.
    var nextMoment: Moment? { get }
    /// Does a tick's share of it.
    func tick(at start: Moment)
}
