// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import TestSupport
import Testing

@testable import MailAlerts

#if canImport(Glibc)
import Glibc
#endif

/// A spool folder that other users can reach.
@Suite(.timeLimit(.minutes(15))) struct SpoolOwnershipTests {
    @Test func `a spool folder that others may write to is refused, with what to do`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        #expect(throws: Never.self) { _ = try SpoolFolder(folder.path) }
        #expect(chmod(folder.path, 0o777) == 0)
        #expect { _ = try SpoolFolder(folder.path) } throws: {
            ($0 as? MailError)?.reason.contains("chmod go-w") == true
        }
    }

    @Test func `a mail that others may write to is not read, and one that they may read is made private`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let spool = try SpoolFolder(folder.path)
        let path = folder.path + "/waiting/1.mail"
        try Data("text".utf8).write(to: URL(fileURLWithPath: path))
        #expect(chmod(path, 0o646) == 0)
        #expect { try spool.read("waiting/1.mail") } throws: {
            ($0 as? SpoolFolder.Failure)?.reason.contains("chmod go-w") == true
        }
        #expect(chmod(path, 0o644) == 0)
        #expect(try spool.read("waiting/1.mail") == Array("text".utf8))
        var information = stat()
        #expect(stat(path, &information) == 0 && information.st_mode & 0o7777 == 0o600)
    }
}
