// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// What the scripts of one state may use.
public struct LuaLimits: Sendable, Equatable {
    /// The CPU time and the instructions that one piece of work may take.
    public struct Budget: Sendable, Equatable {
        /// CPU time of the thread that runs the state, so that a busy machine fails no innocent script.
        public var cpuTime: Duration
        /// Lua instructions; work inside library functions counts by its size.
        public var instructions: Int64

        /// Makes a budget.
        public init(cpuTime: Duration, instructions: Int64) {
            self.cpuTime = cpuTime
            self.instructions = instructions
        }
    }

    /// Bytes the state may hold; a script that asks for more fails.
    public var memory: Int = 64 << 20
    /// The budget that all hooks share which one message, or any other single event, runs.
    public var hooks = Budget(cpuTime: .milliseconds(50), instructions: 10_000_000)
    /// What is divided evenly among the script files with hooks for an event, half of ``hooks``: hooks use their
    /// file's share before what all share, so that a file's slowness fails no other file's hooks.
    public var reserve: Budget {
        Budget(cpuTime: self.hooks.cpuTime / 2, instructions: self.hooks.instructions / 2)
    }
    /// The budget for loading all scripts together.
    public var loading = Budget(cpuTime: .seconds(2), instructions: .max)

    /// Makes the default limits.
    public init() {}
}
