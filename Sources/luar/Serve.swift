// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import ArgumentParser
internal import HostSettings
internal import RelayHost

/// `luar serve`: runs the relay until SIGINT or SIGTERM.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the relay.",
        discussion: """
            Clients connect with `luar chat`, `nc HOST PORT` or any program that sends lines. The console shows what \
            happens on standard output, the operational log goes to standard error. SIGINT and SIGTERM stop the relay.
            """
    )

    @OptionGroup(title: "Relay")
    var relay: RelayOptions

    @OptionGroup(title: "Relay")
    var scripts: ScriptOptions

    @OptionGroup(title: "Relay")
    var data: DataOptions

    @OptionGroup(title: "Relay")
    var common: CommonOptions

    @OptionGroup(title: "Relay")
    var control: ControlOptions

    @OptionGroup(title: "Monitor")
    var targets: MonitorTargetOptions

    @OptionGroup(title: "Monitor")
    var monitor: MonitorOptions

    @OptionGroup(title: "Mail")
    var recipients: MailRecipientOptions

    @OptionGroup(title: "Mail")
    var server: MailServerOptions

    @OptionGroup(title: "Mail")
    var spool: MailSpoolOptions

    @OptionGroup(title: "Limits")
    var message: MessageOptions

    @OptionGroup(title: "Limits")
    var limits: RelayLimitOptions

    @OptionGroup(title: "Limits of scripts")
    var scriptLimits: ScriptLimitOptions

    func run() async throws {
        do {
            let groups: [any SettingOptions] = [
                self.relay, self.scripts, self.data, self.control, self.common, self.targets, self.monitor,
                self.recipients,
                self.server,
                self.spool,
                self.message, self.limits, self.scriptLimits,
            ]
            let reader = self.common.reader(groups)
            try await Relay.runProcess(
                try reader().settings,
                askLogin: LoginQuestions.ask,
                rereads: { try reader().settings }
            )
        } catch {
            throw Failure.report(error)
        }
    }
}
