// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// A name that is compared byte by byte, as Lua compares strings.
///
/// Swift takes texts for equal that Unicode calls canonically equivalent: `é` in one character is `e` with an accent in two. A
/// script that guards a room compares bytes, so whoever enters the room by its other spelling must be in another room. Every
/// table whose keys come from scripts or clients has keys of this type.
public struct ExactString: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The text.
    public let text: String

    /// Makes a name of a text.
    public init(_ text: String) { self.text = text }

    /// Makes a name of a text.
    public init(stringLiteral text: String) { self.text = text }

    /// The text.
    public var description: String { self.text }

    /// Whether both have the same UTF-8 bytes.
    public static func == (left: Self, right: Self) -> Bool { left.text.isExactly(right.text) }

    /// Takes the UTF-8 bytes.
    public func hash(into hasher: inout Hasher) {
        var text = self.text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(0xFF as UInt8)
    }
}

extension String {
    /// Whether both have the same UTF-8 bytes; `==` also takes canonically equivalent texts for equal.
    public func isExactly(_ other: String) -> Bool { self.utf8.elementsEqual(other.utf8) }
}
