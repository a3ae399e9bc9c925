// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting

/// A hook's or timer's failure.
public struct HookFailure: Sendable, Equatable {
    /// The event it was called for; `timer` for a timer.
    public var event: String
    /// The script that registered it.
    public var script: String
    /// The line there, from 1.
    public var line: Int
    /// `error`, or the limit that was passed: `timeout` or `memory`.
    public var kind: String
    /// Lua's error text; it usually begins with the script and the line where it arose.
    public var message: String
    /// The calls that led to it; empty where there were none.
    public var traceback: String
    /// Whether the hook is left out for a while from now on.
    public var isPaused: Bool

    init(_ error: LuaError, of hook: CallRecord, isPaused: Bool) {
        self.event = hook.event.rawValue
        self.script = hook.script
        self.line = hook.line
        self.kind = error.kind.rawValue
        self.message = error.message
        // Without a line of a script in it, a traceback tells nothing.
        self.traceback = error.traceback.contains(".lua:") ? error.traceback : ""
        self.isPaused = isPaused
    }

    /// Makes a failure of all timers together, for which no script is to blame alone.
    public init(timers message: String) {
        self.event = HookEvent.timer.rawValue
        self.script = ""
        self.line = 0
        self.kind = LuaError.Kind.error.rawValue
        self.message = message
        self.traceback = ""
        self.isPaused = false
    }
}

/// What became of one text.
public struct MessageTrace: Sendable, Equatable {
    /// How a text ended.
    public enum Fate: String, Sendable {
        /// It was a ping, and was answered.
        case ping
        /// A `message` hook answered `false`.
        case swallowed
        /// It was routed; to nobody, if there are no recipients.
        case relayed
        /// It was not relayed, because hooks that decide about it failed.
        case withheld
    }

    /// The sender's number.
    public var sender: Int64
    /// The text as it came.
    public var text: [UInt8]
    /// The text that the filters left.
    public var filtered: [UInt8]
    /// How it ended.
    public var fate: Fate
    /// Who gets it, by number.
    public var recipients: [Int64]
    /// What those of the plain dialect get; nil if there are none.
    public var sent: [UInt8]?
    /// What those of other dialects get, by dialect.
    public var sentAs: [String: [UInt8]] = [:]
}
