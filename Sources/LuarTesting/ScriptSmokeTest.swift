// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
internal import LatencyMonitor
public import LuaScripting
public import RelayCore
public import RelayHooks

/// A run of scripts with everything that can happen to them: each event, with typical and with hostile texts.
///
/// What fails here would fail some day in the relay, where it is logged and the chat goes on.
public struct ScriptSmokeTest {
    /// What failed, each once, with the first occasion on which it did.
    public private(set) var failures: [ScriptProblem] = []
    /// What becomes of a text that looks like a command and is none.
    public enum UnknownCommand: String, Sendable, Encodable {
        /// Others read it, as any text.
        case relayed
        /// Its sender alone is told that there is no such command.
        case answered
    }

    /// What becomes of texts that look like commands and are none; nil where scripts do something else with them.
    public private(set) var unknownCommands: UnknownCommand?
    /// What the hooks of both programs did.
    public private(set) var costs: [HookStatus] = []

    private var told: Set<ScriptProblem> = []

    /// The CPU time that all of it may take, and once more all timers.
    private let longest: Duration
    private let start = ThreadTime.now
    private var isOver: Bool { ThreadTime.now - self.start > self.longest }

    /// Runs the scripts.
    ///
    /// - Parameters:
    ///   - scripts: The Lua files.
    ///   - values: What operators set for them.
    ///   - limits: The relay's limits.
    ///   - scriptLimits: What scripts may use.
    ///   - longest: The CPU time after which no more is tried; that is a failure.
    /// - Throws: `ScriptError` for scripts that do not load.
    public init(
        _ scripts: ScriptSet,
        values: ScriptValues = ScriptValues(),
        limits: Limits = Limits(),
        scriptLimits: LuaLimits = LuaLimits(),
        longest: Duration = .seconds(20)
    ) throws {
        self.longest = longest
        let texts = Self.texts(for: scripts, longest: limits.messageBytes)
        try self.preflightRelay(HookHarness(scripts, values, limits: limits, scriptLimits: scriptLimits), texts)
        try self.preflightChat(texts) { server in
            try ChatHooks(
                server: server,
                scripts: scripts,
                limits: limits,
                luaLimits: scriptLimits,
                values: values,
                logger: HookHarness.silentLogger,
                version: "0"
            )
        }
    }

    // MARK: The relay

    /// Newcomers, texts, departures, measurements and timers, in a relay of their own.
    private mutating func preflightRelay(_ relay: HookHarness, _ texts: [Input]) {
        relay.timerTimeLimit = self.longest
        relay.keepsHeard = false
        self.note("the start", relay)
        for transport in TransportKind.allCases {
            relay.hooks.listening(transport: transport, address: "127.0.0.1:12345")
        }
        self.note("listening", relay)
        // Somebody is there in each room, so that what others say has recipients.
        let listeners = TransportKind.allCases.map { relay.connect($0) }
        for listener in listeners where listener.origin.transport.socketType == .datagram { listener.says("oi") }
        self.note("a newcomer", relay)
        for (index, text) in texts.enumerated() {
            // Newcomers with hosts of their own, and time between them: rules against floods are not what is looked at.
            guard !self.isOver else { return self.end(relay) }
            let host = "10.1.\(index / 250).\(index % 250 + 1)"
            for transport in TransportKind.allCases {
                let client = relay.connect(transport, "\(host):4000")
                client.sends(text.bytes)
                client.says("oi")
                client.sends(text.bytes)
                client.leaves()
                self.note(text.name, relay)
            }
            relay.advance(by: .seconds(1))
            self.note("a timer", relay)
        }
        for reason in ["left", "lost", "slow", "unreachable", "idle", "replaced"] {
            let client = relay.connect()
            client.says("oi")
            if reason == "unreachable" { client.turnsOutUnreachable() } else { client.leaves(reason) }
            self.note("a client that leaves (\(reason))", relay)
        }
        for kind in SystemMessageKind.allCases {
            for listener in listeners { listener.getsSystemMessage(kind) }
            self.note("system_message (\(kind.rawValue))", relay)
        }
        self.tryUnknownCommand(relay)
        self.preflightMonitor(relay)
        // Also those that are due once a day.
        relay.hooks.tryTimers { !self.isOver }
        self.note("a timer", relay)
        self.end(relay)
    }

    /// Stops the relay, and says so if not everything was tried.
    private mutating func end(_ relay: HookHarness) {
        if self.isOver, !relay.isOutOfTime {
            self.note(
                HookFailure(
                    timers: "more than \(self.longest) of CPU time went by, which is the most; the rest is not tried"
                ),
                "all hooks and timers"
            )
        }
        relay.stop()
        self.note("the stop", relay)
        self.costs += relay.hooks.hookStatus
    }

    private mutating func preflightMonitor(_ relay: HookHarness) {
        let outcomes: [(name: String, outcome: PingOutcome)] =
            [0, 50, 150, 400, 5_000].map { ("a reply after \($0) ms", .reply(.milliseconds($0))) }
            + [("a timeout", .timeout), ("a refusal", .refused), ("an inconclusive ping", .inconclusive)]
        for (name, outcome) in outcomes {
            // Often enough to be held.
            for _ in 0..<5 { relay.measure(outcome) }
            relay.measure(outcome, of: "[2001:db8::1]:1")
            self.note(name, relay)
        }
        let (subject, status, recipient) = ("subject", "status", "ana@example.org")
        relay.hooks.mailSent(subject: subject, status: status, recipient: recipient)
        relay.hooks.mailFailed(subject: subject, status: status, recipient: recipient, reason: "refused")
        relay.hooks.mailSent(subject: subject, status: "", recipient: recipient)
        self.note("a mail", relay)
        for kind in ["notice", "address", "password"] { _ = relay.hooks.prompt(kind) }
        self.note("a prompt", relay)
    }

