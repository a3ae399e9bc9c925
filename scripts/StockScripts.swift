// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import StockModules

/// The default Lua files, embedded so that one binary runs from any folder.
public enum StockScripts {
    /// Every stock file by its path in this folder.
    public static let files: [String: [UInt8]] = [
        "alerts.lua": PackageResources.alerts_lua,
        "chat.lua": PackageResources.chat_lua,
        "commands.lua": PackageResources.commands_lua,
        "console.lua": PackageResources.console_lua,
        "format.lua": PackageResources.format_lua,
        "latency.lua": PackageResources.latency_lua,
        "ping.lua": PackageResources.ping_lua,
        "system_messages.lua": PackageResources.system_messages_lua,
        "lib/commands.lua": StockModules.commands,
    ]

    /// What a person who edits them reads first.
    public static let readme: [UInt8] = PackageResources.README_md
}
