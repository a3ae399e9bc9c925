// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Why a relay did not start, in one line for the person who starts it.
public struct RelayError: Error, CustomStringConvertible {
    /// What is wrong, where, and what to do.
    public var description: String

    /// Whether it says that the relay's state does not allow a call.
    let isRefusal: Bool

    init(_ description: String, isRefusal: Bool = false) {
        self.description = description
        self.isRefusal = isRefusal
    }
}
