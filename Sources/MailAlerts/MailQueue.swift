// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Sends mail: keeps every mail on disk until the server has taken it.
public final class MailQueue: Sendable {
    /// Opens a spool folder.
    public init(_ settings: MailSettings, onEvent: @escaping @Sendable (MailEvent) -> Void) throws(MailError) {}
    /// Begins to write and to deliver.
    public func start() {}
    /// Takes a mail; never waits.
    public func add(_ draft: MailDraft) {}
    /// Ends.
    public func stop() {}
    /// Mails that wait.
    public var waiting: Int { 0 }
}
