// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation

/// What a spool folder holds, read without changing or locking it.
public struct SpoolListing: Sendable, Hashable {
    /// Where a mail is.
    public enum State: String, Sendable, Hashable {
        /// It is to be sent.
        case waiting
        /// It is kept and not tried again.
        case failed
    }

    /// A mail.
    public struct Mail: Sendable, Hashable {
        /// The name of its file, without the ending.
        public var id: String
        /// When it was made, in seconds since 1970.
        public var created: Double
        /// The mailbox that it goes to.
        public var recipient: String
        public var subject: String
        /// The labels of its draft, or of all mails in a digest.
        public var labels: [String]
        /// How many mails it stands for: 1, or those in a digest.
        public var count: Int
        /// Of its file, in bytes.
        public var size: Int
        public var state: State
        /// Why it was not sent, if that is known.
        public var lastError: String?
    }

    /// Oldest first, waiting ones before failed ones.
    public let mails: [Mail]

    /// Reads a folder.
    ///
    /// - Parameter folder: The spool folder.
    /// - Throws: Why it cannot be read.
    public init(_ folder: String) throws(MailError) { self.mails = [] }
}
