// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CLua

/// A function that a script registered, and what has to be known to call it, in memory that C reads and counts in.
///
/// Confined to the thread that runs the state.
public final class LuaHook {
    let raw: UnsafeMutablePointer<luar_hook>

    /// Makes a hook.
    ///
    /// - Parameters:
    ///   - function: What is called; nil where that is set before each call.
    ///   - file: The number of the script file that it belongs to, from 0: whose share of the reserve it uses. -1 for none.
    ///   - hasSpareMemory: Whether it may have a sixteenth more memory than the limit, and is called also where what the
    ///     scripts hold leaves hardly any.
    public init(_ function: LuaFunction?, file: Int32 = -1, hasSpareMemory: Bool = false) {
        self.raw = .allocate(capacity: 1)
        self.raw.initialize(
            to: luar_hook(
                // Registry references are never negative.
                function: function?.reference ?? -1,
                file: file,
                has_spare_memory: hasSpareMemory ? 1 : 0,
                is_held: 0,
                calls: 0
            )
        )
    }

    deinit { self.raw.deallocate() }

    /// What is called.
    public var function: LuaFunction {
        get { LuaFunction(reference: self.raw.pointee.function) }
        set { self.raw.pointee.function = newValue.reference }
    }

    /// The number of the script file that it belongs to.
    public var file: Int32 {
        get { self.raw.pointee.file }
        set { self.raw.pointee.file = newValue }
    }

    /// Whether ``LuaState/call(_:atMost:includingHeld:)`` stops before it, so that the host decides about each of its calls.
    public var isHeld: Bool {
        get { self.raw.pointee.is_held != 0 }
        set { self.raw.pointee.is_held = newValue ? 1 : 0 }
    }

    /// Calls so far, those that failed included.
    public var calls: Int { Int(self.raw.pointee.calls) }
}

/// Hooks in the order in which they are called, in memory that C reads.
public final class LuaHookList {
    private let hooks: [LuaHook]
    let raw: UnsafeMutablePointer<UnsafeMutablePointer<luar_hook>?>
    /// How many script files they belong to; at least 1.
    public let fileCount: Int

    /// Makes a list, which keeps the hooks alive.
    public init(_ hooks: [LuaHook]) {
        self.hooks = hooks
        self.fileCount = max(1, Set(hooks.map(\.file)).count)
        self.raw = .allocate(capacity: max(1, hooks.count))
        for (index, hook) in hooks.enumerated() { (self.raw + index).initialize(to: hook.raw) }
    }

    deinit { self.raw.deallocate() }

    /// How many hooks there are.
    public var count: Int { self.hooks.count }
}

/// Hooks that are being called in order, and how far that has come.
public struct LuaCalls {
    var raw = luar_calls()
    /// All of them.
    public let hooks: LuaHookList
    private let schema: LuaAnswerSchema?

    /// Prepares calls.
    ///
    /// - Parameters:
    ///   - hooks: What is called.
    ///   - schema: What the hooks may answer; nil if their answers are ignored.
    ///   - first: The first argument, if any. What arguments borrow must stay unchanged while hooks are called.
    ///   - second: The second argument, if any.
    public init(_ hooks: LuaHookList, schema: LuaAnswerSchema?, _ first: LuaValue? = nil, _ second: LuaValue? = nil) {
        self.hooks = hooks
        self.schema = schema
        self.raw.hooks = UnsafePointer(hooks.raw)
        self.raw.count = CInt(hooks.count)
        self.raw.schema = schema.map { UnsafePointer($0.raw) }
        self.raw.argument_count = second != nil ? 2 : first != nil ? 1 : 0
        if let first { first.write(to: &self.raw.arguments.0) }
        if let second { second.write(to: &self.raw.arguments.1) }
    }

    /// Gives the hooks that are still to be called another first argument.
    public mutating func setFirst(_ value: LuaValue) { value.write(to: &self.raw.arguments.0) }

    /// The hook that is called next, by its place among all.
    public var next: Int { Int(self.raw.next) }

    /// Whether the answers of the hooks are ignored.
    public var ignoresAnswers: Bool { self.schema == nil }

    /// Leaves out the hook that would be called next.
    public mutating func skip() { self.raw.next += 1 }
}

/// How far calling hooks came.
public enum LuaOutcome {
    /// As many were called as were to be, and none has answered anything but nil.
    case called
    /// The one before ``LuaCalls/next`` has answered this: borrowed until the next call or the end of the run.
    case answered(LuaValue)
    /// The next one is held, and was not called.
    case held
    /// The one before ``LuaCalls/next`` has failed.
    case failed(LuaError)
}

extension LuaState {
    /// Begins a run: opens the budget for all calls until the next run begins.
    ///
    /// All share the pool that ``LuaLimits/hooks`` is; beside that, each script file has its share of
    /// ``LuaLimits/reserve``, which its functions use first.
    ///
    /// - Parameter files: How many script files have hooks in the run.
    public func beginRun(files: Int = 1) {
        let parts = Int64(max(1, files))
        var budget = self.budget
        if parts > 1 {
            budget.reserve_cpu /= parts
            budget.reserve_instructions /= parts
        }
        luar_begin_run(self.state, &budget)
    }

    /// Ends a run: the last answer is given back to Lua.
    public func endRun() { luar_end_run(self.state) }

    /// Calls hooks in order until one answers something else than nil, fails or is held; called again, it goes on with the
    /// next one.
    ///
    /// No hook is called twice, and no error leaves it but as an outcome. Runs do not nest: it is not called from within a
    /// callback.
    ///
    /// - Parameters:
    ///   - calls: The hooks, and how far calling them came.
    ///   - count: How many are called at the most.
    ///   - includingHeld: Whether the first one is called although it is held.
    /// - Returns: How far that came.
    public func call(_ calls: inout LuaCalls, atMost count: Int = .max, includingHeld: Bool = false) -> LuaOutcome {
        let most = CInt(clamping: count)
        switch luar_call(self.state, &calls.raw, most, includingHeld ? 1 : 0) {
        case CInt(LUAR_ANSWERED): return .answered(withUnsafePointer(to: calls.raw.answer) { LuaValue($0) })
        case CInt(LUAR_HELD): return .held
        case CInt(LUAR_FAILED): return .failed(self.lastError)
        default: return .called
        }
    }
}
