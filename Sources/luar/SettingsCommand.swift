// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import ArgumentParser
internal import Foundation
internal import HostSettings

/// `luar settings`: shows what is in force, and why.
struct SettingsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settings",
        abstract: "Show every setting in force and where it came from.",
        discussion: """
            The command line counts most, then the environment, then the file, then the default. A setting has the same \
            name everywhere: --client-limit, LUAR_CLIENT_LIMIT, and 'client-limit: 100' in a YAML file.
            """
    )

    @OptionGroup(title: "Relay")
    var relay: RelayOptions

    @OptionGroup(title: "Chat")
    var server: ServerArgument

    @OptionGroup(title: "Chat")
    var chat: ChatOptions

    @OptionGroup(title: "Scripts and log")
    var scripts: ScriptOptions

    @OptionGroup(title: "Scripts and log")
    var common: CommonOptions

    @OptionGroup(title: "Limits")
    var message: MessageOptions

    @OptionGroup(title: "Limits")
    var limits: RelayLimitOptions

    @OptionGroup(title: "Limits of scripts")
    var scriptLimits: ScriptLimitOptions

    func run() async throws {
        try await Failure.reported {
            let groups: [any SettingOptions] = [
                self.relay, self.server, self.chat, self.scripts, self.common, self.message, self.limits,
                self.scriptLimits,
            ]
            let resolved = try self.common.resolve(groups)
            var table = Table("SETTING", "VALUE", "FROM")
            for setting in Setting.all {
                var value = resolved.text(of: setting)
                if setting.name == "scripts", value.isEmpty {
                    value = ScriptFolder.find(ProcessInfo.processInfo.environment) ?? "(stock)"
                }
                table.add(setting.name, value.isEmpty ? "(none)" : value, resolved.origin(of: setting).description)
            }
            try StandardOutput.write(table.text)
        }
    }
}
