// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import Foundation
internal import HostSettings
public import LatencyMonitor
internal import Logging
public import LuaScripting
public import RelayCore
public import RelayHooks

/// A relay without sockets and with a clock of its own, for testing hooks.
///
/// The hub, the Lua state, the scripts and all limits are those of the relay; only the wires are missing. Everything happens
/// when the test says so: time passes by ``advance(by:)`` alone, and when a call returns, all that it causes has happened.
///
/// ```swift
/// let relay = try HookHarness(scripts: "scripts", settings: ["latency.normal_ms": "80"])
/// let ana = relay.connect(.tcp, "10.0.0.1:4000")
/// let bia = relay.connect(.tcp, "10.0.0.2:5000")
/// ana.says("oi")
/// #expect(bia.hears == ["ana: oi"])
/// #expect(relay.measure(rtt: .milliseconds(120)).level == 1)
/// relay.advance(by: .seconds(30))
/// #expect(relay.mails.isEmpty)
/// ```
///
/// Each message is a Lua object of its own here, so that a script which keeps one fails, as it would read another message
/// in the relay. `os.time` and `os.date` without a time tell the real one; `relay.now` tells the harness's.
///
/// A harness and its clients belong to one task.
public final class HookHarness {
    let hub: Hub
    let hooks: HookEngine
    /// What is kept of what happens, and how much of that may be.
    let budget: HarnessBudget
    private let consoleLines: HarnessConsole
    private let outbox: HarnessOutbox
    private let fileLines: HarnessFiles
    private let logRecord: HarnessLog
    /// Whether clients keep what they hear.
    var keepsHeard = true
    /// The most CPU time that timers may take in ``advance(by:)``, over all its calls; nil for no limit.
    var timerTimeLimit: Duration?
    private var timerTime = Duration.zero
    /// Whether timers took longer than that; they are not called any more.
    private(set) var isOutOfTime = false
    private let states: StateStore
    private let clock: Clock
    private var scripts: ScriptSet
    private var values: ScriptValues
    private let folder: String
    private var clients: [Int64: HarnessClient] = [:]
    private let monitor: HarnessMonitor
    private var lastPort = 40_000

    /// What hooks and timers have failed with, in order.
    public private(set) var failures: [HookFailure] = []
    /// What became of each text that a client sent, in order; those of whoever is at the door are not among them.
    public private(set) var messages: [HarnessMessage] = []

    /// The harness's time.
    private final class Clock {
        let start: Double
        var uptime = 0.0
        var now: Double { self.start + self.uptime }
        init(start: Double) { self.start = start }
    }

    /// Loads scripts as the relay does, and runs their `start` hooks.
    ///
    /// - Parameters:
    ///   - folder: The scripts folder; it lies over the stock scripts. nil for the stock scripts alone.
    ///   - files: Lua texts by path, as `format.lua`, that lie over the folder.
    ///   - settings: What operators would set, as `"latency.normal_ms": "80"`.
    ///   - limits: The relay's limits.
    ///   - scriptLimits: What the scripts may use.
    ///   - start: The time at which the harness begins; Monday, 5 January 2026, 12:00 here, if left out.
    /// - Throws: `ScriptError` for scripts that do not load, `SettingsError` for a folder that cannot be read.
    public convenience init(
        scripts folder: String? = nil,
        files: [String: String] = [:],
        settings: [String: String] = [:],
        limits: Limits = Limits(),
        scriptLimits: LuaLimits = LuaLimits(),
        at start: Date? = nil
    ) throws {
        var scripts = try folder.map { try ScriptFolder.load($0, environment: [:]).set } ?? ScriptFolder.stock
        scripts.lay(files.mapValues { Array($0.utf8) }, folder: folder ?? "scripts")
        try self.init(
            scripts,
            ScriptValues(test: settings),
            folder: folder ?? "scripts",
            limits: limits,
            scriptLimits: scriptLimits,
            at: start
        )
    }

