// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import ArgumentParser
internal import Foundation
internal import HostSettings

/// `luar settings`: shows what is in force, and why.
struct SettingsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settings",
        abstract: "Show every setting in force and where it came from.",
        discussion: """
            The command line counts most, then the environment, then the file, then the default. A setting has the same \
            name everywhere: --client-limit, LUAR_CLIENT_LIMIT, and 'client-limit: 100' in a YAML file.
            """
    )

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup(title: "Relay")
    var relay: RelayOptions

    @OptionGroup(title: "Monitor")
    var targets: MonitorTargetOptions

    @OptionGroup(title: "Monitor")
    var monitor: MonitorOptions

    @OptionGroup(title: "Mail")
    var recipients: MailRecipientOptions

    @OptionGroup(title: "Mail")
    var mailServer: MailServerOptions

    @OptionGroup(title: "Mail")
    var spool: MailSpoolOptions

    @OptionGroup(title: "Chat")
    var server: ServerArgument

    @OptionGroup(title: "Chat")
    var chat: ChatOptions

    @OptionGroup(title: "Scripts and log")
    var scripts: ScriptOptions

    @OptionGroup(title: "Scripts and log")
    var data: DataOptions

    @OptionGroup(title: "Scripts and log")
    var common: CommonOptions

    @OptionGroup(title: "Limits")
    var message: MessageOptions

    @OptionGroup(title: "Limits")
    var limits: RelayLimitOptions

    @OptionGroup(title: "Limits of scripts")
    var scriptLimits: ScriptLimitOptions

    func run() throws {
        try Failure.reported {
            let groups: [any SettingOptions] = [
                self.relay, self.targets, self.monitor, self.recipients, self.mailServer, self.spool, self.server,
                self.chat, self.scripts, self.data, self.common, self.message, self.limits, self.scriptLimits,
            ]
            let resolved = try self.common.resolve(groups)
            let rows = Setting.all.map { Row($0, resolved) }
            if self.json {
                try StandardOutput.write(json: Dictionary(uniqueKeysWithValues: rows.map { ($0.name, $0) }))
            } else {
                try StandardOutput.write(self.table(rows))
            }
        }
    }

    /// A setting as it is shown.
    private struct Row: Encodable {
        var value: String?
        var from: String
        var name: String

        private enum CodingKeys: CodingKey {
            case value
            case from
        }

        init(_ setting: Setting, _ resolved: ResolvedSettings) {
            let text = resolved.text(of: setting)
            self.name = setting.name
            self.value = text.isEmpty ? nil : text
            self.from = resolved.origin(of: setting).description
            if setting.name == "scripts", text.isEmpty {
                self.value = ScriptFolder.find(ProcessInfo.processInfo.environment)
                self.from = self.value == nil ? "default" : "found"
            }
        }
    }

    private func table(_ rows: [Row]) -> String {
        var table = Table("SETTING", "VALUE", "FROM")
        for row in rows { table.add(row.name, row.value ?? (row.name == "scripts" ? "(stock)" : "(none)"), row.from) }
        return table.text
    }
}
