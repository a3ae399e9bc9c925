// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CLua

/// One sandboxed Lua state.
///
/// It belongs to one thread at a time, the one that runs its host; it is not `Sendable`.
///
/// The host defines types, fields and functions, seals them, loads scripts, and then calls hooks. No Lua error ever
/// leaves a method but as a ``LuaError``, and no Swift frame is jumped over: callbacks return codes and C raises.
public final class LuaState {
    /// How a field of an object behaves.
    public enum Access {
        case read
        case readWrite
        /// A host function called with a colon.
        case method
        /// A table of the scripts' own, made when first read.
        case data
    }

    /// The version of Lua, as in `5.4.4`.
    public static var version: String { String(cString: luar_lua_version()) }

    /// What the scripts may use.
    public let limits: LuaLimits
    private let bridge: LuaBridge
    let state: OpaquePointer
    /// The budget of a run whose functions belong to one file; durations are slow to take apart.
    let budget: luar_budget
    private var isSealed = false

    /// Opens a state for a host, which it does not keep alive.
    ///
    /// - Throws: ``LuaError`` of kind `memory` if the memory limit does not even hold the libraries.
    public init(limits: LuaLimits, host: any LuaHost) throws {
        self.limits = limits
        let (pool, reserve) = (limits.hooks, limits.reserve)
        self.budget = luar_budget(
            cpu: pool.cpuTime.inNanoseconds,
            instructions: pool.instructions,
            reserve_cpu: reserve.cpuTime.inNanoseconds,
            reserve_instructions: reserve.instructions
        )
        self.bridge = LuaBridge(host: host)
        guard let state = luar_open(self.bridge.callbacks, limits.memory) else {
            throw LuaError(
                kind: .memory,
                message: "the memory limit of \(limits.memory) bytes does not hold Lua itself"
            )
        }
        self.state = state
    }

    deinit {
        luar_close(self.state)
    }

    /// The CPU time of this thread so far, in nanoseconds.
    public static var cpuTime: Int64 { luar_cpu_now() }

    /// Bytes the state holds now.
    public var memory: Int { luar_memory(self.state) }

    /// Defines an object type.
    ///
    /// With `sameValue` one identity is always the same Lua value until ``forget(_:_:)``. With `keyed` it has no fields:
    /// whatever key a script uses, the host is asked for that entry.
    public func defineType(_ name: String, sameValue: Bool, keyed: Bool = false) throws -> LuaType {
        let flags = (sameValue ? LUAR_SAME_VALUE : 0) | (keyed ? LUAR_KEYED : 0)
        let number = luar_define_type(self.state, name, CInt(flags))
        guard number >= 0 else { throw self.lastError }
        return LuaType(number: number)
    }

    /// Defines a field, or a method with the number of a host function.
    ///
    /// - Parameters:
    ///   - name: What scripts call it.
    ///   - type: The type it belongs to.
    ///   - access: How it behaves.
    ///   - id: The number that the host knows it by.
    ///   - takesTrees: Whether a method's arguments may be tables within tables.
    ///   - slot: A slot, 1 to ``mostKept``, to keep the value in after the first read, until ``changed(_:_:)``.
    /// - Throws: ``LuaError`` of kind `memory`.
    public func defineField(
        _ name: String,
        of type: LuaType,
        _ access: Access,
        _ id: Int,
        takesTrees: Bool = false,
        keptIn slot: Int = 0
    ) throws {
        precondition((0...Self.mostKept).contains(slot) && (access == .method || !takesTrees))
        let code =
            switch access {
            case .read: LUAR_READ
            case .readWrite: LUAR_READ_WRITE
            case .method: LUAR_METHOD
            case .data: LUAR_DATA
            }
        // What a method takes, or where a field is kept.
        let mark = takesTrees ? LUAR_TAKES_TREES : slot
        try self.check(luar_define_field(self.state, type.number, name, CInt(code | mark << 8), CInt(id)))
    }

    /// Defines a host function under a dotted path.
    ///
    /// With `keepsFunctions` the first function argument arrives as a reference that the host owns unless it answers with a
    /// failure; with `takesTrees` tables within tables have their entries.
    public func defineFunction(_ path: String, _ id: Int, keepsFunctions: Bool = false, takesTrees: Bool = false) throws
    {
        let flags = (keepsFunctions ? LUAR_KEEPS_FUNCTIONS : 0) | (takesTrees ? LUAR_TAKES_TREES : 0)
        try self.check(luar_define_function(self.state, path, CInt(id), CInt(flags)))
    }

