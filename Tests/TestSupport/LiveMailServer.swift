// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation

/// A mail server in a process of its own, and what it has heard.
package struct LiveMailServer {
    package let program: Program
    package let port: Int

    /// A line that it heard, or bytes that were no line.
    package struct Heard: Decodable {
        package var line: String?
        package var bytes: String?
        package var tls: Bool?
        package var message: String?
        package var to: [String]?
        package var port: Int?
        package var login: Bool?
        package var connection: Int?
        package var closed: Bool?
    }

    package static let scripts = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("MailServers")
        .path

    /// Runs a script of the folder `MailServers` while `body` does.
    package static func run<Result>(
        _ script: String = "mail_server.py",
        arguments: [String],
        _ body: (LiveMailServer) async throws -> Result
    ) async throws -> Result {
        try await Python.run(["\(self.scripts)/\(script)"] + arguments) { program in
            try program.prints("\"port\": ")
            try program.prints("\n")
            let port = program.output.split(separator: "\n").compactMap { try? Self.decode($0).port }.first ?? 0
            return try await body(LiveMailServer(program: program, port: port))
        }
    }

    private static func decode(_ line: Substring) throws -> Heard {
        try JSONDecoder().decode(Heard.self, from: Data(line.utf8))
    }

    package var heard: [Heard] {
        let output = self.program.output
        return output.split(separator: "\n").dropLast(output.hasSuffix("\n") ? 0 : 1)
            .compactMap { try? Self.decode($0) }
    }

    /// The messages it took, whole.
    package var messages: [(bytes: [UInt8], to: [String])] {
        self.heard.compactMap { heard in
            heard.message.flatMap { Data(base64Encoded: $0) }.map { (Array($0), heard.to ?? []) }
        }
    }

    /// Everything it heard without TLS.
    package var clearText: String {
        self.heard.filter { $0.tls == false }.map { ($0.line ?? "") + ($0.bytes ?? "") }.joined(separator: "\n")
    }

    /// Waits until it has taken so many messages.
    package func takes(_ count: Int) throws {
        try poll("\(count) messages: \(self.program.output.suffix(3_000)) \(self.program.error.suffix(2_000))") {
            self.messages.count >= count
        }
    }
}
