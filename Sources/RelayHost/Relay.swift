// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Dispatch
internal import Foundation
public import HostSettings
internal import LatencyMonitor
public import LineOutput
public import Logging
internal import RelayCore
internal import RelayHooks
internal import RelayTransport
internal import Scheduling
public import ServiceLifecycle
internal import Synchronization

/// A whole relay: scripts, hub and listeners, put together.
///
/// ``start()`` and ``stop()`` serve programs and tests that embed it; ``run()`` serves a service group. Everything
/// behind it lives on one event loop, the script loop.
public final class Relay: Service {
    /// The program's version.
    public static let version = "0.1.0"

    let settings: Settings
    let logger: Logger
    let console: LineWriter?
    private let records: (any LineSink)?
    let life = RelayLife()
    let loop: ScriptLoop
    let parts: LoopBox<Parts?>
    /// Reads the settings again, for a reload; nil for those that the relay was made with.
    let rereads: (@Sendable () throws -> Settings)?
    let reloads = ReloadQueue()
    /// Takes commands, where that was asked for.
    let control = Mutex<ControlServer?>(nil)
    /// Ends when there is nothing left to do.
    let end = AsyncStream.makeStream(of: Void.self)
    /// Who we are to the mail server, where that was asked for.
    let login = Mutex<MailIdentity?>(nil)
    /// What scripts keep on disk.
    let storage: Storage
    /// What was measured, once that has ended.
    let measured = Mutex<[TargetSummary]>([])

    /// What lives on the script loop.
    struct Parts {
        var hub: Hub
        var hooks: HookEngine
        var ticks: TickScheduler
        /// One for each row of their table, in its order.
        var transports: [any Transport]
        var files: OpenedFiles
        var recording: Recording?
        var mail: AlertMailer
        var monitor: Monitor?
        /// When it began to listen.
        var startTime = Moment.past
    }

    /// What is opened before the script loop knows of it, as that takes a disk.
    struct OpenedFiles: Sendable {
        var capture: PacketCapture?
        var recording: RecordingFile?
    }

    /// Makes a relay that is not started.
    ///
    /// - Parameters:
    ///   - settings: What it needs.
    ///   - console: Where console lines go; nil for nowhere.
    ///   - records: Where the monitor's lines for programs go, a JSON object each; nil for nowhere.
    ///   - logger: The operational log.
    ///   - rereads: Reads the settings again when scripts are reloaded, of which the folder and the scripts' own settings
    ///     count; nil for those from before.
    /// - Throws: ``RelayError`` where the system has no descriptor left.
    public init(
        settings: Settings,
        console: LineWriter?,
        records: (any LineSink)? = nil,
        logger: Logger,
        rereads: (@Sendable () throws -> Settings)? = nil
    ) throws {
        self.settings = settings
        self.rereads = rereads
        self.console = settings.hasConsole ? console : nil
        self.records = records
        self.logger = logger
        self.storage = Storage(settings, environment: ProcessInfo.processInfo.environment, logger: logger)
        do {
            self.loop = try ScriptLoop(name: "script loop")
        } catch {
            throw RelayError(error.description)
        }
        self.parts = LoopBox(nil, of: self.loop)
    }

    deinit { self.loop.beginEnding() }

    /// Starts and serves until the service group shuts down, or the monitor has counted its samples.
    public func run() async throws {
        try await self.start()
        let end = self.end
        await withGracefulShutdownHandler {
            for await _ in end.stream {}
        } onGracefulShutdown: {
            end.continuation.finish()
        }
        try await self.stop()
    }

    /// Loads the scripts, binds every address, runs `start`, and only then takes connections and measures.
    ///
    /// - Returns: The addresses in use, with real ports.
    /// - Throws: ``RelayError``, `SettingsError` or `ScriptError`; nothing is left half started.
    @discardableResult
    public func start() async throws -> RelayAddresses {
        try await self.life.step("start", from: [.initial, .loaded], to: .running) {
            do {
                return try await self.startParts()
            } catch {
                await self.abandon()
                throw error
            }
        }
    }

    /// Loads the scripts; ``start()`` does, where nobody did before.
    ///
    /// - Throws: `SettingsError` or `ScriptError`, and the relay cannot be started then; ``RelayError`` if it was loaded before.
    public func load() async throws {
        try await self.life.step("load", from: [.initial], to: .loaded) {
            do {
                try await self.loadScripts()
            } catch {
                await self.abandon()
                throw error
            }
        }
    }

    private func loadScripts() async throws {
        let settings = try self.fitToOpenFiles(self.settings)
        let logger = self.logger
        let (scripts, folder, files) = try await Self.offLoop {
            let (scripts, folder) = try ScriptFolder.load(
                settings.scripts,
                environment: ProcessInfo.processInfo.environment
            )
            let files = OpenedFiles(
                capture: try settings.capture.map { try Self.openCapture($0, logger) },
                recording: try settings.recording.map { try RecordingFile($0, logger) }
            )
            return (scripts, folder, files)
        }
        do {
            try await self.fetchingStates([]) { fetched in
                try await self.loop.run { try self.assemble(settings, scripts, fetched, files) }
            }
        } catch {
            files.capture?.close()
            files.recording?.close()
            throw error
        }
        self.logger.info("scripts loaded", metadata: ["scripts.folder": "\(folder ?? "(stock)")"])
    }

