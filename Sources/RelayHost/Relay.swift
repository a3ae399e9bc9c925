// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Dispatch
internal import Foundation
public import HostSettings
internal import LatencyMonitor
public import LineOutput
public import Logging
internal import NIOCore
internal import NIOPosix
internal import RelayCore
internal import RelayHooks
internal import RelayTransport
public import ServiceLifecycle
internal import Synchronization

/// Where a relay listens.
public struct RelayAddresses: Sendable, Equatable {
    /// For TCP clients.
    public var tcp: [Endpoint] = []
    /// For UDP clients.
    public var udp: [Endpoint] = []
}

/// A whole relay: scripts, hub and listeners, put together.
///
/// ``start()`` and ``stop()`` serve programs and tests that embed it; ``run()`` serves a service group. Everything
/// behind it lives on one event loop, the script loop.
public final class Relay: Service {
    /// The program's version.
    public static let version = "0.1.0"

    let settings: Settings
    let logger: Logger
    private let console: LineWriter?
    private let records: (any LineSink)?
    private let group: MultiThreadedEventLoopGroup
    let loop: any EventLoop
    let parts: NIOLoopBoundBox<Parts?>
    /// Whether the loop has ended or is about to: it takes no work any more.
    private let isStopped = Mutex(false)
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
        var turns: Turns
        var tcp: TCPRelay
        var udp: UDPRelay
        var capture: PacketCapture?
        var recording: Recording?
        var timers: TimerDriver
        var mail: MailDesk
        var monitor: Monitor?
        /// When it began to listen, as uptime.
        var startTime = 0.0
    }

    /// The addresses that an endpoint stands for.
    private struct Doors {
        var asked: Endpoint
        var addresses: [SocketAddress]
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
    public init(
        settings: Settings,
        console: LineWriter?,
        records: (any LineSink)? = nil,
        logger: Logger,
        rereads: (@Sendable () throws -> Settings)? = nil
    ) {
        self.settings = settings
        self.rereads = rereads
        self.console = settings.hasConsole ? console : nil
        self.records = records
        self.logger = logger
        self.storage = Storage(settings, environment: ProcessInfo.processInfo.environment, logger: logger)
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        self.loop = self.group.next()
        self.parts = NIOLoopBoundBox.makeEmptyBox(valueType: Parts.self, eventLoop: self.loop)
    }

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
        do {
            return try await self.startParts()
        } catch {
            await self.abandon()
            throw error
        }
    }

    /// Lets go of everything after a failed start.
    private func abandon() async {
        self.isStopped.withLock { $0 = true }
        await self.closeControl()
        await self.closeMail()
        try? await Self.offLoop { self.storage.close() }
        // Sockets that were opened have threads of their own.
        try? await self.loop
            .flatSubmit { self.parts.value?.udp.stop() ?? self.loop.makeSucceededVoidFuture() }
            .get()
        try? await self.loop.submit { self.dismantle() }.get()
        try? await self.group.shutdownGracefully()
    }

    /// Loads the scripts; ``start()`` does, where nobody did before.
    ///
    /// - Throws: `SettingsError` or `ScriptError`; the relay cannot be started then.
    public func load() async throws {
        do {
            try await self.loadScripts()
        } catch {
            await self.abandon()
            throw error
        }
    }

    private func loadScripts() async throws {
        guard try await self.loop.submit({ self.parts.value == nil }).get() else { return }
        var settings = self.settings
        let pings = settings.monitor.targets.count * settings.monitor.plan.openSockets
        let clients = OpenFiles.raise(forClients: settings.limits.clients, and: pings)
        if clients < settings.limits.clients, !(settings.tcp.isEmpty && settings.udp.isEmpty) {
            self.logger.warning(
                "the open-file limit allows fewer clients than asked for: raise it, or lower --client-limit",
                metadata: ["clients.limit": "\(settings.limits.clients)", "clients.possible": "\(clients)"]
            )
            settings.limits.clients = clients
        }
        let (scripts, folder) = try ScriptFolder.load(
            settings.scripts,
            environment: ProcessInfo.processInfo.environment
        )
        try await self.fetchingStates([]) { fetched in
            try await self.loop.submit { [settings] in try self.assemble(settings, scripts, fetched) }.get()
        }
        self.logger.info("scripts loaded", metadata: ["scripts.folder": "\(folder ?? "(stock)")"])
    }

    private func startParts() async throws -> RelayAddresses {
        try await self.loadScripts()
        let settings = self.settings
        let tcp = try settings.tcp.map { Doors(asked: $0, addresses: try $0.resolve()) }
        let udp = try settings.udp.map { Doors(asked: $0, addresses: try $0.resolve()) }
        let targets = try settings.monitor.targets.map { try $0.probeAddress() }
        try await self.openMail()
        let boundTCP = try await self.bind(tcp, option: "--tcp") { $0.tcp.bind(to: $1) }
        let boundUDP = try await self.bind(udp, option: "--udp") { $0.udp.bind(to: $1) }
        try await self.loop
            .submit { try self.open(tcp: boundTCP.map(\.first), udp: boundUDP.map(\.first), targets: targets) }
            .get()
        return RelayAddresses(tcp: boundTCP.flatMap(\.all), udp: boundUDP.flatMap(\.all))
    }

    /// Stops taking connections and measuring, lets what is unsent leave, runs `disconnect` and `stop`, and ends the loop.
    ///
    /// Mails that are not delivered are on disk then.
    ///
    /// A relay that has stopped, or did not start, stays as it is.
    public func stop() async throws {
        let isFirst = self.isStopped.withLock { isStopped in
            defer { isStopped = true }
            return !isStopped
        }
        guard isFirst else { return }
        await self.closeControl()
        try await self.loop
            .flatSubmit {
                guard let parts = self.parts.value else { return self.loop.makeSucceededVoidFuture() }
                self.endMonitor(parts)
                return parts.tcp.stop().and(parts.udp.stop()).map { _ in }
            }
            .get()
        await self.closeMail()
        try await self.loop.submit { self.close() }.get()
        // What `stop` handlers left is among it.
        try await Self.offLoop { self.storage.close() }
        self.end.continuation.finish()
        self.console?.drain()
        try await self.group.shutdownGracefully()
    }

    /// Builds the parts.
    ///
    /// On the script loop.
    private func assemble(_ settings: Settings, _ scripts: ScriptSet, _ fetched: [String: [StateRecord]]) throws {
        let hub = Hub(limits: settings.limits, clock: { Date().timeIntervalSince1970 })
        let mail = MailDesk(eventLoop: self.loop, logger: self.logger)
        let states = StateStore(storage: self.storage.states)
        let hooks = try HookEngine(
            hub: hub,
            scripts: scripts,
            limits: settings.luaLimits,
            values: settings.scriptValues,
            uptime: { TimerDriver.uptime },
            console: self.console.map { LineConsole($0) },
            alerts: mail,
            states: states,
            fetched: fetched,
            files: self.storage.files,
            logger: self.logger,
            version: Self.version
        )
        let loop = self.loop
        hooks.onLoop = { work in loop.execute(work) }
        // A large state takes a while to close.
        hooks.onDiscard = { retired in DispatchQueue.global().async { _ = retired } }
        let capture = try settings.capture.map { try self.record(to: $0) }
        let recording = try settings.recording.map {
            try Recording(to: $0, clock: hub.clock, logger: self.logger)
        }
        recording?.observe(hooks)
        let turns = Turns(hub: hub, eventLoop: self.loop)
        let tcp = TCPRelay(turns: turns, framing: settings.framing, capture: capture, logger: self.logger)
        let udp = UDPRelay(turns: turns, capture: capture, logger: self.logger)
        self.parts.value = Parts(
            hub: hub,
            hooks: hooks,
            turns: turns,
            tcp: tcp,
            udp: udp,
            capture: capture,
            recording: recording,
            timers: TimerDriver(hooks: hooks, turns: turns, eventLoop: self.loop),
            mail: mail
        )
    }

    private func record(to path: String) throws -> PacketCapture {
        do {
            return try PacketCapture(path: path, logger: self.logger)
        } catch {
            throw RelayError("cannot record packets in '\(path)': \(error.reason); choose another file with --pcap")
        }
    }

    /// Binds every address of a transport; if one fails, the caller ends the loop, and with it those that did not.
    private func bind(
        _ doors: [Doors],
        option: String,
        _ bind: @escaping @Sendable (Parts, SocketAddress) -> EventLoopFuture<SocketAddress>
    ) async throws -> [(first: Endpoint, all: [Endpoint])] {
        var bound: [(first: Endpoint, all: [Endpoint])] = []
        for door in doors {
            var all: [Endpoint] = []
            for address in door.addresses {
                do {
                    let local = try await self.loop
                        .flatSubmit {
                            self.parts.value.map { bind($0, address) }
                                ?? self.loop.makeFailedFuture(ChannelError.ioOnClosedChannel)
                        }
                        .get()
                    all.append(Endpoint(local))
                } catch {
                    throw RelayError(Self.describe(error, door.asked, option))
                }
            }
            guard let first = all.first else {
                throw RelayError("cannot listen on \(door.asked): it stands for no address")
            }
            bound.append((first, all))
        }
        return bound
    }

    /// Runs `start` and opens the doors.
    ///
    /// On the script loop.
    private func open(tcp: [Endpoint], udp: [Endpoint], targets: [ProbeAddress]) throws {
        self.parts.value?.startTime = TimerDriver.uptime
        guard let parts = self.parts.value else { return }
        if tcp.isEmpty, udp.isEmpty, targets.isEmpty { self.logger.warning("listening nowhere") }
        // What it sees waits for its turn on the loop, until the doors are open.
        if !targets.isEmpty { try self.startMonitor(parts, targets, records: self.records) }
        parts.capture?.begin()
        parts.recording?.begin()
        parts.hooks.start()
        parts.timers.start()
        for (transport, addresses) in [("tcp", tcp), ("udp", udp)] {
            for address in addresses {
                self.logger.info("listening", metadata: ["\(transport).address": "\(address)"])
                parts.hooks.listening(transport: transport, address: "\(address)")
            }
        }
        parts.tcp.accept()
        parts.udp.accept()
        // What `start` handlers sent has nobody to go to, but their tick must end.
        parts.turns.schedule()
    }

    /// Lets go of the parts, some of which hold each other.
    ///
    /// On the script loop.
    private func dismantle() {
        self.parts.value?.timers.stop()
        _ = self.parts.value?.udp.finish()
        self.parts.value?.turns.end()
        self.parts.value?.capture?.close()
        if let parts = self.parts.value { parts.recording?.close(parts.hooks) }
        self.parts.value = nil
    }

    /// Runs `stop` and says what was done.
    ///
    /// On the script loop.
    private func close() {
        guard let parts = self.parts.value else { return }
        parts.timers.stop()
        parts.hooks.stop()
        let counters = parts.hub.counters
        self.logger.info(
            "stopped",
            metadata: [
                "clients.connected": "\(counters.connected)",
                "clients.refused": "\(counters.refused)",
                "clients.slow": "\(counters.slowDisconnected)",
                "messages.received": "\(counters.messages)",
                "messages.delivered": "\(counters.deliveries)",
                "messages.too_long": "\(counters.tooLong)",
                "ticks.dropped": "\(counters.slowDropped)",
                "clients.replaced": "\(counters.replaced)",
                "pings.answered": "\(counters.pings)",
            ]
            .merging(parts.udp.finish()) { first, _ in first }
        )
        self.dismantle()
    }

    private static func describe(_ error: any Error, _ asked: Endpoint, _ option: String) -> String {
        let code = (error as? IOError)?.errnoCode ?? (error as? UDPSocketError)?.code
        let reason =
            switch code {
            case EADDRINUSE: "the port is in use already; stop what uses it or choose another with \(option)"
            case EACCES: "permission denied; ports below 1024 need a privilege"
            case EADDRNOTAVAIL: "this machine has no such address"
            case let code?: String(cString: strerror(code))
            default: "\(error)"
            }
        return "cannot listen on \(asked): \(reason)"
    }
}
