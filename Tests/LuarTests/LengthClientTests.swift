// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import TestSupport
import Testing

/// The example of messages behind their lengths: its Python client and its script, with a relay as a process.
@Suite(.timeLimit(.minutes(15))) struct LengthClientTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
    private static let folder = root + "/examples/length-framing"

    @Test(.enabled(if: Python.interpreter != nil, "needs python3"))
    func `two of the Python clients talk to each other in texts of several lines`() async throws {
        try await LiveServe.run(["--framing", "length", "--scripts", Self.folder]) { relay, port in
            let client = ["-u", Self.folder + "/client.py", "127.0.0.1", "\(port)"]
            try await Python.run(client) { ana in
                try relay.prints("Cliente conectado: ")
                try await Python.run(client) { bia in
                    try poll("two clients") { relay.output.split(separator: "\n").count == 3 }
                    let names = relay.output.matches(of: /Cliente conectado: (\(.*\))/).map { String($0.1) }
                    ana.type(#"Olá!\nTudo bem?"#)
                    try bia.prints("\(names[0])\nOlá!\nTudo bem?\n")
                    bia.type(#"Tudo.\n\nE você?"#)
                    try ana.prints("\(names[1])\nTudo.\n\nE você?\n")
                    ana.type("/ajuda")
                    ana.type("/sair")
                    try bia.prints("\(names[0])\n/ajuda\n")
                    try relay.prints("Cliente desconectado: \(names[0])")
                    bia.endInput()
                    let code = try bia.exitCode()
                    #expect(code == 0)
                }
            }
        }
    }

    @Test func `README shows what the client does`() throws {
        let readme = try String(contentsOfFile: Self.root + "/README.md", encoding: .utf8)
        let client = try String(contentsOfFile: Self.folder + "/client.py", encoding: .utf8)
        let code = readme.matches(of: #/```python\n(.*?)```/#.dotMatchesNewlines()).map { String($0.1) }
        #expect(code.count == 1 && code.allSatisfy { client.contains($0) })
    }
}
