// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import Logging
import RelayHooks
import RelayTransport
import TestSupport
import Testing

@testable import RelayHost

#if canImport(Glibc)
import Glibc
#endif

/// Each kind of file that a relay writes.
@Suite(.timeLimit(.minutes(15))) struct FileOwnershipTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// A folder with a file, a link to it, and a file that others may write to.
    private func withFiles(_ body: (_ link: String, _ shared: String) throws -> Void) throws {
        let folder = try TemporaryFolder(["target": "", "shared": ""])
        defer { folder.remove() }
        #expect(symlink(folder.path + "/target", folder.path + "/link") == 0)
        #expect(chmod(folder.path + "/shared", 0o666) == 0)
        try body(folder.path + "/link", folder.path + "/shared")
        #expect(FileManager.default.contents(atPath: folder.path + "/target") == Data())
        #expect(FileManager.default.contents(atPath: folder.path + "/shared") == Data())
    }

    @Test func `a recording goes neither through a link nor into a file that others may change`() throws {
        try self.withFiles { link, shared in
            #expect { try RecordingFile(link, self.logger) } throws: { "\($0)".contains("symbolic link") }
            #expect { try RecordingFile(shared, self.logger) } throws: { "\($0)".contains("chmod go-w") }
        }
    }

    @Test func `a capture goes neither through a link nor into a file that others may change`() throws {
        try self.withFiles { link, shared in
            for (path, reason) in [(link, "symbolic link"), (shared, "chmod go-w")] {
                #expect {
                    try PacketCapture(path: path, logger: self.logger)
                } throws: {
                    ($0 as? PacketCapture.Refusal)?.reason.contains(reason) == true
                }
            }
        }
    }

    @Test func `the data folder is refused where others may replace files in it`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let data = DataFolder(path: .success(folder.path))
        #expect(throws: Never.self) { try data.make("files") }
        #expect(chmod(folder.path, 0o777) == 0)
        #expect { try data.make("files") } throws: {
            ($0 as? DataFolder.Failure)?.reason.contains("chmod go-w") == true
        }
    }
}
