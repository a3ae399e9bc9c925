// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import HostSettings
import NIOPosix
import TestSupport
import Testing

@testable import RelayHost

#if canImport(Glibc)
import Glibc
#endif

@Suite(.timeLimit(.minutes(15))) struct ControlSocketTests {
    /// Listens at a path, as a program that knows nothing of locks.
    private func listen(_ path: String) -> CInt {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0 && Glibc.listen(descriptor, 4) == 0)
        return descriptor
    }

    private func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    @Test func `a folder that is not ours alone is passed over for the one with the user's states`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let (runtime, state) = (folder.path + "/r", folder.path + "/s")
        #expect(mkdir(runtime, 0o700) == 0)
        let environment = ["XDG_RUNTIME_DIR": runtime, "XDG_STATE_HOME": state]
        let name = "\(getpid()).sock"
        let both = ["\(runtime)/luar/\(name)", "\(state)/luar/control/\(name)"]
        #expect(try ControlSocket.path(for: Settings(), environment) == both[0])
        #expect(!self.exists(state))
        // As somebody else would have made it.
        #expect(chmod("\(runtime)/luar", 0o755) == 0)
        #expect(try ControlSocket.path(for: Settings(), environment) == both[1])
        // Commands look there, too.
        let listener = self.listen(both[1])
        defer { close(listener) }
        #expect(try ControlSocket.find(nil, environment: environment) == both[1])
        #expect(chmod("\(state)/luar/control", 0o755) == 0)
        #expect(throws: RelayError.self) { try ControlSocket.path(for: Settings(), environment) }
    }

    @Test func `commands trust their own user and root, and root asks anybody`() {
        let peer = { (user: uid_t) in PeerCredentials(process: 1, user: user, group: 0) }
        #expect(peer(1_000).isTrusted(by: 1_000))
        #expect(peer(0).isTrusted(by: 1_000))
        #expect(!peer(1_001).isTrusted(by: 1_000))
        #expect(peer(1_001).isTrusted(by: 0))
    }

    @Test func `a path that a relay uses is locked until it stops, whether or not it answers`() async throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let path = folder.path + "/c"
        let first = try ControlSocket.clear(path)
        // It has the path, and listens only in a moment.
        #expect { try ControlSocket.clear(path) } throws: { "\($0)".contains("another relay's") }
        #expect(self.exists(path + ".lock"))
        first.release()
        #expect(!self.exists(path + ".lock"))
        try ControlSocket.clear(path).release()
    }

    @Test func `a socket without a listener is removed, and one with a listener is not`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let path = folder.path + "/c"
        let listener = self.listen(path)
        #expect(throws: RelayError.self) { try ControlSocket.clear(path) }
        #expect(self.exists(path))
        close(listener)
        try ControlSocket.clear(path).release()
        #expect(!self.exists(path))
    }

    @Test(.timeLimit(.minutes(15)))
    func `a socket that is not the relay's any more outlives it`() async throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let path = folder.path + "/c"
        let server = try await ControlServer.open(path, on: MultiThreadedEventLoopGroup.singleton.next()) { _ in
            ControlAnswer()
        }
        // Somebody removed both files by hand, and another relay began to listen there.
        #expect(unlink(path) == 0 && unlink(path + ".lock") == 0)
        let other = self.listen(path)
        defer { close(other) }
        await server.close()
        #expect(self.exists(path))
    }
}