    /// Raises the limit on open files, and lowers the limit on clients where that is not allowed.
    private func fitToOpenFiles(_ settings: Settings) throws -> Settings {
        var settings = settings
        let pings = settings.monitor.targets.count * settings.monitor.plan.openSockets
        guard !settings.listeners.isEmpty else {
            try OpenFiles.raise(forClients: 0, and: pings)
            return settings
        }
        let clients = try OpenFiles.raise(forClients: settings.limits.clients, and: pings)
        if clients < settings.limits.clients {
            self.logger.warning(
                "the open-file limit allows fewer clients than asked for: raise it, or lower --client-limit",
                metadata: ["clients.limit": "\(settings.limits.clients)", "clients.possible": "\(clients)"]
            )
            settings.limits.clients = clients
        }
        return settings
    }

    private func startParts() async throws -> RelayAddresses {
        if self.life.state == .initial { try await self.loadScripts() }
        let settings = self.settings
        // Names are looked up where that keeps nobody waiting.
        let (endpoints, targets) = try await Self.offLoop {
            (try Self.resolve(settings.listeners), try settings.monitor.targets.map { try $0.probeAddress() })
        }
        try await self.openMail()
        let bound = try await self.bind(endpoints)
        // Everything is bound: what an earlier run recorded may be replaced.
        if let files = try await self.loop.run({ self.parts.value?.files }) {
            try await Self.offLoop {
                files.capture?.begin()
                files.recording?.begin(at: Date().timeIntervalSince1970)
            }
        }
        try await self.loop.run { try self.open(bound, targets: targets) }
        var addresses = RelayAddresses()
        for endpoint in bound { addresses[endpoint.transport] += endpoint.all }
        return addresses
    }

    /// Builds the parts.
    ///
    /// On the script loop.
    private func assemble(
        _ settings: Settings,
        _ scripts: ScriptSet,
        _ fetched: [String: [StateRecord]],
        _ files: OpenedFiles
    ) throws {
        let hub = Hub(limits: settings.limits, clock: { Date().timeIntervalSince1970 })
        let mail = AlertMailer(loop: self.loop, logger: self.logger)
        let states = StateStore(storage: self.storage.states)
        let hooks = try HookEngine(
            hub: hub,
            scripts: scripts,
            limits: settings.luaLimits,
            values: settings.scriptValues,
            uptime: { Moment.now.seconds },
            console: self.console.map { LineConsole($0) },
            alerts: mail,
            states: states,
            fetched: fetched,
            files: self.storage.files,
            logger: self.logger,
            version: Self.version
        )
        // What became of mails and states, on its way to the functions that asked; the engine bounds how many wait.
        let results = Mailbox<@Sendable () -> Void>(
            on: self.loop,
            limit: .max,
            share: .init(items: 64, time: .milliseconds(2))
        ) { $0() }
        hooks.observers.onLoop = { results.post($0) }
        // A large state takes a while to close.
        hooks.observers.onDiscard = { retired in DispatchQueue.global().async { _ = retired } }
        let recording = files.recording.map { Recording($0, clock: hub.clock) }
        recording?.observe(hooks)
        let ticks = TickScheduler(hub: hub, loop: self.loop)
        self.parts.value = Parts(
            hub: hub,
            hooks: hooks,
            ticks: ticks,
            transports: TransportKind.allCases.map {
                $0.makeTransport(ticks, settings, capture: files.capture, logger: self.logger)
            },
            files: files,
            recording: recording,
            mail: mail
        )
    }

    private static func openCapture(_ path: String, _ logger: Logger) throws -> PacketCapture {
        do {
            return try PacketCapture(path: path, logger: logger)
        } catch {
            throw RelayError("cannot record packets in '\(path)': \(error.reason); or choose another file with --pcap")
        }
    }

    /// Runs `start` and begins to take clients.
    ///
    /// On the script loop.
    private func open(_ endpoints: [BoundEndpoint], targets: [ProbeAddress]) throws {
        self.parts.value?.startTime = .now
        guard let parts = self.parts.value else { return }
        if endpoints.isEmpty, targets.isEmpty { self.logger.warning("listening nowhere") }
        // What it sees waits for its share of a tick.
        if !targets.isEmpty { try self.startMonitor(parts, targets, records: self.records) }
        parts.hooks.start()
        parts.ticks.timers = ScriptTimers(parts.hooks)
        for endpoint in endpoints {
            let (transport, address) = (endpoint.transport, "\(endpoint.first)")
            self.logger.info("listening", metadata: ["\(transport.name).address": "\(address)"])
            parts.hooks.listening(transport: transport, address: address)
        }
        for transport in parts.transports { transport.accept() }
    }
}
