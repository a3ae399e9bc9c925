// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import TestSupport
import Testing

/// `luar serve` as a process, on a port of its own.
enum LiveServe {
    /// Starts a relay in an empty folder, runs `body` with it and its port, and ends it.
    static func run(
        _ arguments: [String] = [],
        environment: [String: String] = [:],
        files: [String: String] = [:],
        _ body: (Program, Int) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder(files)
        defer { folder.remove() }
        let udp = arguments.contains("--udp") ? [] : ["--no-udp"]
        let all = ["serve", "--tcp", "127.0.0.1:0", "--log-level", "info"] + udp + arguments
        try await Program.run(Program.luar, all, in: folder.path, environment: environment) { relay in
            try relay.logs(" listening tcp.address=127.0.0.1:")
            if udp.isEmpty, !arguments.contains("--no-udp") { try relay.logs(" listening udp.address=") }
            let address = try #require(relay.error.firstMatch(of: /tcp\.address=127\.0\.0\.1:(\d+)/))
            try await body(relay, try #require(Int(address.1)))
        }
    }

    /// Runs `luar chat` against a port, on pipes, in an empty folder.
    static func chat(
        _ port: Int,
        _ arguments: [String] = [],
        files: [String: String] = [:],
        environment: [String: String] = [:],
        _ body: (Program) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder(files)
        defer { folder.remove() }
        let all = ["chat", "127.0.0.1:\(port)"] + arguments
        try await Program.run(Program.luar, all, in: folder.path, environment: environment, body)
    }
}
