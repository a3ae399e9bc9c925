// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Why a relay did not start, in one line for the person who starts it.
public struct RelayError: Error, CustomStringConvertible {
    /// What is wrong, where, and what to do.
    public var description: String

    init(_ description: String) { self.description = description }
}
