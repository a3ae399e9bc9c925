// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import LuaScripting
public import RelayCore
public import RelayHooks
public import WireFormats

/// What the program needs to start, as opposed to how it behaves, which is Lua.
public struct Settings: Sendable {
    /// How log messages are written.
    public enum LogFormat: String, Sendable, CaseIterable {
        /// A line for people.
        case text
        /// One JSON object a line.
        case json
    }

    /// Where to listen for clients; without addresses there is no relay.
    public var listeners = RelayAddresses()
    /// A file in which everything sent and received is recorded; nil for none.
    public var capture: String?
    /// The file that conversations are recorded in, for `luar replay`; nil for none.
    public var recording: String?
    /// How TCP connections are cut into messages.
    public var framing = WireFormat.auto
    /// Whether console hooks are asked.
    public var hasConsole = true

    /// Where the chat client connects.
    public var server = Endpoint(host: "127.0.0.1", port: Endpoint.stockPort)
    /// What carries the chat client's texts.
    public var transport = TransportKind.tcp
    /// Whether the chat client sends texts without line ends, as the original's server expects.
    public var isRaw = false
    /// Whether the chat client tries again when it cannot connect or was disconnected.
    public var reconnects = false

    /// What is measured, and when a status has lasted.
    public var monitor = Monitor()
    /// Where alerts go, and how.
    public var mail = Mail()

    /// The folder with the user's Lua files; nil looks in the usual places.
    public var scripts: String?
    /// What is set in the scripts.
    public var scriptValues = ScriptValues()
    /// The folder for what scripts keep on disk; nil for the usual place.
    public var data: String?
    /// The socket that `luar reload` and `luar status` talk to; nil for one of the process's own in the usual folder.
    public var control: String?
    /// Whether there is such a socket.
    public var hasControl = true
    /// Whether scripts are reloaded when one of their files changes.
    public var watchesScripts = false
    /// The least level that is logged, one of ``logLevels``.
    public var logLevel = "notice"
    /// How log messages are written.
    public var logFormat = LogFormat.text
    /// Bounds of the relay.
    public var limits = Limits()
    /// Bounds of the scripts.
    public var luaLimits = LuaLimits()

    /// Makes the default settings.
    public init() {
        // Those of the original; a further transport listens only where that is asked for.
        for transport in [TransportKind.tcp, .udp] {
            self.listeners[transport] = [Endpoint(host: "127.0.0.1", port: Endpoint.stockPort)]
        }
        self.limits.totalUnsentBytes = MachineMemory.unsentBytes
    }
}
