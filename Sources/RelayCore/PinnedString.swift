// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// A short immutable text whose UTF-8 bytes stay at one address, so that Lua can copy them without a detour.
public final class PinnedString {
    /// The text.
    public let string: String
    /// Its UTF-8 bytes, valid as long as the label.
    public let bytes: UnsafeRawBufferPointer

    /// Makes a label.
    public init(_ string: String) {
        self.string = string
        let utf8 = Array(string.utf8)
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: utf8.count, alignment: 1)
        copy.copyBytes(from: utf8)
        self.bytes = UnsafeRawBufferPointer(copy)
    }

    deinit {
        self.bytes.deallocate()
    }
}
