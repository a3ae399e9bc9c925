// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import LuaScripting
public import RelayCore
public import RelayTransport

/// What a relay needs to start.
public struct Settings: Sendable {
    /// Where to listen for TCP clients; empty for no TCP relay.
    public var tcp: [ListenAddress] = []
    /// How TCP connections are cut into messages.
    public var framing = FramingMode.auto
    /// The folder with the user's Lua files; nil looks in the usual places.
    public var scripts: String?
    /// Whether console hooks are asked.
    public var hasConsole = true
    /// Bounds of the relay.
    public var limits = Limits()
    /// Bounds of the scripts.
    public var luaLimits = LuaLimits()

    /// Makes the default settings, which listen nowhere.
    public init() {}
}
