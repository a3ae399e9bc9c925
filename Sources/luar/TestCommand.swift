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
struct TestCommand: ParsableCommand {
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

    func run() throws {
        try Failure.reported {
            let settings = try self.common.resolve([self.scripts, self.common, self.message, self.scriptLimits])
                .settings
            guard self.watch else { return try self.run(self.load(settings), settings) }
            try self.runAgainAndAgain(settings)
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

    private func runAgainAndAgain(_ settings: Settings) throws {
        while true {
            // What is saved while the tests run differs from what they ran with.
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
            // A folder that cannot be read now may be one that an editor is just writing.
            repeat { usleep(Self.pause) } while (try? self.load(settings).set) == ran
            try StandardOutput.write("\n")
        }
    }

    /// Between two looks at the scripts, in microseconds.
    private static let pause: UInt32 = 300_000
}
