// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// What one read of a client's bytes was cut into: texts as ranges of these bytes, and what lies between them, in order.
///
/// Reused from read to read. A decoder fills it, and ``Hub/receive(_:from:while:)`` takes from it.
public final class TextBatch {
    /// A part of a read.
    public enum Item: Equatable {
        /// A text.
        case text(Range<Int>)
        /// A text over the limit, which is skipped.
        case tooLong
        /// From here on texts to the client are wrapped in another way.
        case encodingChanged(WireEncoding)
    }

    /// The items, those that are taken among them.
    @exclusivity(unchecked) public private(set) var items: [Item] = []
    /// How many of them are taken.
    @exclusivity(unchecked) public private(set) var taken = 0
    /// The bytes that the items are ranges of; valid while the batch is passed on.
    @exclusivity(unchecked) public private(set) var bytes = UnsafeRawBufferPointer(start: nil, count: 0)

    /// Makes an empty batch.
    public init() {}

    /// Drops all items, and begins a batch of other bytes.
    public func reset(to bytes: UnsafeRawBufferPointer) {
        self.items.removeAll(keepingCapacity: true)
        self.taken = 0
        self.bytes = bytes
    }

    /// Adds an item behind those that are there.
    public func append(_ item: Item) { self.items.append(item) }

    /// Takes the next item; nil once all are taken.
    public func next() -> Item? {
        guard self.taken < self.items.count else { return nil }
        self.taken += 1
        return self.items[self.taken - 1]
    }

    /// Whether all items are taken.
    public var isUsedUp: Bool { self.taken == self.items.count }

    /// Drops the pointer to the bytes, whose memory is about to be reused.
    public func detach() { self.bytes = UnsafeRawBufferPointer(start: nil, count: 0) }
}
