// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CLua

/// What a state asks of the program around it.
///
/// All calls come on the thread that runs the state, from inside Lua.
public protocol LuaHost: AnyObject {
    /// Reads a field of an object.
    func get(_ field: Int, of object: LuaObject) -> LuaResult
    /// Explains a field that a type does not have.
    func explain(missing key: LuaValue, in type: LuaType) -> String
    /// Assigns a field, or refuses to, also where it was defined for reading only; returns an error text, or nil when it
    /// is done.
    func set(_ field: Int, of object: LuaObject, to value: LuaValue) -> String?
    /// Reads an entry of a keyed object.
    func entry(_ key: LuaValue, of object: LuaObject) -> LuaResult
    /// Writes an entry of a keyed object, or removes it where the value is nil; returns an error text, or nil when it is
    /// done.
    func setEntry(_ key: LuaValue, of object: LuaObject, to value: LuaValue) -> String?
    /// How many entries a keyed object has.
    func entryCount(of object: LuaObject) -> Int
    /// What handing out the entries of a keyed object will cost, one for about 8 ns: charged to the script before it is done.
    func listingCost(of object: LuaObject) -> Int
    /// Hands out the entries of a keyed object, in the order in which `pairs` goes through them; what `add` gets is borrowed
    /// for that call.
    func listEntries(of object: LuaObject, _ add: (_ key: LuaValue, _ value: LuaValue) -> Void)
    /// Calls a host function; a method gets its object as the first argument.
    func call(_ function: Int, _ arguments: LuaArguments) -> LuaResult
    /// What is wrong with a record, or with a string that may have a level, that the last function answered; nil takes it.
    func refusal(of answer: LuaValue) -> String?
    /// Finds the script that `require(name)` means.
    func find(_ name: String) -> Result<LuaSource, LuaSource.Missing>
}

/// A host without keyed types need not say so.
extension LuaHost {
    /// No entry.
    public func entry(_ key: LuaValue, of object: LuaObject) -> LuaResult { .value(.nil) }
    /// A refusal.
    public func setEntry(_ key: LuaValue, of object: LuaObject, to value: LuaValue) -> String? { "read-only" }
    /// None.
    public func entryCount(of object: LuaObject) -> Int { 0 }
    /// Nothing.
    public func listingCost(of object: LuaObject) -> Int { 0 }
    /// None.
    public func listEntries(of object: LuaObject, _ add: (_ key: LuaValue, _ value: LuaValue) -> Void) {}
}

/// What a host function answers.
public enum LuaResult {
    /// A value; bytes it points to must stay alive until the next call into the host.
    case value(LuaValue)
    /// A text made for this answer.
    case text(String)
    /// A string made for this answer, of any bytes.
    case bytes([UInt8])
    /// An object with bytes made for this answer.
    case object(LuaType, Int64, payload: [UInt8])
    /// A table of objects of one type.
    case objects(LuaType, [Int64])
    /// A read-only table; the host explains names that it does not have, for which it is called by this name.
    case record(name: String, [String: LuaData])
    /// A table of the script's own.
    case table(LuaData)
    /// The argument at an index, unchanged: saves making a string again.
    case argument(Int)
    /// An error, raised in the calling script with its file and line.
    case failure(String)
}

/// The arguments of a host function.
///
/// A missing one reads as `.nil`.
public struct LuaArguments {
    let base: UnsafePointer<luar_value>?
    /// How many there are.
    public let count: Int

    /// The argument at an index, from 0.
    public subscript(index: Int) -> LuaValue {
        guard let base, index < self.count else { return .nil }
        return LuaValue(base + index)
    }
}

/// A script's source.
public struct LuaSource: Sendable, Equatable {
    /// Why a script was not found, as a text for the script that asked.
    public struct Missing: Error {
        /// What is wrong, and what there is instead.
        public var reason: String

        /// Makes an explanation.
        public init(reason: String) { self.reason = reason }
    }

    /// What tells files apart: one key is loaded once.
    public var key: String
    /// What error texts and tracebacks call it.
    public var name: String
    /// The Lua text.
    public var text: [UInt8]

    /// Makes a source.
    public init(key: String, name: String, text: [UInt8]) {
        self.key = key
        self.name = name
        self.text = text
    }
}