    /// Has somebody say what looks like a command, and sees who hears it.
    private mutating func tryUnknownCommand(_ relay: HookHarness) {
        let (one, other) = (relay.connect(), relay.connect())
        let name = "/comando-que-ninguem-tem"
        relay.keepsHeard = true
        one.says(name)
        if other.hears.contains(where: { $0.contains(name) }) {
            self.unknownCommands = .relayed
        } else if one.hears.contains(where: { $0.contains(name) }) {
            self.unknownCommands = .answered
        }
        relay.keepsHeard = false
        one.leaves()
        other.leaves()
        self.note("an unknown command", relay)
    }

    /// Notes what has failed since this was last called.
    private mutating func note(_ occasion: String, _ relay: HookHarness) {
        for failure in relay.takeFailures() { self.note(failure, occasion) }
        relay.forget()
    }

    private mutating func note(_ failure: HookFailure, _ occasion: String) {
        var problem = ScriptProblem(failure)
        // What differs in the occasion alone is one mistake.
        guard self.told.insert(problem).inserted else { return }
        problem.reason = "'\(failure.event)' failed on \(occasion): \(problem.reason)"
        self.failures.append(problem)
    }

    // MARK: The chat client

    private mutating func preflightChat(_ texts: [Input], _ open: (ChatServer) throws -> ChatHooks) throws {
        for transport in TransportKind.allCases {
            let server = ChatServer(
                host: "127.0.0.1",
                port: 12_345,
                address: "127.0.0.1:12345",
                transport: transport
            )
            let chat = try open(server)
            var failures: [HookFailure] = []
            chat.onFailure = { failures.append($0) }
            func tell(_ occasion: String) {
                for failure in failures { self.note(failure, occasion) }
                failures = []
            }
            _ = chat.connected()
            _ = chat.hello()
            tell("a connection")
            for text in texts + [Input(name: "an empty line", bytes: [])] {
                guard !self.isOver else { break }
                text.bytes.withUnsafeBytes { bytes in
                    _ = chat.sending(bytes)
                    _ = chat.received(bytes)
                }
                tell(text.name)
            }
            for reason in ["left", "closed", "lost"] { _ = chat.closed(reason: reason) }
            tell("the end of a connection")
            // Each hook once.
            if transport == TransportKind.allCases.first { self.costs += chat.hookStatus }
        }
    }
}

extension ScriptSmokeTest {
    /// A text that somebody may send.
    private struct Input {
        /// What it is, for error texts.
        var name: String
        var bytes: [UInt8]

        init(name: String, bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }

        init(_ text: String) { self.init(name: "the text \"\(text)\"", bytes: Array(text.utf8)) }
    }

    /// Typical texts and hostile ones, and the commands that stand in the scripts.
    private static func texts(for scripts: ScriptSet, longest: Int) -> [Input] {
        let long = min(longest, 64 << 10)
        let commands = Set(scripts.sources.compactMap { LuaCode($0) }.flatMap(\.texts))
            .filter { $0.wholeMatch(of: #/\/[\w-]{1,30}/#) != nil }.sorted().prefix(Self.mostCommands)
        let said = [
            "oi", "Olá! Tudo, e com você?", "ping", " ", "/", "%", "%1 %s %d %%", "{\"text\": \"oi\"}", "[1,", "0",
        ]
        let odd = [
            Input(name: "bytes that are not UTF-8", bytes: [0xFF, 0xC3, 0x28, 0x80]),
            Input(name: "control characters", bytes: [0x1B, 0x5B, 0x33, 0x31, 0x6D, 0x00, 0x0D, 0x09, 0x07]),
            Input(name: "a text of \(long) bytes", bytes: Array(repeating: UInt8(ascii: "a"), count: long)),
            Input(
                name: "\(long - 2) spaces between two letters",
                bytes: [0x61] + Array(repeating: 0x20, count: max(0, long - 2)) + [0x62]
            ),
            Input(name: "a text of \(long) spaces", bytes: Array(repeating: UInt8(ascii: " "), count: long)),
            Input(name: "a text of \(long) bytes that are not UTF-8", bytes: Array(repeating: 0xFF, count: long)),
        ]
        let commanded = commands.flatMap { command in
            [
                Input(command), Input(command + " "), Input(command + " oi"), Input(command + " 0 0"),
                Input(
                    name: "\(command) and bytes that are not UTF-8",
                    bytes: Array(command.utf8) + [0x20, 0xFF, 0xC3]
                ),
                Input(
                    name: "\(command) and a text of \(long) bytes in all",
                    bytes: Array((command + " ").utf8)
                        + Array(repeating: UInt8(ascii: "a"), count: max(0, long - command.utf8.count - 1))
                ),
            ]
        }
        return said.map { Input($0) } + odd + commanded
    }

    private static let mostCommands = 50
}
