// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CLua

typealias RawValue = luar_value

/// What handlers may answer beside nil.
public struct LuaAnswerShape: Sendable {
    /// One kind of accepted value.
    public enum Accepted: Sendable {
        case bytes
        case list
        /// A table with names, which the host judges (`LuaHost.refusal(of:)`); not beside a list.
        case record
        case object(LuaType)
    }

    let event: StaticString
    let expected: StaticString
    let mask: CInt
    let acceptsFalse: Bool
    let takesReason: Bool
    let highestLevel: Int
    let acceptsRecord: Bool
    let objectType: CInt
    let longest: Int

    /// Describes an answer.
    ///
    /// - Parameters:
    ///   - event: What the event is called in error texts.
    ///   - accepted: The kinds accepted beside nil.
    ///   - acceptsFalse: Whether `false` is an answer.
    ///   - takesReason: Whether a string may stand behind `false`, for the reason.
    ///   - highestLevel: With more than 0, an integer up to it may stand behind a string.
    ///   - longest: The most bytes that a string, or a list of strings in all, may have.
    ///   - expected: The accepted kinds in words, for error texts.
    public init(
        event: StaticString,
        accepted: [Accepted],
        acceptsFalse: Bool,
        takesReason: Bool = false,
        highestLevel: Int = 0,
        longest: Int,
        expected: StaticString
    ) {
        self.event = event
        self.expected = expected
        self.acceptsFalse = acceptsFalse
        self.takesReason = takesReason
        self.highestLevel = highestLevel
        self.longest = longest
        var mask: CInt = 0
        var objectType: CInt = -1
        var acceptsRecord = false
        for kind in accepted {
            switch kind {
            case .bytes: mask |= 1 << CInt(LUAR_STRING)
            case .list: mask |= 1 << CInt(LUAR_TABLE)
            case .record:
                mask |= 1 << CInt(LUAR_TABLE)
                acceptsRecord = true
            case .object(let type):
                mask |= 1 << CInt(LUAR_OBJECT)
                objectType = type.number
            }
        }
        self.mask = mask
        self.objectType = objectType
        self.acceptsRecord = acceptsRecord
    }
}

/// A function to call next, with its arguments.
public struct LuaStep {
    var function: LuaFunction
    var answer: LuaAnswerShape?
    var arguments: (LuaValue, LuaValue)
    var argumentCount: CInt
    var file: CInt
    var hasSpareMemory: Bool

    /// Makes a step.
    ///
    /// - Parameters:
    ///   - function: What to call.
    ///   - file: The number of the script file that it belongs to, from 0: whose share of the reserve it uses.
    ///   - hasSpareMemory: Whether it may have a sixteenth more memory than the limit, and is called also where what the
    ///     scripts hold leaves hardly any.
    ///   - answer: What it may answer; nil if the answer is ignored.
    ///   - first: The first argument, if any.
    ///   - second: The second argument, if any.
    public init(
        _ function: LuaFunction,
        file: Int32 = 0,
        hasSpareMemory: Bool = false,
        answer: LuaAnswerShape?,
        _ first: LuaValue? = nil,
        _ second: LuaValue? = nil
    ) {
        self.function = function
        self.file = file
        self.hasSpareMemory = hasSpareMemory
        self.answer = answer
        self.arguments = (first ?? .nil, second ?? .nil)
        self.argumentCount = second != nil ? 2 : first != nil ? 1 : 0
    }

    func write(to raw: UnsafeMutablePointer<luar_step>) {
        raw.pointee.handler = self.function.reference
        raw.pointee.file = self.file
        raw.pointee.has_spare_memory = self.hasSpareMemory ? 1 : 0
        if let shape = self.answer {
            raw.pointee.ignores_answer = 0
            raw.pointee.accepts = shape.mask
            raw.pointee.accepts_false = shape.acceptsFalse ? 1 : 0
            raw.pointee.takes_reason = shape.takesReason ? 1 : 0
            raw.pointee.highest_level = CInt(shape.highestLevel)
            raw.pointee.accepts_record = shape.acceptsRecord ? 1 : 0
            raw.pointee.object_type = shape.objectType
            raw.pointee.longest = shape.longest
            raw.pointee.event = UnsafeRawPointer(shape.event.utf8Start).assumingMemoryBound(to: CChar.self)
            raw.pointee.expected = UnsafeRawPointer(shape.expected.utf8Start).assumingMemoryBound(to: CChar.self)
        } else {
            raw.pointee.ignores_answer = 1
        }
        raw.pointee.argument_count = self.argumentCount
        if self.argumentCount > 0 { self.arguments.0.write(to: raw.pointer(to: \.arguments.0)) }
        if self.argumentCount > 1 { self.arguments.1.write(to: raw.pointer(to: \.arguments.1)) }
    }
}

extension UnsafeMutablePointer {
    /// The address of a stored field.
    func pointer<Field>(to path: WritableKeyPath<Pointee, Field>) -> UnsafeMutablePointer<Field> {
        guard let offset = MemoryLayout<Pointee>.offset(of: path) else {
            preconditionFailure("a field of a C structure has an offset")
        }
        return UnsafeMutableRawPointer(self).advanced(by: offset).assumingMemoryBound(to: Field.self)
    }
}
