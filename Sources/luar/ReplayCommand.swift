// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import ArgumentParser
internal import Foundation
internal import HostSettings
internal import LineOutput
internal import LuarTesting
internal import RelayHooks

/// `luar replay`: shows what other scripts would have made of a recorded conversation.
struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Show what scripts would make of a conversation that luar serve --record wrote down.",
        discussion: """
            Each text that would go otherwise is shown: lines with - are the recording's, lines with + the scripts'. The exit code is \
            1 if anything differs or a hook fails.
            """
    )

    @Argument(help: "The recording.", completion: .file())
    var file: String

    @OptionGroup(title: "Settings")
    var scripts: ScriptOptions

    @OptionGroup(title: "Settings")
    var common: CommonOptions

    @OptionGroup(title: "Settings")
    var message: MessageOptions

    @OptionGroup(title: "Limits of scripts")
    var scriptLimits: ScriptLimitOptions

    func run() throws {
        try Failure.reported {
            let settings = try self.common.resolve([self.scripts, self.common, self.message, self.scriptLimits])
                .settings
            guard let text = FileManager.default.contents(atPath: self.file) else {
                throw SettingsError("cannot read the recording '\(self.file)'")
            }
            let replay: Replay
            do {
                replay = try Replay(Array(text))
            } catch {
                throw SettingsError("'\(self.file)': \(error)")
            }
            let scripts = try ScriptFolder.load(settings.scripts, environment: ProcessInfo.processInfo.environment).set
            let result = try replay.run(
                scripts,
                values: settings.scriptValues,
                limits: settings.limits,
                scriptLimits: settings.luaLimits
            )
            var lines: [String] = []
            for difference in result.differences {
                lines.append("line \(difference.line): \(difference.what)")
                lines += difference.changes.map { "  " + $0 }
            }
            lines += result.failures.map { "\($0.event) failed: \($0.message)" }
            lines += result.notes
            let count = "\(result.texts) text\(result.texts == 1 ? "" : "s")"
            let differ = result.differences.count
            lines.append("\(count), \(differ == 0 ? "no difference" : "\(differ) difference\(differ == 1 ? "" : "s")")")
            try StandardOutput.write(lines.map { LineEscaping.escaped($0) + "\n" }.joined())
            if differ > 0 || !result.failures.isEmpty { throw ExitCode.failure }
        }
    }
}
