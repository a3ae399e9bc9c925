// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation

/// The Python interpreter of the tests: one that can import aiosmtpd, if there is one.
package enum Python {
    /// The path of the interpreter; nil if the machine has no Python.
    ///
    /// A Python of the user's own, such as pyenv's, can come first on the search path and not see Debian's package
    /// `python3-aiosmtpd`, which `/usr/bin/python3` sees.
    package static let interpreter: String? = {
        let candidates = [Program.path(of: "python3"), "/usr/bin/python3"].compactMap { $0 }
            .filter { FileManager.default.isExecutableFile(atPath: $0) }
        return candidates.first(where: Self.importsMailServer) ?? candidates.first
    }()

    /// Starts a Python program and, when `body` is done, ends it.
    package static func run<Result>(
        _ arguments: [String],
        _ body: (Program) async throws -> Result
    ) async throws -> Result {
        guard let interpreter = Self.interpreter else { throw NeverHappened(description: "python3 is found") }
        return try await Program.run(interpreter, arguments, body)
    }

    private static func importsMailServer(_ interpreter: String) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: interpreter)
        process.arguments = ["-c", "import aiosmtpd"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
