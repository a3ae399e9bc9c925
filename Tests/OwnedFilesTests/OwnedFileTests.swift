// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import TestSupport
import Testing

@testable import OwnedFiles

#if canImport(Glibc)
import Glibc
#endif

@Suite(.timeLimit(.minutes(15))) struct OwnedFileTests {
    private let folder = try? TemporaryFolder([:])

    private func path(_ name: String) throws -> String { try #require(self.folder).path + "/" + name }

    private func make(_ name: String, mode: mode_t) throws -> String {
        let path = try self.path(name)
        #expect(FileManager.default.createFile(atPath: path, contents: Data("old".utf8)))
        #expect(chmod(path, mode) == 0)
        return path
    }

    private func mode(_ path: String) -> mode_t {
        var information = stat()
        return lstat(path, &information) == 0 ? information.st_mode & 0o7777 : 0
    }

    private func refusal(
        _ path: String,
        _ flags: CInt = O_WRONLY | O_CREAT,
        _ privacy: OwnedFile.Privacy = .owner,
        _ kind: OwnedFile.Kind = .file
    ) -> String? {
        do {
            close(try OwnedFile.open(path, flags, privacy: privacy, kind: kind))
            return nil
        } catch {
            return error.reason
        }
    }

    @Test func `makes a file that only its owner may read`() throws {
        let path = try self.path("new")
        #expect(self.refusal(path) == nil)
        #expect(self.mode(path) == 0o600)
    }

    @Test(arguments: [0o620, 0o602, 0o666, 0o664] as [mode_t])
    func `refuses a file that others may write to, and says how to change that`(mode: mode_t) throws {
        let path = try self.make("shared", mode: mode)
        for privacy in [OwnedFile.Privacy.owner, .asItIs] {
            let reason = try #require(self.refusal(path, O_WRONLY, privacy))
            #expect(reason.contains("mode 0\(String(mode, radix: 8))"))
            #expect(reason.contains("chmod go-w"))
        }
        #expect(self.mode(path) == mode)
    }

    @Test func `takes read access away from others where the contents are private, and nowhere else`() throws {
        let path = try self.make("readable", mode: 0o644)
        #expect(self.refusal(path, O_WRONLY, .asItIs) == nil)
        #expect(self.mode(path) == 0o644)
        #expect(self.refusal(path, O_WRONLY, .owner) == nil)
        #expect(self.mode(path) == 0o600)
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give a file away"))
    func `refuses a file of another user`() throws {
        let path = try self.make("theirs", mode: 0o600)
        #expect(chown(path, 4_321, 4_321) == 0)
        #expect(try #require(self.refusal(path)).contains("uid 4321"))
    }

    @Test func `refuses a link, and leaves what it leads to alone`() throws {
        let (target, link) = (try self.make("target", mode: 0o644), try self.path("link"))
        #expect(symlink(target, link) == 0)
        #expect(try #require(self.refusal(link, O_WRONLY | O_TRUNC)).contains("symbolic link"))
        #expect(FileManager.default.contents(atPath: target) == Data("old".utf8))
        #expect(self.mode(target) == 0o644)
    }

    @Test func `a named pipe is neither waited for nor taken for a file`() throws {
        let path = try self.path("pipe")
        #expect(mkfifo(path, 0o600) == 0)
        // Nobody reads.
        #expect(self.refusal(path, O_WRONLY, .owner, .output) != nil)
        let reader = open(path, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        #expect(self.refusal(path, O_WRONLY, .owner, .output) == nil)
        #expect(try #require(self.refusal(path, O_WRONLY)).contains("regular file"))
    }

    @Test func `devices and the standard streams are outputs`() throws {
        #expect(self.refusal("/dev/null", O_WRONLY, .owner, .output) == nil)
        #expect(self.refusal("/dev/stdout", O_WRONLY, .owner, .output) == nil)
        #expect(self.refusal("/dev/fd/2", O_WRONLY, .owner, .output) == nil)
        #expect(self.refusal("/dev/fd/x", O_WRONLY, .owner, .output) != nil)
        #expect(self.refusal("/dev/null", O_WRONLY) != nil)
        #expect(self.refusal("/dev/stdout", O_WRONLY) != nil)
    }

    @Test func `a folder that others may write to is refused unless it is sticky`() throws {
        let path = try self.path("folder")
        #expect(mkdir(path, 0o700) == 0)
        #expect(throws: Never.self) { try OwnedFile.checkFolder(path) }
        #expect(chmod(path, 0o777) == 0)
        #expect(throws: OwnershipProblem.self) { try OwnedFile.checkFolder(path) }
        #expect(chmod(path, 0o1777) == 0)
        #expect(throws: Never.self) { try OwnedFile.checkFolder(path) }
        #expect(throws: OwnershipProblem.self) { try OwnedFile.checkFolder(try self.make("file", mode: 0o600)) }
    }
}
