// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
public import HostSettings
public import LineOutput
public import Logging
internal import NIOCore
internal import NIOPosix
internal import RelayCore
internal import RelayHooks
internal import RelayTransport
public import ServiceLifecycle
internal import Synchronization

/// A whole relay: scripts, hub and listeners, put together.
///
/// ``start()`` and ``stop()`` serve programs and tests that embed it; ``run()`` serves a service group. Everything
/// behind it lives on one event loop, the script loop.
public final class Relay: Service {
    /// The program's version.
    public static let version = "0.1.0"

    private let settings: Settings
    private let logger: Logger
    private let console: LineWriter?
    private let group: MultiThreadedEventLoopGroup
    private let loop: any EventLoop
    private let parts: NIOLoopBoundBox<Parts?>
    /// Whether the loop has ended or is about to: it takes no work any more.
    private let isStopped = Mutex(false)

    /// What lives on the script loop.
    private struct Parts {
        var hub: Hub
        var hooks: HookEngine
        var tcp: TCPRelay
    }

    /// Makes a relay that is not started.
    ///
    /// - Parameters:
    ///   - settings: What it needs.
    ///   - console: Where console lines go; nil for nowhere.
    ///   - logger: The operational log.
    public init(settings: Settings, console: LineWriter?, logger: Logger) {
        self.settings = settings
        self.console = settings.hasConsole ? console : nil
        self.logger = logger
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        self.loop = self.group.next()
        self.parts = NIOLoopBoundBox.makeEmptyBox(valueType: Parts.self, eventLoop: self.loop)
    }

    /// Starts and serves until the service group shuts down.
    public func run() async throws {
        try await self.start()
        try? await gracefulShutdown()
        try await self.stop()
    }

    /// Loads the scripts, binds every address, runs `start`, and only then takes connections.
    ///
    /// - Returns: The addresses in use, with real ports.
    /// - Throws: ``RelayError`` or `ScriptError`; nothing is left half started.
    @discardableResult
    public func start() async throws -> [Endpoint] {
        do {
            return try await self.startParts()
        } catch {
            self.isStopped.withLock { $0 = true }
            try? await self.loop.submit { self.parts.value = nil }.get()
            try? await self.group.shutdownGracefully()
            throw error
        }
    }

    private func startParts() async throws -> [Endpoint] {
        var settings = self.settings
        let clients = OpenFiles.raise(forClients: settings.limits.clients)
        if clients < settings.limits.clients {
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
        let addresses = try settings.tcp.map { (asked: $0, resolved: try $0.resolve()) }
        try await self.loop.submit { [settings] in try self.assemble(settings, scripts) }.get()
        self.logger.info("scripts loaded", metadata: ["scripts.folder": "\(folder ?? "(stock)")"])
        let bound = try await self.bind(addresses)
        try await self.loop.submit { self.open(bound.map(\.first)) }.get()
        return bound.flatMap(\.all)
    }

    /// Stops taking connections, lets what is unsent leave, runs `disconnect` and `stop`, and ends the loop.
    ///
    /// A relay that has stopped, or did not start, stays as it is.
    public func stop() async throws {
        let isFirst = self.isStopped.withLock { isStopped in
            defer { isStopped = true }
            return !isStopped
        }
        guard isFirst else { return }
        try await self.loop
            .flatSubmit {
                guard let parts = self.parts.value else { return self.loop.makeSucceededVoidFuture() }
                return parts.tcp.stop().map { self.close() }
            }
            .get()
        self.console?.drain()
        try await self.group.shutdownGracefully()
    }

    /// Builds the parts.
    ///
    /// On the script loop.
    private func assemble(_ settings: Settings, _ scripts: ScriptSet) throws {
        let hub = Hub(limits: settings.limits, clock: { Date().timeIntervalSince1970 })
        let hooks = try HookEngine(
            hub: hub,
            scripts: scripts,
            limits: settings.luaLimits,
            console: self.console.map { LineConsole($0) },
            logger: self.logger,
            version: Self.version
        )
        let tcp = TCPRelay(hub: hub, framing: settings.framing, eventLoop: self.loop, logger: self.logger)
        self.parts.value = Parts(hub: hub, hooks: hooks, tcp: tcp)
    }

    /// Binds every address; if one fails, the caller ends the loop, and with it those that did not.
    private func bind(
        _ addresses: [(asked: Endpoint, resolved: [SocketAddress])]
    ) async throws -> [(first: Endpoint, all: [Endpoint])] {
        var bound: [(first: Endpoint, all: [Endpoint])] = []
        for (asked, resolved) in addresses {
            var all: [Endpoint] = []
            for address in resolved {
                do {
                    let local = try await self.loop
                        .flatSubmit {
                            self.parts.value?.tcp.bind(to: address)
                                ?? self.loop.makeFailedFuture(ChannelError.ioOnClosedChannel)
                        }
                        .get()
                    all.append(Endpoint(local))
                } catch {
                    throw RelayError(Self.describe(error, asked, address))
                }
            }
            guard let first = all.first else { throw RelayError("cannot listen on \(asked): it stands for no address") }
            bound.append((first, all))
        }
        return bound
    }

    /// Runs `start` and opens the doors.
    ///
    /// On the script loop.
    private func open(_ addresses: [Endpoint]) {
        guard let parts = self.parts.value else { return }
        if addresses.isEmpty { self.logger.warning("listening nowhere") }
        parts.hooks.start()
        for address in addresses {
            self.logger.info("listening", metadata: ["tcp.address": "\(address)"])
            parts.hooks.listening(transport: "tcp", address: "\(address)")
        }
        parts.tcp.accept()
        // What `start` handlers sent has nobody to go to, but their tick must end.
        parts.tcp.scheduleTurn()
    }

    /// Runs `stop` and says what was done.
    ///
    /// On the script loop.
    private func close() {
        guard let parts = self.parts.value else { return }
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
            ]
        )
        self.parts.value = nil
    }

    private static func describe(_ error: any Error, _ asked: Endpoint, _ address: SocketAddress) -> String {
        let reason =
            switch (error as? IOError)?.errnoCode {
            case EADDRINUSE: "the port is in use already; stop what uses it or choose another with --tcp"
            case EACCES: "permission denied; ports below 1024 need a privilege"
            case EADDRNOTAVAIL: "this machine has no such address"
            default: "\(error)"
            }
        return "cannot listen on \(asked): \(reason)"
    }
}

/// Lets hooks write to a line writer.
private final class LineConsole: ConsoleOutput {
    private let writer: LineWriter
    init(_ writer: LineWriter) { self.writer = writer }
    var isFull: Bool { self.writer.isFull }
    func write(_ line: UnsafeRawBufferPointer) { self.writer.write(line) }
    func skip() { self.writer.skip() }
}
