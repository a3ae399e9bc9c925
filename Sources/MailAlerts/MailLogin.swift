// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// A user and a password, which no description shows.
public struct MailLogin: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The user.
    public let user: String
    let password: String

    /// Takes a login.
    ///
    /// - Parameters:
    ///   - user: The user.
    ///   - password: The password.
    public init(user: String, password: String) {
        self.user = user
        self.password = password
    }

    /// The user, without the password.
    public var description: String { "\(self.user):***" }
    /// The user, without the password.
    public var debugDescription: String { self.description }
    /// The user, without the password.
    public var customMirror: Mirror { Mirror(self, children: ["user": self.user]) }
}
