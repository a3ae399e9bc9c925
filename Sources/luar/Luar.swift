// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import ArgumentParser
internal import LineOutput
internal import RelayHooks

#if canImport(Glibc)
internal import Glibc
#endif

/// The command line.
@main
struct Luar: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "luar",
        abstract: "A relay host whose every behaviour is a Lua hook.",
        discussion: """
            Start a relay with `luar serve`, then chat on it from two other terminals with `luar chat`. `luar init \
            scripts` writes the Lua files that make the chat what it is; change them, and `luar check` them.
            """,
        version: Version.text,
        groupedSubcommands: [
            CommandGroup(name: "Chat", subcommands: [Serve.self, ChatCommand.self, StatusCommand.self]),
            CommandGroup(name: "Monitor", subcommands: [MonitorCommand.self, MailCommand.self]),
            CommandGroup(
                name: "Scripts",
                subcommands: [Init.self, Check.self, TestCommand.self, ReloadCommand.self, ReplayCommand.self]
            ),
            CommandGroup(name: "Setup", subcommands: [SettingsCommand.self, Completions.self, Manual.self]),
        ]
    )

    static func main() async {
        // First of all: a reload that is asked for before the relay knows of signals must not end it.
        if ["serve", "monitor"].contains(CommandLine.arguments.dropFirst().first) { signal(SIGHUP, SIG_IGN) }
        DescriptorOutput.holdStandardDescriptors()
        let commands = self.configuration.subcommands.compactMap { $0._commandName } + ["help"]
        if let first = CommandLine.arguments.dropFirst().first, !first.hasPrefix("-"), !commands.contains(first) {
            Failure.say(["there is no command '\(first)'; \(Suggestion.phrase(for: first, among: commands))"])
            self.exit(withError: ExitCode.validationFailure)
        }
        do {
            var command = try await self.asyncParseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            Failure.end(error)
        }
    }
}
