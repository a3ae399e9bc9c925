// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Bytes that collect and are dropped together.
///
/// Keeps its memory for the next time, within bounds.
public final class TickBuffer {
    @exclusivity(unchecked) private var storage = UnsafeMutableRawBufferPointer.allocate(
        byteCount: 4_096,
        alignment: 16
    )
    /// The number of its bytes among those of a tick that ends.
    @exclusivity(unchecked) var source = 0
    /// Bytes written since the last ``reset()``.
    @exclusivity(unchecked) public private(set) var count = 0

    /// Makes an empty buffer.
    public init() {}

    /// Memory kept between ticks at the most; a tick with more gives it back.
    private static let keptBytes = 1 << 20

    deinit {
        self.storage.deallocate()
    }

    /// Appends bytes as they are.
    public func append(_ bytes: UnsafeRawBufferPointer) {
        self.makeRoom(for: bytes.count)
        UnsafeMutableRawBufferPointer(rebasing: self.storage[self.count...]).copyMemory(from: bytes)
        self.count += bytes.count
    }

    /// Makes room for bytes behind those that are here, and returns it: write them there, then call ``commit(_:)``.
    ///
    /// Valid until the next call.
    public func reserve(_ count: Int) -> UnsafeMutableRawBufferPointer {
        self.makeRoom(for: count)
        return UnsafeMutableRawBufferPointer(rebasing: self.storage[self.count..<self.count + count])
    }

    /// Appends the first bytes of what ``reserve(_:)`` returned.
    public func commit(_ count: Int) {
        precondition(count >= 0 && count <= self.storage.count - self.count)
        self.count += count
    }

    /// The bytes in a range.
    ///
    /// Valid until the next append or reset.
    public subscript(range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(self.storage)[range])
    }

    /// Empties the buffer.
    public func reset() {
        self.count = 0
        if self.storage.count > Self.keptBytes {
            self.storage.deallocate()
            self.storage = .allocate(byteCount: 4_096, alignment: 16)
        }
    }

    private func makeRoom(for more: Int) {
        guard self.count + more > self.storage.count else { return }
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(self.count + more, 2 * self.storage.count),
            alignment: 16
        )
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: self.storage[..<self.count]))
        self.storage.deallocate()
        self.storage = larger
    }
}
