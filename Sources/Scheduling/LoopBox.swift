// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Holds something of a loop for those who know the loop from other threads; it is touched on the loop alone.
///
/// Unchecked for that reason, which ``value`` checks.
public final class LoopBox<Value>: @unchecked Sendable {
    private var boxed: Value
    private let loop: ScriptLoop

    /// Makes a box of a loop.
    public init(_ value: Value, of loop: ScriptLoop) {
        self.boxed = value
        self.loop = loop
    }

    /// What is in it, on the loop.
    public var value: Value {
        get {
            self.loop.preconditionOnLoop()
            return self.boxed
        }
        set {
            self.loop.preconditionOnLoop()
            self.boxed = newValue
        }
    }
}
