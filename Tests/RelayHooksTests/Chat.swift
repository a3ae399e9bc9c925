// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Logging
import LuaScripting
import RelayCore
import RelayHooks
import Scheduling
import StockScripts
import TestSupport
import WireFormats

@testable import LatencyMonitor

/// A chat without sockets: the real hub, the real hooks, and clients whose bytes are recorded.
final class Chat {
    /// Somebody in the chat.
    final class Person: MemoryReceiver {
        var client: Client?
        /// Every write, as text.
        var writes: [String] = []
        var isClosed = false

        func write(_ pieces: [UnsafeRawBufferPointer]) {
            self.writes.append(String(decoding: pieces.joined(), as: UTF8.self))
        }

        func close() { self.isClosed = true }

        /// What has arrived since the last look.
        var hears: String {
            defer { self.writes.removeAll() }
            return self.writes.joined()
        }
    }

    final class Console: ConsoleOutput {
        var lines: [String] = []
        var isFull = false
        var skipped = 0
        func write(_ line: UnsafeRawBufferPointer) { self.lines.append(String(decoding: line, as: UTF8.self)) }
        func skip() { self.skipped += 1 }
    }

    /// Takes the mails that scripts ask for.
    final class Outbox: AlertOutput {
        var mails: [AlertMail] = []
        var incidents: [String?] = []
        var problem: String?
        /// What takes the results, one for each mail.
        var stored: [(@Sendable (Bool) -> Void)?] = []
        /// Whether mails go nowhere.
        var isClosed = false
        func problem(with mail: AlertMail) -> String? { self.problem }
        func send(_ mail: AlertMail, about report: Report?, stored: (@Sendable (Bool) -> Void)?) -> Bool {
            guard !self.isClosed else { return false }
            self.stored.append(stored)
            self.mails.append(mail)
            self.incidents.append(report?.incident)
            return true
        }
    }

    /// The time that scripts and pauses see.
    final class Clock { var now = 1_000_000.0 }

    let hub: Hub
    let hooks: HookEngine
    let console = Console()
    let clock = Clock()
    let log = LogRecord()
    let outbox = Outbox()
    private var lastPort = 4_000
    private var watch: TargetWatch?
    private var slot = 0

    /// Starts a chat with Lua files laid over the stock scripts, or over none.
    init(
        _ files: [String: String] = [:],
        hasStock: Bool = true,
        limits: Limits = Limits(),
        luaLimits: LuaLimits = LuaLimits(),
        values: ScriptValues = ScriptValues(),
        settings: [String: String] = [:],
        states: StateStore = StateStore(),
        fetched: [String: [StateRecord]] = [:],
        fileOutput: (any FileOutput)? = nil,
        uptime: (() -> Double)? = nil
    ) throws {
        var values = values
        for (name, text) in settings { values.set(name, to: .text(text)) }
        let clock = self.clock
        self.hub = Hub(limits: limits, clock: { clock.now })
        let log = self.log
        let logger = Logger(label: "test") { _ in RecordingHandler(record: log) }
        self.hooks = try HookEngine(
            hub: self.hub,
            scripts: ScriptSet(
                stock: hasStock ? StockScripts.files : [:],
                own: files.mapValues { Array($0.utf8) }
            ),
            limits: luaLimits,
            values: values,
            uptime: uptime,
            console: self.console,
            alerts: self.outbox,
            states: states,
            fetched: fetched,
            files: fileOutput,
            logger: logger,
            version: "9.9.9"
        )
    }

    convenience init(
        _ script: String,
        hasStock: Bool = true,
        limits: Limits = Limits(),
        states: StateStore = StateStore(),
        fileOutput: (any FileOutput)? = nil
    ) throws {
        try self.init(["test.lua": script], hasStock: hasStock, limits: limits, states: states, fileOutput: fileOutput)
    }

    /// Lets somebody in.
    func connect(
        _ host: String = "10.0.0.1",
        transport: TransportKind = .tcp,
        wire: WireEncoding = .raw,
        saying text: String? = nil
    ) -> Person {
        self.lastPort += 1
        let person = Person()
        let origin = ClientOrigin(transport: transport, host: host, port: self.lastPort)
        person.client =
            if let text {
                Array(text.utf8).withUnsafeBytes { self.hub.join(origin, wire: wire, receiver: person, saying: $0) }
            } else {
                self.hub.join(origin, wire: wire, receiver: person)
            }
        self.hub.endTick()
        return person
    }

    /// Measures a target, ten seconds after the last time.
    func measure(_ outcome: PingOutcome) { self.see(.decided(outcome)) }

    /// Tells the monitor's watch what the prober saw; true if it asks for re-probes.
    @discardableResult
    func see(_ kind: ProbeEvent.Kind) -> Bool {
        let watch =
            self.watch
            ?? TargetWatch(target: "127.0.0.1:12345", burst: 1, rules: .init(), policy: self.hooks)
        if self.watch == nil { self.hooks.targets = 1 }
        self.watch = watch
        if case .decided = kind { self.slot += 1 }
        let moment = Moment(nanoseconds: Int64(self.slot) * 10_000_000_000)
        let time = self.clock.now + Double(self.slot) * 10
        return watch.take(ProbeEvent(target: 0, slot: self.slot - 1, moment: moment, time: time, kind: kind))
    }

    /// Has somebody send a text, in a tick of its own.
    func says(_ person: Person, _ text: String) {
        self.says(person, Array(text.utf8))
    }

    func says(_ person: Person, _ bytes: [UInt8]) {
        guard let client = person.client else { return }
        _ = bytes.withUnsafeBytes { self.hub.receive($0, from: client) }
        self.hub.endTick()
    }

    func leaves(_ person: Person, _ reason: String = "left") {
        guard let client = person.client else { return }
        self.hub.close(client, reason: reason)
        self.hub.endTick()
    }
}
