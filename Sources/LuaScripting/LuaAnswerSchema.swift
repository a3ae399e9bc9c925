// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CLua

/// What functions may answer beside nil.
///
/// In memory that C reads. Unchecked because that does not change once it is made.
public final class LuaAnswerSchema: @unchecked Sendable {
    /// One kind of accepted value.
    public enum Accepted: Sendable {
        case bytes
        case list
        /// A table with names, which the host judges (`LuaHost.refusal(of:)`); not beside a list.
        case record
        case object(LuaType)
    }

    let raw: UnsafeMutablePointer<luar_schema>

    /// Describes an answer.
    ///
    /// - Parameters:
    ///   - event: What the event is called in error texts.
    ///   - accepted: The kinds accepted beside nil.
    ///   - acceptsFalse: Whether `false` is an answer.
    ///   - takesReason: Whether a string may follow `false`, for the reason.
    ///   - highestLevel: With more than 0, an integer up to it may follow a string.
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
        var schema = luar_schema()
        schema.accepts_false = acceptsFalse ? 1 : 0
        schema.takes_reason = takesReason ? 1 : 0
        schema.highest_level = CInt(highestLevel)
        schema.object_type = -1
        schema.longest = longest
        schema.event = UnsafeRawPointer(event.utf8Start).assumingMemoryBound(to: CChar.self)
        schema.expected = UnsafeRawPointer(expected.utf8Start).assumingMemoryBound(to: CChar.self)
        for kind in accepted {
            switch kind {
            case .bytes: schema.accepts |= 1 << CInt(LUAR_STRING)
            case .list: schema.accepts |= 1 << CInt(LUAR_TABLE)
            case .record:
                schema.accepts |= 1 << CInt(LUAR_TABLE)
                schema.accepts_record = 1
            case .object(let type):
                schema.accepts |= 1 << CInt(LUAR_OBJECT)
                schema.object_type = type.number
            }
        }
        self.raw = .allocate(capacity: 1)
        self.raw.initialize(to: schema)
    }

    deinit { self.raw.deallocate() }
}
