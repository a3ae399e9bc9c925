// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import ArgumentParser
internal import Foundation
internal import HostSettings
internal import LineOutput
internal import LuarTesting
internal import RelayHooks

#if canImport(Glibc)
internal import Glibc
#endif

/// `luar test`: runs the tests in a scripts folder.
struct TestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Run the tests of scripts: files whose names end with _test.lua.",
        discussion: """
            Each test has a relay of its own, without sockets and with a clock of its own, which runs the folder's scripts. The exit \
            code is 1 if a test fails, if the scripts do not load, or if there are no tests.
            """
    )

    @Argument(help: "The folder with the scripts; else the one that `luar serve` would take.", completion: .directory)
    var dir: String?

    @Option(help: ArgumentHelp("Run only tests whose file or name has this in it.", valueName: "text"))
    var filter: String?

    @Flag(help: "Print what programs read: the Test Anything Protocol.")
    var tap = false

    @Flag(help: "Run them again whenever a script has changed, until Ctrl-C.")
    var watch = false

    @OptionGroup(title: "Settings")
    var scripts: ScriptOptions

    @OptionGroup(title: "Settings")
    var common: CommonOptions

    @OptionGroup(title: "Settings")
    var message: MessageOptions

    @OptionGroup(title: "Limits of scripts")
    var scriptLimits: ScriptLimitOptions

    func run() async throws {
        do {
            let settings = try self.common.resolve([self.scripts, self.common, self.message, self.scriptLimits])
                .settings
            guard self.watch else { return try self.run(self.load(settings), settings) }
            try await self.runAfterEachChange(settings)
        } catch {
            throw Failure.report(error)
        }
    }

    private func load(_ settings: Settings) throws -> (set: ScriptSet, folder: String?) {
        try ScriptFolder.load(self.dir ?? settings.scripts, environment: ProcessInfo.processInfo.environment)
    }

    private func run(_ loaded: (set: ScriptSet, folder: String?), _ settings: Settings) throws {
        let tests = ScriptTests(
            loaded.set,
            values: settings.scriptValues,
            limits: settings.limits,
            scriptLimits: settings.luaLimits
        )
        guard let folder = loaded.folder, !tests.files.isEmpty else {
            let place = loaded.folder.map { "'\($0)'" } ?? "the stock scripts"
            throw SettingsError("there are no tests in \(place): no file's name ends with \(ScriptProgram.testEnding)")
        }
        let report = try tests.run(filter: self.filter)
        guard !report.tests.isEmpty else {
            throw SettingsError("no test in '\(folder)' has '\(self.filter ?? "")' in its file or name")
        }
        let lines = self.tap ? report.tapLines : report.lines
        try StandardOutput.write(lines.map { LineEscaping.escaped($0) + "\n" }.joined())
        if report.failed > 0 { throw ExitCode.failure }
    }

    private func runAfterEachChange(_ settings: Settings) async throws {
        let watcher = try ScriptWatcher(
            self.dir ?? settings.scripts,
            environment: ProcessInfo.processInfo.environment,
            report: { _ = Failure.report($0) }
        )
        defer { watcher.cancel() }
        var ran = try self.runReported(settings)
        for await scripts in watcher.changes where scripts != ran {
            // A comment in the Test Anything Protocol, too.
            try StandardOutput.write("\n# the scripts have changed: running the tests again\n")
            ran = try self.runReported(settings)
        }
    }

    /// Runs the tests; what is wrong with them is on standard error, and does not end the program.
    ///
    /// - Returns: The scripts that ran, which may be older than those that the watcher has; nil if they cannot be read.
    private func runReported(_ settings: Settings) throws -> ScriptSet? {
        var ran: ScriptSet?
        do {
            let loaded = try self.load(settings)
            ran = loaded.set
            try self.run(loaded, settings)
        } catch let error as OutputError {
            throw error
        } catch {
            _ = Failure.report(error)
        }
        return ran
    }
}
