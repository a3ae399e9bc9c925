// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// The default Lua modules: what stock scripts and users' own load by `require`.
public enum StockModules {
    /// The text of `lib/commands.lua`.
    public static let commands: [UInt8] = PackageResources.commands_lua
}