    /// Loads scripts that were read before.
    init(
        _ scripts: ScriptSet,
        _ values: ScriptValues,
        folder: String = "scripts",
        limits: Limits = Limits(),
        scriptLimits: LuaLimits = LuaLimits(),
        at start: Date? = nil
    ) throws {
        let noon = DateComponents(calendar: .current, year: 2026, month: 1, day: 5, hour: 12)
        let clock = Clock(start: (start ?? noon.date ?? Date(timeIntervalSince1970: 0)).timeIntervalSince1970)
        let budget = HarnessBudget()
        let log = HarnessLog(budget)
        (self.budget, self.logRecord) = (budget, log)
        (self.consoleLines, self.outbox, self.fileLines) = (
            HarnessConsole(budget), HarnessOutbox(budget), HarnessFiles(budget)
        )
        self.clock = clock
        (self.scripts, self.values, self.folder) = (scripts, values, folder)
        self.hub = Hub(limits: limits, clock: { clock.now })
        let states = StateStore(storage: HarnessStorage())
        self.states = states
        let (hub, console, outbox, files) = (self.hub, self.consoleLines, self.outbox, self.fileLines)
        self.hooks = try states.fetching { fetched in
            try HookEngine(
                hub: hub,
                scripts: scripts,
                limits: scriptLimits,
                values: values,
                uptime: { clock.uptime },
                console: console,
                alerts: outbox,
                states: states,
                fetched: fetched,
                files: files,
                hasOwnMessages: true,
                logger: Logger(label: "harness") { _ in HarnessLogHandler(log: log) },
                version: "0"
            )
        }
        self.monitor = HarnessMonitor(self.hooks)
        self.hooks.observers.onFailure = { [unowned self] in self.note($0) }
        self.hooks.observers.onMessage = { [unowned self] in self.note($0) }
        self.hooks.start()
        self.hub.endTicks()
    }

    // MARK: Clients

    /// Makes a client.
    ///
    /// - Parameters:
    ///   - transport: What carries its texts.
    ///   - address: Its address, as `10.0.0.1:4000` or `[::1]:4000`, which must be one; 10.0.0.1 with a port of its own if
    ///     left out.
    /// - Returns: The client: with a stream it is connected, with datagrams its first text lets it in.
    public func connect(_ transport: TransportKind = .tcp, _ address: String? = nil) -> HarnessClient {
        do {
            return try self.client(transport, address)
        } catch {
            preconditionFailure("\(error)")
        }
    }

    /// Makes a client, or says what is wrong with the address.
    func client(_ transport: TransportKind, _ address: String?) throws(SettingsError) -> HarnessClient {
        self.lastPort += 1
        let endpoint =
            try address.map { text throws(SettingsError) in try Endpoint(text, defaultPort: self.lastPort) }
            ?? Endpoint(host: "10.0.0.1", port: self.lastPort)
        let origin = ClientOrigin(transport: transport, host: endpoint.host, port: endpoint.port)
        let client = HarnessClient(self, origin)
        if transport.socketType == .stream { client.connect() }
        return client
    }

    func note(_ client: HarnessClient) {
        if let id = client.id { self.clients[id] = client }
    }

    func endTick() { self.hub.endTicks() }

    private func note(_ failure: HookFailure) {
        if self.failures.count < HarnessBudget.mostFailures { self.failures.append(failure) }
    }

    private func note(_ trace: MessageTrace) {
        let sent = trace.sentAs.values.reduce(trace.sent?.count ?? 0) { $0 + $1.count }
        let size = trace.text.count + trace.filtered.count + sent
        guard self.budget.admit(size + trace.recipients.count * MemoryLayout<HarnessClient>.size) else { return }
        self.messages.append(
            HarnessMessage(
                sender: self.clients[trace.sender],
                text: String(decoding: trace.text, as: UTF8.self),
                filtered: String(decoding: trace.filtered, as: UTF8.self),
                sent: trace.sent.map { String(decoding: $0, as: UTF8.self) },
                sentAs: trace.sentAs.mapValues { String(decoding: $0, as: UTF8.self) },
                fate: trace.fate,
                recipients: trace.recipients.compactMap { self.clients[$0] }
            )
        )
    }

    // MARK: Reloading

    /// Puts other scripts in the place of those that run, as `luar reload` does.
    ///
    /// - Parameters:
    ///   - files: Lua texts by path that lie over the scripts from before.
    ///   - settings: What operators set now; nil leaves it as it was.
    /// - Throws: `ScriptError` for scripts that do not load and data that cannot go over; the ones from before go on.
    public func reload(files: [String: String], settings: [String: String]? = nil) throws {
        var scripts = self.scripts
        scripts.lay(files.mapValues { Array($0.utf8) }, folder: self.folder)
        let values = settings.map { ScriptValues(test: $0) } ?? self.values
        _ = try self.states.fetching { try self.hooks.reload(scripts, values: values, fetched: $0) }
        (self.scripts, self.values) = (scripts, values)
        self.hub.endTicks()
    }

    // MARK: Time

    /// The harness's time.
    public var now: Date { Date(timeIntervalSince1970: self.clock.now) }

