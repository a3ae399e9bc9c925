// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import HostSettings
import LineOutput
import Logging
import TestSupport
import Testing

@testable import RelayHost

/// What does not start says why in one line, and leaves nothing behind.
@Suite(.timeLimit(.minutes(15))) struct StartTests {
    private func refusal(_ configure: (inout Settings) throws -> Void) async throws -> String {
        var settings = Settings()
        settings.tcp = [Endpoint(host: "127.0.0.1", port: 0)]
        settings.udp = []
        try configure(&settings)
        let relay = try Relay(
            settings: settings,
            console: nil,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        do {
            try await relay.start()
            try await relay.stop()
            return "(started)"
        } catch {
            return "\(error)"
        }
    }

    @Test func `a port in use is named, with what to do`() async throws {
        try await LiveRelay.run { relay in
            let reason = try await self.refusal { $0.tcp = relay.addresses.tcp }
            #expect(
                reason
                    == "cannot listen on 127.0.0.1:\(relay.port): the port is in use already; stop what uses it or choose another with --tcp"
            )
        }
    }

    @Test func `a UDP socket that was opened before another failed is given back`() async throws {
        let taken = try DatagramPeer(to: 1)
        let expected =
            "cannot listen on 127.0.0.1:\(taken.port): the port is in use already; "
            + "stop what uses it or choose another with --udp"
        var reasons: [String] = []
        // A free port may become another test's meanwhile; then the next one is tried. One that is not given back is refused
        // the second time, whichever it is.
        for _ in 0..<10 where reasons != [expected, expected, expected] {
            let free = try DatagramPeer(to: 1)
            free.close()
            reasons = []
            for _ in 0..<3 {
                let reason = try await self.refusal { settings in
                    settings.udp = [free.port, taken.port].map { Endpoint(host: "127.0.0.1", port: $0) }
                }
                reasons.append(reason)
            }
        }
        #expect(reasons == [expected, expected, expected])
        let group = try await self.refusal { $0.udp = [Endpoint(host: "224.0.0.1", port: 0)] }
        #expect(group == "cannot listen on 224.0.0.1:0: this machine has no such address")
    }

    @Test func `when one of several addresses is taken the others are given back`() async throws {
        try await LiveRelay.run { relay in
            let free = Endpoint(host: "127.0.0.1", port: 0)
            let reason = try await self.refusal { $0.tcp = [free] + relay.addresses.tcp }
            #expect(reason.contains("in use"))
        }
    }

    @Test func `an unknown host is named`() async throws {
        let reason = try await self.refusal { $0.tcp = [Endpoint(host: "no-such-host.invalid", port: 1)] }
        #expect(reason.hasPrefix("cannot listen on no-such-host.invalid:1: "))
    }

    @Test func `a missing scripts folder is named`() async throws {
        let reason = try await self.refusal { $0.scripts = "/no/such/folder" }
        #expect(reason == "cannot read the scripts folder '/no/such/folder': there is no such file or folder")
    }

    @Test func `a broken script is named with file and line`() async throws {
        let folder = try TemporaryFolder(["bad.lua": "\nlocal = 3"])
        defer { folder.remove() }
        let reason = try await self.refusal { $0.scripts = folder.path }
        #expect(reason.contains("bad.lua:2: "))
    }
}