    /// Defines a constant under a dotted path.
    public func defineConstant(_ path: String, _ value: LuaValue) throws {
        var raw = luar_value()
        value.write(to: &raw)
        try self.check(luar_define_constant(self.state, path, &raw))
    }

    /// What this module brings for scripts beside Lua's own library.
    ///
    /// It works on Lua values without asking the host, on the budget of the script that calls it.
    public enum LibraryMember: Sendable, CaseIterable {
        /// A function: a JSON text's value, or nil and the reason why it is none.
        case jsonDecode
        /// A function: a value's JSON text.
        case jsonEncode
        /// The constant that stands for JSON's `null`.
        case jsonNull
        /// The constant that is encoded as `[]`, where an empty table is `{}`.
        case jsonEmptyArray

        fileprivate var number: CInt {
            switch self {
            case .jsonDecode: CInt(LUAR_JSON_DECODE)
            case .jsonEncode: CInt(LUAR_JSON_ENCODE)
            case .jsonNull: CInt(LUAR_JSON_NULL)
            case .jsonEmptyArray: CInt(LUAR_JSON_EMPTY_ARRAY)
            }
        }
    }

    /// Defines a library member under a dotted path, by which error texts call it, too.
    ///
    /// - Parameters:
    ///   - path: Where scripts find it.
    ///   - member: What they find.
    /// - Throws: ``LuaError`` of kind `memory`.
    public func defineLibrary(_ path: String, _ member: LibraryMember) throws {
        try self.check(luar_define_library(self.state, path, member.number))
    }

    /// Makes all that was defined read-only.
    ///
    /// Host function `missing` explains an unknown name: its arguments are the table's path and the name.
    public func seal(missing: Int) throws {
        precondition(!self.isSealed, "a state is sealed once")
        self.isSealed = true
        try self.check(luar_seal(self.state, CInt(missing)))
    }

    /// Opens the budget for loading; every ``load(_:)`` until the next run shares it.
    public func beginLoading() {
        self.begin(self.limits.loading)
    }

    /// Loads and runs a script by the name that `require` would use, unless it was loaded before.
    public func load(_ name: String) throws {
        var name = name
        let status = name.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { luar_require(self.state, $0.baseAddress, $0.count) }
        }
        try self.check(status)
    }

    /// Collects all garbage, on no script's budget: for the time after a function ran out of memory.
    ///
    /// It takes about 1.5 ms for each MiB that lives.
    public func collect() { luar_collect(self.state) }

    /// How many fields of one type may be kept.
    public static let mostKept = Int(LUAR_MOST_KEPT)

    /// Has scripts read an object's kept fields anew: what they say has changed.
    public func invalidate(_ type: LuaType, _ id: Int64) {
        luar_invalidate(self.state, type.number, id)
    }

    /// Drops the value kept for an object, so that Lua may collect it once no script holds it.
    public func forget(_ type: LuaType, _ id: Int64) {
        // The only failure is memory for the lookup, and then the value merely stays a little longer.
        _ = luar_forget(self.state, type.number, id)
    }

    /// Lets go of a function that the host kept; it must not be called any more.
    public func release(_ function: LuaFunction) {
        // The only failure is memory, and then the function merely stays.
        _ = luar_release(self.state, function.reference)
    }

    /// Whether a hook has called the host function now running.
    public func isRunning(_ hook: LuaHook) -> Bool { luar_running_hook(self.state) == UnsafePointer(hook.raw) }

    /// The script and line that called the host function now running.
    public var caller: (script: String, line: Int) {
        let line = Int(luar_caller_line(self.state))
        return (luar_caller_script(self.state).map { String(cString: $0) } ?? "", line)
    }

    private func begin(_ budget: LuaLimits.Budget) {
        luar_begin(self.state, budget.cpuTime.inNanoseconds, budget.instructions)
    }

    var lastError: LuaError {
        guard let failure = luar_last_failure(self.state) else {
            return LuaError(kind: .error, message: "unknown failure")
        }
        return LuaError(failure)
    }

    private func check(_ status: CInt) throws {
        guard status == CInt(LUAR_OK) else { throw self.lastError }
    }
}

extension Duration {
    fileprivate var inNanoseconds: Int64 {
        let (seconds, attoseconds) = self.components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