    /// Lets time pass, and calls the timers that are due meanwhile, each at its own time.
    ///
    /// Functions that wait in `relay.mail` and `relay.sync` are called then, too; no time needs to pass for them.
    ///
    /// Timers that make timers for the same moment without end are a failure, and so are timers that are due millions of times.
    public func advance(by duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let end = self.clock.uptime + Double(seconds) + Double(attoseconds) * 1e-18
        guard !self.isOutOfTime else {
            self.clock.uptime = end
            return
        }
        let start = ThreadTime.now
        var rounds = 0
        var allRounds = 0
        while let due = self.hooks.nextTimer, due <= end {
            // Spans add up with rounding; a millionth of a second is nobody's period.
            if due > self.clock.uptime + 1e-6 { rounds = 0 }
            self.clock.uptime = max(self.clock.uptime, due)
            let isDone = self.runDueTimers(since: start)
            self.hub.endTicks()
            guard isDone else { break }
            rounds += 1
            allRounds += 1
            guard rounds < Self.mostRounds else {
                self.failures.append(HookFailure(timers: "timers make timers for the same moment without end"))
                break
            }
            guard allRounds < Self.mostRoundsInAll else {
                self.failures.append(
                    HookFailure(
                        timers: "timers were due \(allRounds) times in one stretch of time; let less of it pass"
                    )
                )
                break
            }
        }
        self.timerTime += ThreadTime.now - start
        self.clock.uptime = end
    }

    /// Calls the timers that are due now, one by one, as long as they may take.
    ///
    /// - Returns: Whether time is left.
    private func runDueTimers(since start: Duration) -> Bool {
        // Those that are made meanwhile wait for the next round.
        for _ in 0..<max(1, self.hooks.timerCount) {
            // A deadline that has passed: the first timer is called, and no other.
            let isMore = self.hooks.runTimers(until: 0)
            if let limit = self.timerTimeLimit, self.timerTime + (ThreadTime.now - start) > limit {
                self.isOutOfTime = true
                self.note(
                    HookFailure(
                        timers:
                            "timers took more than \(limit) of CPU time in all, which is the most, and are not called "
                            + "any more; make them rarer or faster, or let less time pass"
                    )
                )
                return false
            }
            guard isMore else { return true }
        }
        return true
    }

    /// Rounds of timers at one moment.
    private static let mostRounds = 10_000
    /// Rounds of timers in one stretch of time; a daily timer takes one a minute.
    private static let mostRoundsInAll = 6_000_000

    // MARK: The monitor

    /// Measures a target, ten seconds after the last time, as the monitor does.
    ///
    /// - Parameters:
    ///   - time: The round-trip time.
    ///   - target: The target, as an operator would write it.
    /// - Returns: What the scripts made of it.
    @discardableResult
    public func measure(rtt time: Duration, of target: String = "127.0.0.1:12345") -> HarnessSample {
        self.measure(.reply(time), of: target)
    }

    /// Measures a target, ten seconds after the last time, as the monitor does.
    ///
    /// The quick pings after a lost one are lost, too.
    ///
    /// - Parameters:
    ///   - outcome: What became of the ping.
    ///   - target: The target, as an operator would write it.
    /// - Returns: What the scripts made of it.
    @discardableResult
    public func measure(_ outcome: PingOutcome, of target: String = "127.0.0.1:12345") -> HarnessSample {
        if self.monitor.hasMeasured(target) { self.advance(by: HarnessMonitor.interval) }
        defer { self.hub.endTicks() }
        return self.monitor.measure(outcome, of: target, uptime: self.clock.uptime, time: self.clock.now)
    }

    // MARK: What scripts did

    /// The console's lines so far.
    public var console: [String] { self.consoleLines.lines }
    /// The mails that scripts asked for so far.
    public var mails: [HarnessMail] { self.outbox.mails }
    /// What scripts count and measure, sorted by name and labels.
    public var metrics: [ScriptMetrics.Entry] { self.hooks.metrics.entries }
    /// The lines that scripts wrote to files, in order.
    public var files: [HarnessFileLine] { self.fileLines.lines }
    /// The operational log so far, from every level.
    public var log: [HarnessLogEntry] { self.logRecord.entries }

    /// What has failed since this was last called, or since the beginning; ``failures`` is empty then.
    func takeFailures() -> [HookFailure] {
        defer { self.failures = [] }
        return self.failures
    }

    /// Forgets what was kept, so that something long takes no more memory than something short.
    ///
    /// - Parameter count: How many of ``messages``, the oldest ones; nil for all.
    func forget(messages count: Int? = nil) {
        self.messages.removeFirst(min(count ?? .max, self.messages.count))
        (self.consoleLines.lines, self.outbox.mails, self.fileLines.lines) = ([], [], [])
        self.logRecord.entries = []
        self.budget.reset()
    }

    /// A log that nobody reads.
    static var silentLogger: Logger { Logger(label: "harness") { _ in SwiftLogNoOpLogHandler() } }

    /// Has the relay stop: closes every client with the reason `shutdown`, and runs the `stop` hooks.
    public func stop() {
        for client in self.hub.clients() {
            self.hub.sendSystemMessage(.shutdown, to: client)
            self.hub.close(client, reason: "shutdown")
        }
        self.hub.endTicks()
        self.hooks.stop()
    }
}
