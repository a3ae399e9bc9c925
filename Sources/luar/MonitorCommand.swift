// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import ArgumentParser
internal import Foundation
internal import HostSettings
internal import LatencyMonitor
internal import LineOutput
internal import RelayHost

#if canImport(Glibc)
internal import Glibc
#endif

/// `luar monitor`: measures relays until SIGINT or SIGTERM.
struct MonitorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "monitor",
        abstract: "Measure the latency of UDP relays, and mail alerts.",
        discussion: """
            Sends each HOST:PORT (default: 127.0.0.1:12345) the text ping at regular times and measures how long the answer \
            takes. latency.lua says what that means, alerts.lua when a mail goes out and what it says. At the end a summary \
            goes to standard error. With --count the exit code is 1 if a target never answered.
            """
    )

    @OptionGroup
    var targets: MonitorTargetArgument

    @Option(help: ArgumentHelp("End after this many samples of each target.", valueName: "n"))
    var count: Int?

    @Flag(help: "Print one JSON object a line, in place of the console.")
    var json = false

    @Flag(inversion: .prefixedNo, help: .setting("quiet"))
    var quiet: Bool?

    @OptionGroup(title: "Monitor")
    var monitor: MonitorOptions

    @OptionGroup(title: "Mail")
    var recipients: MailRecipientOptions

    @OptionGroup(title: "Mail")
    var server: MailServerOptions

    @OptionGroup(title: "Mail")
    var spool: MailSpoolOptions

    @OptionGroup(title: "Scripts and log")
    var scripts: ScriptOptions

    @OptionGroup(title: "Scripts and log")
    var data: DataOptions

    @OptionGroup(title: "Scripts and log")
    var control: ControlOptions

    @OptionGroup(title: "Scripts and log")
    var common: CommonOptions

    @OptionGroup(title: "Limits of scripts")
    var scriptLimits: ScriptLimitOptions

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count takes a whole number from 1 on") }
    }

    func run() async throws {
        do {
            let groups: [any SettingOptions] = [
                self.targets, self.monitor, self.recipients, self.server, self.spool, self.scripts, self.data,
                self.control, self.common, self.scriptLimits,
            ]
            let reader = self.common.reader(groups)
            var settings = try reader().settings
            if settings.monitor.targets.isEmpty { settings.monitor.targets = [Settings().server] }
            settings.monitor.count = self.count
            // It is a relay that nobody can connect to.
            (settings.listeners, settings.capture, settings.recording) = (RelayAddresses(), nil, nil)
            if let quiet { settings.hasConsole = !quiet }
            let summaries = try await Relay.runProcess(
                settings,
                writesRecords: self.json,
                askLogin: LoginQuestions.ask,
                rereads: { try reader().settings }
            )
            if !self.json { try DescriptorOutput.write(Self.table(summaries), to: STDERR_FILENO) }
            if self.count != nil, summaries.contains(where: { $0.total.n == $0.total.lost }) { throw ExitCode.failure }
        } catch {
            throw Failure.report(error)
        }
    }

    private static func table(_ summaries: [TargetSummary]) -> String {
        var table = Table("TARGET", "PINGS", "LOST", "LATE", "MIN", "P50", "P90", "P99", "MAX", "JITTER")
        for summary in summaries {
            let total = summary.total
            let time = { (time: Double?) in time.map { Self.shown($0) } ?? "-" }
            let lost = total.loss.map { "\(total.lost) (\(Self.shown(100 * $0, digits: 1))%)" } ?? "0"
            table.add(
                summary.target,
                "\(total.n)",
                lost,
                "\(total.late)",
                time(total.min),
                time(total.p50),
                time(total.p90),
                time(total.p99),
                time(total.max),
                time(total.jitter)
            )
        }
        return "\n" + table.text + "Times are in milliseconds.\n"
    }

    private static func shown(_ number: Double, digits: Int = 3) -> String {
        number.formatted(
            .number.precision(.fractionLength(digits)).grouping(.never).locale(.init(identifier: "en_US_POSIX"))
        )
    }
}
