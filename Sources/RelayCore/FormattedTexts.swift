// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// One message as it reads in each dialect that its recipients use.
///
/// Reused from message to message.
public final class FormattedTexts {
    @exclusivity(unchecked) private var entries: [(dialect: Dialect, range: Range<Int>?)] = []
    private let bytes = TickBuffer()

    /// Makes an empty set.
    public init() {}

    /// Empties the set.
    public func reset() {
        self.entries.removeAll(keepingCapacity: true)
        self.bytes.reset()
    }

    /// Sets the text of a dialect; copies it.
    public func set(_ text: UnsafeRawBufferPointer, for dialect: Dialect) {
        let start = self.bytes.count
        self.bytes.append(text)
        self.entries.append((dialect, start..<self.bytes.count))
    }

    /// Leaves those who use a dialect without the message.
    public func withhold(from dialect: Dialect) {
        self.entries.append((dialect, nil))
    }

    /// Whether a dialect was decided: has a text, or is to go without.
    public func has(_ dialect: Dialect) -> Bool {
        self.entries.contains { $0.dialect == dialect }
    }

    /// The dialects that have a text.
    public var dialects: [Dialect] { self.entries.compactMap { $0.range == nil ? nil : $0.dialect } }

    /// The text of a dialect, if it has one.
    ///
    /// Valid until the set changes.
    public subscript(dialect: Dialect) -> UnsafeRawBufferPointer? {
        for entry in self.entries where entry.dialect == dialect { return entry.range.map { self.bytes[$0] } }
        return nil
    }
}
