// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// What is wrong with a value that somebody wrote, in words.
public struct MailRefusal: Error, Hashable, CustomStringConvertible {
    /// A short English sentence without its full stop.
    public var reason: String
    /// The reason.
    public var description: String { self.reason }

    init(_ reason: String) { self.reason = reason }
}

/// Why mail cannot be sent at all: what, where, and what to do.
public struct MailError: Error, Hashable, CustomStringConvertible {
    /// A short English sentence without its full stop.
    public var reason: String
    /// The reason.
    public var description: String { self.reason }

    init(_ reason: String) { self.reason = reason }
}
