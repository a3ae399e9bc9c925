// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CLua

/// An object type that a host defined, by its number.
public struct LuaType: Sendable, Hashable {
    let number: CInt
}

/// A host object as Lua holds it: a type, an identity within it, and bytes that go with it.
public struct LuaObject {
    /// What kind of object it is.
    public var type: LuaType
    /// Which one it is; the host gives the meaning.
    public var id: Int64
    /// Bytes stored with the object, copied by Lua when it takes the object over.
    ///
    /// Borrowed.
    public var payload: UnsafeRawBufferPointer

    /// Makes an object for Lua.
    public init(type: LuaType, id: Int64, payload: UnsafeRawBufferPointer = .init(start: nil, count: 0)) {
        self.type = type
        self.id = id
        self.payload = payload
    }
}

/// A Lua function that the host keeps, by reference.
public struct LuaFunction: Sendable, Hashable {
    let reference: Int32
}

/// One Lua value seen from Swift.
///
/// Bytes, tables and payloads are borrowed: they are valid until the callback that received them returns.
public enum LuaValue {
    /// Lua's nil, also an argument that is missing.
    case `nil`
    /// true or false.
    case boolean(Bool)
    /// false with a reason behind it, as an answer.
    case refusal(UnsafeRawBufferPointer)
    /// A number of Lua's integer subtype.
    case integer(Int64)
    /// Any other number.
    case number(Double)
    /// A string: any bytes, text or not.
    case bytes(UnsafeRawBufferPointer)
    /// A string and the level behind it, as an answer.
    case leveled(UnsafeRawBufferPointer, level: Int)
    /// A host object.
    case object(LuaObject)
    /// A function; kept by the host where the host function was defined so.
    case function(LuaFunction)
    /// A table's entries.
    case table(LuaTable)
    /// A value that no host function takes.
    case other

    /// What Lua calls values of this kind, for error texts.
    public var typeName: String {
        switch self {
        case .nil: "nil"
        case .boolean, .refusal: "boolean"
        case .integer, .number: "number"
        case .bytes, .leveled: "string"
        case .object: "object"
        case .function: "function"
        case .table: "table"
        case .other: "coroutine"
        }
    }

    /// The kind with its article, for error texts: `a string`, `an object`, `nil`.
    public var described: String {
        switch self {
        case .nil: "nil"
        case .object: "an object"
        default: "a \(self.typeName)"
        }
    }

    /// The most bytes that ``text`` decodes.
    public static let longestText = 1_024

    /// A name or another short text: a string's bytes, with U+FFFD for what is not UTF-8; nil for other kinds.
    ///
    /// Of a string of more than ``longestText`` bytes it is the beginning, with an ellipsis: decoding all of what a script
    /// gives, to show in an error text that it is no name, would take as long as the script wants.
    public var text: String? {
        guard case .bytes(let bytes) = self else { return nil }
        guard bytes.count > Self.longestText else { return String(decoding: bytes, as: UTF8.self) }
        return String(decoding: bytes.prefix(Self.longestText), as: UTF8.self) + "…"
    }

    /// A string's bytes as text, with U+FFFD for what is not UTF-8; nil for other kinds, and for more than `limit` bytes.
    public func text(upTo limit: Int) -> String? {
        guard case .bytes(let bytes) = self, bytes.count <= limit else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// The entries of a table, in no particular order; tables in it have theirs where the host takes trees.
///
/// Borrowed like the value it came from.
public struct LuaTable {
    let entries: UnsafePointer<luar_value>?
    let pairs: Bool
    /// How many entries there are.
    public let count: Int

    /// The key of an entry (for a list the same as the value) and its value.
    public func entry(_ index: Int) -> (key: LuaValue, value: LuaValue) {
        guard let entries, index < self.count else { return (.nil, .nil) }
        let position = self.pairs ? 2 * index : index
        return (LuaValue(entries + position), LuaValue(entries + position + (self.pairs ? 1 : 0)))
    }
}

extension LuaValue {
    init(_ value: UnsafePointer<luar_value>) {
        let raw = value.pointee
        switch Int(raw.type) {
        case LUAR_BOOLEAN where raw.bytes != nil: self = .refusal(.init(start: raw.bytes, count: raw.count))
        case LUAR_BOOLEAN: self = .boolean(raw.integer != 0)
        case LUAR_INTEGER: self = .integer(raw.integer)
        case LUAR_NUMBER: self = .number(raw.number)
        case LUAR_STRING where raw.object_type == CInt(LUAR_LEVELED):
            self = .leveled(.init(start: raw.bytes, count: raw.count), level: Int(raw.integer))
        case LUAR_STRING: self = .bytes(.init(start: raw.bytes, count: raw.count))
        case LUAR_OBJECT:
            self = .object(
                LuaObject(
                    type: LuaType(number: raw.object_type),
                    id: raw.integer,
                    payload: .init(start: raw.bytes, count: raw.bytes == nil ? 0 : raw.count)
                )
            )
        case LUAR_FUNCTION: self = .function(LuaFunction(reference: Int32(truncatingIfNeeded: raw.integer)))
        case LUAR_TABLE:
            let isList = raw.object_type == CInt(LUAR_LISTED)
            self = .table(LuaTable(entries: raw.entries, pairs: !isList, count: raw.count))
        case LUAR_NIL: self = .nil
        default: self = .other
        }
    }

    func write(to raw: UnsafeMutablePointer<luar_value>) {
        switch self {
        case .nil, .function, .table, .refusal, .leveled, .other: raw.pointee.type = CInt(LUAR_NIL)
        case .boolean(let flag):
            raw.pointee.type = CInt(LUAR_BOOLEAN)
            raw.pointee.integer = flag ? 1 : 0
        case .integer(let integer):
            raw.pointee.type = CInt(LUAR_INTEGER)
            raw.pointee.integer = integer
        case .number(let number):
            raw.pointee.type = CInt(LUAR_NUMBER)
            raw.pointee.number = number
        case .bytes(let bytes):
            raw.pointee.type = CInt(LUAR_STRING)
            raw.pointee.bytes = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            raw.pointee.count = bytes.count
        case .object(let object):
            raw.pointee.type = CInt(LUAR_OBJECT)
            raw.pointee.object_type = object.type.number
            raw.pointee.integer = object.id
            raw.pointee.bytes = object.payload.baseAddress?.assumingMemoryBound(to: CChar.self)
            raw.pointee.count = object.payload.count
        }
    }
}
