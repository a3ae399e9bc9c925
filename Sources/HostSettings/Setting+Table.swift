// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Logging
internal import LuaScripting
internal import RelayCore
internal import RelayHooks
internal import WireFormats

extension Setting {
    /// Every setting, in the order in which people read about them.
    public static let all: [Setting] = relay + monitor + mail + chat + scripts + log + relayLimits + scriptLimits

    /// The setting of a name.
    public static func named(_ name: String) -> Setting? { self.all.first { $0.name == name } }

    /// The log levels by name, most talkative first.
    static let logLevels = Logger.Level.allCases.map(\.rawValue)

    private static let relay: [Setting] =
        TransportKind.allCases.flatMap { listeners($0) } + [
            .choice(
                "framing",
                \.framing,
                valueName: "mode",
                "How TCP connections are cut into messages: auto (each read is one, until the first line end), line, raw, length (each behind its length, 4 bytes, big-endian)."
            ),
            .file(
                "pcap",
                \.capture,
                "Record everything sent and received in this file, for Wireshark; replaces an older capture."
            ),
            .file(
                "record",
                \.recording,
                "Record what clients say and what becomes of it in this file, for luar replay; replaces an older recording."
            ),
            .flag("quiet", \.hasConsole, isInverted: true, "Print no console lines, and ask no console hooks."),
        ]

    private static let chat: [Setting] = [
        Setting(
            "server",
            "The relay to chat on.",
            valueName: "host:port",
            isArgument: true,
            show: { "\($0.server)" },
            take: { values, settings throws(Refusal) in
                settings.server = try Endpoint.parse(values.last ?? "", defaultPort: Endpoint.stockPort)
            }
        ),
        .choice(
            "transport",
            \.transport,
            word: \.name,
            valueName: "transport",
            "What carries the chat: \(TransportKind.list())."
        ),
        .flag("raw", \.isRaw, "Send texts without line ends, as the original Python server expects."),
        .flag(
            "reconnect",
            \.reconnects,
            "Try again, with growing pauses, when the relay cannot be reached or goes away."
        ),
    ]

    private static let scripts: [Setting] = [
        Setting(
            "scripts",
            "The folder with your Lua files; else ./scripts, else $XDG_CONFIG_HOME/luar/scripts.",
            valueName: "dir",
            show: { $0.scripts ?? "" },
            take: { values, settings throws(Refusal) in
                guard let folder = values.last, !folder.isEmpty else { throw Refusal("it needs a folder") }
                settings.scripts = folder
            }
        ),
        Setting(
            "data",
            "The folder for what scripts keep on disk; else $XDG_STATE_HOME/luar.",
            valueName: "dir",
            show: { $0.data ?? "" },
            take: { values, settings throws(Refusal) in
                guard let folder = values.last, !folder.isEmpty else { throw Refusal("it needs a folder") }
                settings.data = folder
            }
        ),
        Setting(
            "control",
            "The socket for luar reload and luar status; else one in $XDG_RUNTIME_DIR/luar, /tmp/luar-UID or $XDG_STATE_HOME/luar/control.",
            valueName: "path",
            show: { $0.control ?? "" },
            take: { values, settings throws(Refusal) in
                guard let path = values.last, !path.isEmpty else { throw Refusal("it needs a path") }
                settings.control = path
            }
        ),
        .flag("no-control", \.hasControl, isInverted: true, "Have no such socket."),
        .flag("watch", \.watchesScripts, "Reload the scripts when one of their files changes."),
        Setting(
            "set",
            "Give a setting of a script a value; `luar check` lists them all.",
            valueName: "file.name=value",
            arity: .list,
            // Which of them are secret only the scripts know.
            show: { $0.scriptValues.names.joined(separator: ", ") },
            take: { values, settings throws(Refusal) in
                for value in values {
                    let halves = value.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                    guard halves.count == 2, halves[0].contains(".") else {
                        throw Refusal(
                            "'\(halves[0])' is no setting of a script; write FILE.NAME=VALUE, like latency.normal_ms=80"
                        )
                    }
                    settings.scriptValues.set(String(halves[0]), to: .text(String(halves[1])))
                }
            }
        ),
    ]

