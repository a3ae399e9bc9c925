// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import ArgumentParser
internal import HostSettings
internal import RelayCore

/// Where the relay listens and what it prints.
struct RelayOptions: SettingOptions {
    @Option(setting: "tcp") var tcp: [String] = []
    @Flag(name: .customLong("no-tcp"), help: .setting("no-tcp")) var noTcp = false
    @Option(setting: "udp") var udp: [String] = []
    @Flag(name: .customLong("no-udp"), help: .setting("no-udp")) var noUdp = false
    @Option(setting: "pcap") var pcap: String?
    @Option(setting: "record") var record: String?
    @Option(setting: "framing") var framing: String?
    @Flag(inversion: .prefixedNo, help: .setting("quiet")) var quiet: Bool?

    func validate() throws {
        if self.noTcp, !self.tcp.isEmpty { throw ValidationError("--tcp and --no-tcp exclude each other") }
        if self.noUdp, !self.udp.isEmpty { throw ValidationError("--udp and --no-udp exclude each other") }
        try self.checkValues()
    }
}

/// How the chat client connects.
struct ChatOptions: SettingOptions {
    @Option(setting: "transport") var transport: String?
    @Flag(inversion: .prefixedNo, help: .setting("raw")) var raw: Bool?
    @Flag(inversion: .prefixedNo, help: .setting("reconnect")) var reconnect: Bool?
}

/// The short word for a transport, which elsewhere is the option for where a relay listens.
struct TransportFlag: SettingOptions {
    @Flag(name: .customLong("udp"), help: "Short for --transport udp.") var udp = false

    var given: [String: [String]] { self.udp ? ["transport": [TransportKind.udp.name]] : [:] }
}

/// Settings from a file, scripts and the log: what every command takes.
struct CommonOptions: SettingOptions {
    @Option(
        name: .customLong("config"),
        help: ArgumentHelp(
            "Read settings from this YAML file; else from the one that LUAR_CONFIG names.",
            valueName: "file"
        ),
        completion: .file(extensions: ["yaml", "yml"])
    )
    var configurationFile: String?

    @Option(setting: "log-level") var logLevel: String?
    @Option(setting: "log-format") var logFormat: String?
}

/// Where scripts are found, and what is set in them.
struct ScriptOptions: SettingOptions {
    @Option(setting: "scripts") var scripts: String?
    @Option(setting: "set") var set: [String] = []
}

/// Where scripts keep what outlives the process.
struct DataOptions: SettingOptions {
    @Option(setting: "data") var data: String?
}

/// How a running relay is talked to, and when it reloads its scripts.
struct ControlOptions: SettingOptions {
    @Option(setting: "control") var control: String?
    @Flag(name: .customLong("no-control"), help: .setting("no-control")) var noControl = false
    @Flag(inversion: .prefixedNo, help: .setting("watch")) var watch: Bool?
}

/// What is measured by a relay.
struct MonitorTargetOptions: SettingOptions {
    @Option(setting: "monitor") var monitor: [String] = []
}

/// What is measured by a monitor alone.
struct MonitorTargetArgument: SettingOptions {
    @Argument(help: .setting("monitor"))
    var targets: [String] = []

    var given: [String: [String]] { self.targets.isEmpty ? [:] : ["monitor": self.targets] }
}

/// How latency is measured, and when a status has lasted.
struct MonitorOptions: SettingOptions {
    @Option(setting: "interval") var interval: String?
    @Option(setting: "timeout") var timeout: String?
    @Option(setting: "burst") var burst: String?
    @Option(setting: "source-port") var sourcePort: String?
    @Option(setting: "worse-samples") var worseSamples: String?
    @Option(setting: "worse-window") var worseWindow: String?
    @Option(setting: "reprobes") var reprobes: String?
    @Option(setting: "better-samples") var betterSamples: String?
}

/// How mail is sent.
struct MailServerOptions: SettingOptions {
    @Option(setting: "mail-from") var mailFrom: String?
    @Option(setting: "smtp") var smtp: String?
    @Option(setting: "smtp-ca") var smtpCa: String?
    @Option(setting: "smtp-user") var smtpUser: String?
    @Option(setting: "smtp-password-file") var smtpPasswordFile: String?
    @Flag(inversion: .prefixedNo, help: .setting("mail-login")) var mailLogin: Bool?
}

/// To whom alerts go.
struct MailRecipientOptions: SettingOptions {
    @Option(setting: "mail-to") var mailTo: [String] = []
}

/// Where mails wait.
struct MailSpoolOptions: SettingOptions {
    @Option(setting: "mail-spool") var mailSpool: String?
}

/// What bounds messages.
struct MessageOptions: SettingOptions {
    @Option(setting: "message-limit") var messageLimit: String?
    @Option(setting: "answer-extra") var answerExtra: String?
}

/// What bounds the relay.
struct RelayLimitOptions: SettingOptions {
    @Option(setting: "client-limit") var clientLimit: String?
    @Option(setting: "unsent-limit") var unsentLimit: String?
    @Option(setting: "unsent-total") var unsentTotal: String?
    @Option(setting: "slow-policy") var slowPolicy: String?
    @Option(setting: "input-limit") var inputLimit: String?
    @Option(setting: "datagram-limit") var datagramLimit: String?
    @Option(setting: "udp-input-limit") var udpInputLimit: String?
    @Option(setting: "udp-output-limit") var udpOutputLimit: String?
    @Option(setting: "join-rate") var joinRate: String?
    @Option(setting: "idle-time") var idleTime: String?
    @Option(setting: "tick-limit") var tickLimit: String?
    @Option(setting: "output-limit") var outputLimit: String?
    @Option(setting: "silence") var silence: String?
    @Option(setting: "flush-time") var flushTime: String?
    @Option(setting: "name-limit") var nameLimit: String?
    @Option(setting: "room-limit") var roomLimit: String?
    @Option(setting: "dialect-limit") var dialectLimit: String?
    @Option(setting: "console-bytes") var consoleBytes: String?
}

/// What bounds scripts.
struct ScriptLimitOptions: SettingOptions {
    @Option(setting: "lua-memory") var luaMemory: String?
    @Option(setting: "hook-time") var hookTime: String?
    @Option(setting: "hook-instructions") var hookInstructions: String?
    @Option(setting: "load-time") var loadTime: String?
    @Option(setting: "hook-limit") var hookLimit: String?
    @Option(setting: "pause-after") var pauseAfter: String?
    @Option(setting: "pause-window") var pauseWindow: String?
    @Option(setting: "pause-time") var pauseTime: String?
}
