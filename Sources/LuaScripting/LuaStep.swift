// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CLua

typealias RawValue = luar_value

/// A list of functions to run for one event, in order. Immutable; its memory lives as long as the list.
public final class LuaFunctionList {
    let references: UnsafeMutablePointer<Int32>
    /// How many functions it holds.
    public let count: Int

    /// Makes a list.
    public init(_ functions: [LuaFunction]) {
        self.count = functions.count
        self.references = .allocate(capacity: max(1, functions.count))
        for (index, function) in functions.enumerated() {
            self.references[index] = function.reference
        }
    }

    deinit {
        self.references.deallocate()
    }
}

/// What handlers may answer beside nil.
public struct LuaAnswerShape: Sendable {
    /// One kind of accepted value.
    public enum Accepted: Sendable {
        case bytes
        case list
        case object(LuaType)
    }

    let event: StaticString
    let expected: StaticString
    let mask: CInt
    let acceptsFalse: Bool
    let objectType: CInt
    let longest: Int

    /// Describes an answer.
    ///
    /// - Parameters:
    ///   - event: What the event is called in error texts.
    ///   - accepted: The kinds accepted beside nil.
    ///   - acceptsFalse: Whether `false` is an answer.
    ///   - longest: The most bytes that a string, or a list of strings in all, may have.
    ///   - expected: The accepted kinds in words, for error texts.
    public init(
        event: StaticString,
        accepted: [Accepted],
        acceptsFalse: Bool,
        longest: Int,
        expected: StaticString
    ) {
        self.event = event
        self.expected = expected
        self.acceptsFalse = acceptsFalse
        self.longest = longest
        var mask: CInt = 0
        var objectType: CInt = -1
        for kind in accepted {
            switch kind {
            case .bytes: mask |= 1 << CInt(LUAR_STRING)
            case .list: mask |= 1 << CInt(LUAR_TABLE)
            case .object(let type):
                mask |= 1 << CInt(LUAR_OBJECT)
                objectType = type.number
            }
        }
        self.mask = mask
        self.objectType = objectType
    }
}

/// Functions to run next, with their arguments.
public struct LuaStep {
    /// What becomes of the functions' answers.
    public enum Kind {
        /// All functions run; answers are ignored.
        case notice
        /// The first answer that is not nil ends the step and goes to the host.
        case question(LuaAnswerShape)
    }

    var functions: LuaFunctionList
    var range: Range<Int>
    var kind: Kind
    var first: LuaValue
    var second: LuaValue?

    /// Makes a step.
    ///
    /// - Parameters:
    ///   - functions: The list to take functions from; the host keeps it alive until the step is over.
    ///   - range: Which of the list to run.
    ///   - kind: What becomes of the answers.
    ///   - first: The first argument.
    ///   - second: The second argument, if any.
    public init(
        _ functions: LuaFunctionList,
        range: Range<Int>,
        kind: Kind,
        _ first: LuaValue,
        _ second: LuaValue? = nil
    ) {
        precondition(range.lowerBound >= 0 && range.upperBound <= functions.count)
        self.functions = functions
        self.range = range
        self.kind = kind
        self.first = first
        self.second = second
    }

    func write(to raw: UnsafeMutablePointer<luar_step>) {
        raw.pointee.handlers = UnsafePointer(self.functions.references + self.range.lowerBound)
        raw.pointee.handler_count = CInt(self.range.count)
        switch self.kind {
        case .notice:
            raw.pointee.is_notice = 1
        case .question(let shape):
            raw.pointee.is_notice = 0
            raw.pointee.accepts = shape.mask
            raw.pointee.accepts_false = shape.acceptsFalse ? 1 : 0
            raw.pointee.object_type = shape.objectType
            raw.pointee.longest = shape.longest
            raw.pointee.event = UnsafeRawPointer(shape.event.utf8Start).assumingMemoryBound(to: CChar.self)
            raw.pointee.expected = UnsafeRawPointer(shape.expected.utf8Start).assumingMemoryBound(to: CChar.self)
        }
        raw.pointee.argument_count = self.second == nil ? 1 : 2
        self.first.write(to: raw.pointer(to: \.arguments.0))
        self.second?.write(to: raw.pointer(to: \.arguments.1))
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
