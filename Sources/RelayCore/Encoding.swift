// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// A way of formatting texts that clients can choose: `format` hooks are registered per dialect.
public struct Dialect: Sendable, Hashable {
    /// The dialect's number in its hub.
    public let index: Int

    /// The dialect of clients that chose none.
    public static let plain = Dialect(index: 0)
}

/// What makes the bytes of one text differ between recipients.
struct Encoding: Hashable {
    var dialect: Dialect
    var wire: WireEncoding
}