    private static let log: [Setting] = [
        Setting(
            "log-level",
            "Log from this level on: \(Self.logLevels.joined(separator: ", ")).",
            valueName: "level",
            choices: Self.logLevels,
            show: { $0.logLevel },
            take: { values, settings throws(Refusal) in
                // Scripts say `relay.log.warn`, so both words are taken.
                let level = values.last == "warn" ? "warning" : values.last ?? ""
                guard Self.logLevels.contains(level) else { throw Refusal(Self.notOneOf(Self.logLevels, level)) }
                settings.logLevel = level
            }
        ),
        .choice("log-format", \.logFormat, valueName: "format", "Write the log as text, or as json: an object a line."),
    ]

    private static let relayLimits: [Setting] = [
        .size("message-limit", \.limits.messageBytes, "The longest message."),
        .size(
            "answer-extra",
            \.limits.answerExtraBytes,
            "What a hook's answer may have beyond three times the message limit."
        ),
        .count("client-limit", \.limits.clients, "The most clients at a time."),
        .size("unsent-limit", \.limits.unsentBytes, "Bytes kept for a client that reads too slowly."),
        .size(
            "unsent-total",
            \.limits.totalUnsentBytes,
            "Bytes kept for all slow clients; beyond that those with the most are disconnected."
        ),
        .choice(
            "slow-policy",
            \.limits.slowPolicy,
            valueName: "policy",
            "What happens to a client beyond its unsent-limit: disconnect or drop."
        ),
        .size("input-limit", \.limits.inputBytes, "Unprocessed input of a client; beyond that it is not read."),
        .size(
            "datagram-limit",
            \.limits.datagramBytes,
            // No datagram is longer over IPv4 (RFC 768, RFC 791).
            most: 65_507,
            "The longest text sent to a UDP client, as formatted; it misses longer ones."
        ),
        .size(
            "udp-input-limit",
            \.limits.endpointInputBytes,
            "Input of a --udp address that waits; beyond that it is not read."
        ),
        .size(
            "udp-output-limit",
            \.limits.endpointOutputBytes,
            "Output of a --udp address that waits; more is dropped."
        ),
        .count("join-rate", \.limits.joinsPerSecond, "The most clients that may join over UDP in a second."),
        .time("idle-time", \.limits.idleTime, "How long a UDP client may be silent before it is removed."),
        .size("tick-limit", \.limits.tickBytes, "Output that is collected before it is written."),
        .size("output-limit", \.limits.outputBytes, "Output of a tick; beyond it scripts may send no more."),
        .time("silence", \.limits.silence, "How long an unfinished line waits for its end, in framing auto."),
        .time("flush-time", \.limits.flushTime, "How long a stopping relay waits for unsent bytes to leave."),
        .size("name-limit", \.limits.nameBytes, "The longest name of a client, room or dialect."),
        .count("room-limit", \.limits.rooms, "The most rooms."),
        .count("dialect-limit", \.limits.dialects, "The most dialects."),
        .size(
            "console-bytes",
            \.limits.consoleBytes,
            "Bytes of lines that wait for a slow console, and for a slow log; more are dropped."
        ),
    ]

    private static let scriptLimits: [Setting] = [
        .size("lua-memory", \.luaLimits.memory, "Memory of all scripts."),
        .time("hook-time", \.luaLimits.hooks.cpuTime, "CPU time of all hooks of one message."),
        Setting(
            "hook-instructions",
            "Lua instructions of all hooks of one message.",
            valueName: "n",
            show: { "\($0.luaLimits.hooks.instructions)" },
            take: { values, settings throws(Refusal) in
                settings.luaLimits.hooks.instructions = Int64(try Count.parse(values.last ?? "").value)
            }
        ),
        .time("load-time", \.luaLimits.loading.cpuTime, "CPU time for loading all scripts."),
        .count("hook-limit", \.limits.hooks, "The most hooks that scripts may register."),
        .time(
            "pause-after",
            \.limits.pauseAfter,
            "A hook that wastes this much CPU time by passing limits is paused."
        ),
        .time("pause-window", \.limits.pauseWindow, "How long wasted time counts towards a pause."),
        .time("pause-time", \.limits.pauseTime, "How long a paused hook is left out."),
    ]
}
