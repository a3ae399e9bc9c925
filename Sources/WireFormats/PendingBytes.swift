// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// The bytes of a connection that are not cut into texts yet: those of the read itself while they need not be kept, else
/// a copy.
struct PendingBytes {
    /// The read that is being cut; then nothing is copied.
    private var borrowed: UnsafeRawBufferPointer?
    /// What earlier reads left, and where the first byte is that was not taken.
    private var kept: [UInt8] = []
    private var position = 0

    /// How many there are.
    var count: Int { (self.borrowed?.count ?? self.kept.count) - self.position }

    /// Memory that is kept between reads.
    var capacity: Int { self.kept.capacity }

    /// Adds the bytes of a read, which must stay as they are until ``keepRest()``.
    mutating func begin(_ bytes: UnsafeRawBufferPointer) {
        precondition(self.borrowed == nil, "the read before was not ended")
        guard self.count == 0 else {
            // What was taken is given back, but not before it is half: so copying stays in proportion.
            if self.position > self.count {
                self.kept.removeFirst(self.position)
                self.position = 0
            }
            self.kept.append(contentsOf: bytes)
            return
        }
        self.borrowed = bytes
        self.position = 0
    }

    /// Copies what is left of the read, whose memory the caller may use again then.
    ///
    /// It keeps little more memory than is left: thousands of clients may each have begun a text.
    mutating func keepRest() {
        if let borrowed = self.borrowed {
            self.borrowed = nil
            self.kept = Array(borrowed[self.position...])
        } else if self.kept.capacity > 2 * self.count + 64 {
            self.kept = Array(self.kept[self.position...])
        } else {
            return
        }
        self.position = 0
    }

    /// Drops the first bytes.
    mutating func drop(_ count: Int) {
        precondition(count >= 0 && count <= self.count)
        self.position += count
    }

    /// Drops all bytes, and the memory that they were kept in.
    mutating func dropAll() {
        self.borrowed = nil
        self.kept = []
        self.position = 0
    }

    /// Passes the bytes to a function, which must not keep them.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        if let borrowed = self.borrowed { return body(UnsafeRawBufferPointer(rebasing: borrowed[self.position...])) }
        return self.kept.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[self.position...])) }
    }
}
