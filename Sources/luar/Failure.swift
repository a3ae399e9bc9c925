// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import ArgumentParser
internal import Foundation
internal import HostSettings
internal import LineOutput
internal import RelayHooks

/// How commands end that cannot do what they were asked for: a line on standard error for each problem, exit code 1.
enum Failure {
    /// Runs a command.
    static func reported(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch {
            throw self.report(error)
        }
    }

    /// Says what is wrong, and answers with what exit code to end.
    static func report(_ error: any Error) -> ExitCode {
        switch error {
        case let code as ExitCode: return code
        // Nobody reads any more, as after `| head -1`: nothing to complain about.
        case let error as OutputError where error.isClosedPipe: return .success
        case let error as OutputError: self.say(["cannot write to standard output: \(error)"])
        case let error as SettingsError: self.say(error.problems)
        case let error as ScriptError: self.say(error.problems.map(\.description))
        default: self.say(["\(error)"])
        }
        return .failure
    }

    /// Writes problems to standard error, a line each; nothing that a name or a value brings along makes a second line
    /// or reaches the terminal.
    static func say(_ problems: [String]) {
        let lines = problems.map { "luar: \(LineEscaping.escaped($0))\n" }.joined()
        // Where not even this can be said, nobody is there to be told so.
        try? DescriptorOutput.write(lines, to: STDERR_FILENO)
    }

    /// Ends the program as the command line's parser wants: with help on standard output, or with what is wrong with
    /// the arguments on standard error.
    static func end(_ error: any Error) -> Never {
        let code = Luar.exitCode(for: error)
        // What an argument brings along stays where the argument is shown.
        let message = CommandLine.arguments.dropFirst()
            .filter { $0.unicodeScalars.contains { LineEscaping.isShown($0) } }
            .reduce(Luar.fullMessage(for: error)) { $0.replacing($1, with: LineEscaping.escaped($1)) }
        let lines = message.split(separator: "\n", omittingEmptySubsequences: false)
            .map { LineEscaping.escaped(String($0)) + "\n" }
        do {
            // A code of a command's own comes without words.
            let text = error is ExitCode ? "" : lines.joined()
            try code == .success ? StandardOutput.write(text) : DescriptorOutput.write(text, to: STDERR_FILENO)
        } catch {
            if let error = error as? OutputError, !error.isClosedPipe {
                self.say(["cannot write to standard output: \(error)"])
                Luar.exit(withError: ExitCode.failure)
            }
        }
        Luar.exit(withError: code)
    }
}

/// Standard output, for commands that print something and end.
enum StandardOutput {
    /// Prints one JSON object, with nothing in it that a terminal would obey.
    static func write(json object: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        let text = String(decoding: try encoder.encode(object), as: UTF8.self)
        try self.write(LineEscaping.escapedJSON(text) + "\n")
    }

    /// Prints a text as it is; what does not arrive is an error.
    static func write(_ text: String) throws {
        signal(SIGPIPE, SIG_IGN)
        try DescriptorOutput.write(text, to: STDOUT_FILENO)
    }
}

extension CommonOptions {
    /// The settings in force, from all sources; what the option groups were given counts most.
    func resolve(_ groups: [any SettingOptions]) throws -> ResolvedSettings {
        try self.reader(groups)()
    }

    /// What reads the settings from all sources, as often as it is called.
    func reader(_ groups: [any SettingOptions]) -> @Sendable () throws -> ResolvedSettings {
        var given: [String: [String]] = [:]
        for group in groups { given.merge(group.given) { _, new in new } }
        return { [given, file = self.configurationFile] in
            try SettingsReader(commandLine: given, environment: ProcessInfo.processInfo.environment, file: file).read()
        }
    }
}
