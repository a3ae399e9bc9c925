// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import TestSupport

/// A mail server in a process of its own, and what it has heard.
struct LiveServer {
    let program: Program
    let port: Int

    /// A line that it heard, or bytes that were no line.
    struct Heard: Decodable {
        var line: String?
        var bytes: String?
        var tls: Bool?
        var message: String?
        var to: [String]?
        var port: Int?
        var login: Bool?
        var connection: Int?
        var closed: Bool?
    }

    static let scripts = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Servers")
        .path

    /// Runs a script of the folder `Servers` while `body` does.
    static func run<Result>(
        _ script: String = "mail_server.py",
        arguments: [String],
        _ body: (LiveServer) async throws -> Result
    ) async throws -> Result {
        try await Program.run("/usr/bin/env", ["python3", "\(self.scripts)/\(script)"] + arguments) { program in
            try program.prints("\"port\": ")
            try program.prints("\n")
            let port = program.output.split(separator: "\n").compactMap { try? Self.decode($0).port }.first ?? 0
            return try await body(LiveServer(program: program, port: port))
        }
    }

    private static func decode(_ line: Substring) throws -> Heard {
        try JSONDecoder().decode(Heard.self, from: Data(line.utf8))
    }

    var heard: [Heard] {
        let output = self.program.output
        return output.split(separator: "\n").dropLast(output.hasSuffix("\n") ? 0 : 1)
            .compactMap { try? Self.decode($0) }
    }

    /// The messages it took, whole.
    var messages: [(bytes: [UInt8], to: [String])] {
        self.heard.compactMap { heard in
            heard.message.flatMap { Data(base64Encoded: $0) }.map { (Array($0), heard.to ?? []) }
        }
    }

    /// Everything it heard without TLS.
    var clearText: String {
        self.heard.filter { $0.tls == false }.map { ($0.line ?? "") + ($0.bytes ?? "") }.joined(separator: "\n")
    }

    /// Waits until it has taken so many messages.
    func takes(_ count: Int) throws {
        try poll("\(count) messages: \(self.program.output.suffix(3_000)) \(self.program.error.suffix(2_000))") {
            self.messages.count >= count
        }
    }
}
