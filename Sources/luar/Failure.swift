// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import ArgumentParser
internal import Foundation
internal import HostSettings
internal import LineOutput

/// How commands end that cannot do what they were asked for: a line on standard error for each problem, exit code 1.
enum Failure {
    static func reported(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let code as ExitCode {
            throw code
        } catch let error as OutputError where error.isClosedPipe {
            // Nobody reads any more, as after `| head -1`: nothing to complain about.
            throw ExitCode.success
        } catch let error as OutputError {
            self.say("cannot write to standard output: \(error)")
            throw ExitCode.failure
        } catch {
            self.say("\(error)")
            throw ExitCode.failure
        }
    }

    /// Writes each line of a text to standard error.
    static func say(_ text: String) {
        let lines = text.split(separator: "\n").map { "luar: \($0)\n" }.joined()
        // Where not even this can be said, nobody is there to be told so.
        try? DescriptorOutput.write(lines, to: STDERR_FILENO)
    }
}

/// Standard output, for commands that print something and end.
enum StandardOutput {
    /// Prints a text as it is; what does not arrive is an error.
    static func write(_ text: String) throws {
        signal(SIGPIPE, SIG_IGN)
        try DescriptorOutput.write(text, to: STDOUT_FILENO)
    }
}

extension CommonOptions {
    /// The settings in force, from all sources; what the option groups were given counts most.
    func resolve(_ groups: [any SettingOptions]) throws -> ResolvedSettings {
        var given: [String: [String]] = [:]
        for group in groups { given.merge(group.given) { _, new in new } }
        return try SettingsReader(
            commandLine: given,
            environment: ProcessInfo.processInfo.environment,
            file: self.configurationFile
        )
        .read()
    }
}
