// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import ArgumentParser
internal import Foundation
internal import HostSettings
internal import LineOutput
internal import LuarTesting
internal import RelayCore
internal import RelayHooks
internal import RelayHost

/// `luar check`: loads scripts as the relay and the chat client would, and says what they do or what is wrong.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Load scripts as the relay and the chat client do; list hooks, or say what is wrong.",
        discussion: """
            Hooks are listed in the order in which they run, then what can be set in scripts, then the files. Each hook is tried out with \
            typical and hostile texts, beside the relay and without clients: CPU is the time that half of its calls took at most, MAX the longest. The exit code is 1 if a script does \
            not load, with --strict also if something is probably wrong. What scripts print while they load goes to standard error.
            """
    )

    @Argument(help: "The folder with the scripts; else the one that `luar serve` would take.", completion: .directory)
    var dir: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    @Flag(help: "Fail also on what is probably wrong, though the scripts load.")
    var strict = false

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
            let environment = ProcessInfo.processInfo.environment
            let (scripts, folder) = try ScriptFolder.load(self.dir ?? settings.scripts, environment: environment)
            let log = LineWriter(descriptor: STDERR_FILENO, limit: settings.limits.consoleBytes, label: "log")
            var report = ScriptReport(
                of: scripts,
                folder: folder,
                limits: settings.limits,
                luaLimits: settings.luaLimits,
                values: settings.scriptValues,
                transports: settings.listeners.transports,
                logger: settings.logger(to: log),
                version: Relay.version
            )
            log.drain()
            if report.problems.isEmpty {
                let rehearsal = try ScriptSmokeTest(
                    scripts,
                    values: settings.scriptValues,
                    limits: settings.limits,
                    scriptLimits: settings.luaLimits
                )
                report.add(failures: rehearsal.failures, costs: rehearsal.costs)
                report.unknownCommands = rehearsal.unknownCommands?.rawValue
            }
            try self.json ? StandardOutput.write(json: report) : self.printTables(report)
            if !report.problems.isEmpty || self.strict && !report.warnings.isEmpty { throw ExitCode.failure }
        }
    }

    private func printTables(_ report: ScriptReport) throws {
        guard report.problems.isEmpty else {
            return Failure.say(report.problems.map(\.description))
        }
        var hooks = Table("EVENT", "ORDER", "ON ERROR", "FOR", "CPU", "MAX", "HOOK")
        for hook in report.hooks {
            hooks.add(
                hook.event,
                hook.order.map { $0 == $0.rounded() && abs($0) < 1e15 ? "\(Int($0))" : "\($0)" } ?? "default",
                hook.onError,
                hook.dialect ?? hook.transport ?? "-",
                CPUTime.text(hook.cost?.p50),
                CPUTime.text(hook.cost?.max),
                "\(hook.file):\(hook.line)"
            )
        }
        var files = Table("FILE", "LOADED BY", "NOTE")
        for file in report.files {
            let loadedBy = file.loadedBy.isEmpty ? "nobody" : file.loadedBy.joined(separator: ", ")
            files.add(file.name, loadedBy, file.note ?? "")
        }
        var settings = Table("SETTING", "TYPE", "VALUE", "FROM", "WHAT FOR")
        for setting in report.settings {
            settings.add(
                setting.name,
                setting.type,
                setting.value ?? (setting.type == "secret" && setting.from != "default" ? "(hidden)" : "(none)"),
                setting.from,
                setting.help
            )
        }
        let commands = report.unknownCommands.map { "Unknown commands are \($0): \(Self.reason(for: $0, report))\n" }
        let count = { (number: Int, word: String) in "\(number) \(word)\(number == 1 ? "" : "s")" }
        let found = report.warnings.isEmpty ? "no mistakes found" : count(report.warnings.count, "warning")
        let summary = "\(count(report.files.count, "file")), \(count(report.hooks.count, "hook")), \(found)\n"
        try StandardOutput.write(
            [hooks.text, report.settings.isEmpty ? nil : settings.text, files.text, commands, summary]
                .compactMap { $0 }
                .joined(separator: "\n")
        )
        Failure.say(report.warnings.map { "warning: \($0)" })
    }

    /// Why unknown commands are relayed or answered.
    private static func reason(for mode: String, _ report: ScriptReport) -> String {
        guard let setting = report.settings.first(where: { $0.name == "commands.unknown" }) else {
            return "the scripts have rules of their own for that."
        }
        guard setting.value == "auto" else { return "commands.unknown is \(setting.value ?? "")." }
        return mode == "relayed"
            ? "only stock scripts have commands (commands.unknown is auto)."
            : "a script that is not stock has commands (commands.unknown is auto)."
    }
}
