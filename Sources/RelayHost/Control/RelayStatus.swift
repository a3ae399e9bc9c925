// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
internal import HostSettings
internal import Logging
internal import LuaScripting
internal import NIOPosix
public import RelayCore
public import RelayHooks
internal import Scheduling
internal import Synchronization

/// How a relay is, for whoever runs it.
public struct RelayStatus: Codable, Sendable {
    /// The program's version.
    public var version: String
    /// The process.
    public var process: Int32
    /// When this was said, in Unix seconds.
    public var time: Double
    /// For how many seconds it has been listening.
    public var uptime: Double
    /// Clients that are here.
    public var clients: Int
    /// Clients that are not let in yet, which take places as well.
    public var clientsPendingAdmission: Int
    /// The most clients there may be.
    public var clientLimit: Int
    /// How many members each room has, the largest first; at most ``mostRooms``.
    public var rooms: [Room]
    /// How many rooms there are.
    public var roomCount: Int
    /// What has happened so far.
    public var counters: Counters
    /// Mails that are not delivered.
    public var mailsWaiting: Int
    /// Bytes that the Lua state holds.
    public var luaMemory: Int
    /// The most bytes that the Lua state may hold.
    public var luaMemoryLimit: Int
    /// Timers of scripts.
    public var timers: Int
    /// The most timers there may be.
    public var timerLimit: Int
    /// What the hooks and timers have done, in the order in which they run.
    public var hooks: [HookStatus]
    /// What scripts count and measure.
    public var metrics: [ScriptMetrics.Entry]

    /// A room.
    public struct Room: Codable, Sendable {
        /// Its name.
        public var name: String
        /// How many clients are in it.
        public var clients: Int
    }

    /// Rooms that are listed.
    public static let mostRooms = 20

    /// What happened in a second on average, since an earlier answer.
    public func rate(_ counter: KeyPath<Counters, Int>, since earlier: RelayStatus) -> Double {
        let seconds = self.time - earlier.time
        guard seconds > 0 else { return 0 }
        return (Double(self.counters[keyPath: counter]) - Double(earlier.counters[keyPath: counter])) / seconds
    }
}

extension Relay {
    /// How the relay is.
    ///
    /// - Throws: ``RelayError`` unless it runs.
    public func status() async throws -> RelayStatus {
        try self.life.require([.running], for: "ask the status of")
        return try await self.loop.run {
            guard let parts = self.parts.value else { throw RelayError("the relay is being stopped") }
            let hub = parts.hub
            let rooms = hub.roomSizes.sorted { ($1.clients, $0.name) < ($0.clients, $1.name) }
            return RelayStatus(
                version: Self.version,
                process: ProcessInfo.processInfo.processIdentifier,
                time: hub.clock(),
                uptime: (Moment.now - parts.startTime).milliseconds / 1_000,
                clients: hub.clientCount,
                clientsPendingAdmission: hub.pendingAdmissionCount,
                clientLimit: hub.limits.clients,
                rooms: rooms.prefix(RelayStatus.mostRooms).map { .init(name: $0.name, clients: $0.clients) },
                roomCount: rooms.count,
                counters: hub.counters,
                mailsWaiting: parts.mail.waiting,
                luaMemory: parts.hooks.memory,
                luaMemoryLimit: self.settings.luaLimits.memory,
                timers: parts.hooks.timerCount,
                timerLimit: hub.limits.timers,
                hooks: parts.hooks.hookStatus,
                metrics: parts.hooks.metrics.entries
            )
        }
    }

    /// Takes commands of the owner's on a socket, until the relay stops.
    ///
    /// - Parameter path: Where the socket is to be; a relay that was killed may have left one there.
    /// - Throws: ``RelayError`` if it cannot be had.
    public func listen(forCommandsAt path: String) async throws {
        // Not on the script loop: commands are read whatever the scripts do.
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let server = try await ControlServer.open(path, on: eventLoop) { [weak self] request in
            await self?.answer(request) ?? ControlAnswer(problems: ["the relay stops"])
        }
        self.control.withLock { $0 = server }
    }

    /// Takes commands where the settings say.
    ///
    /// A path that was given is used, or starting fails. Without one, a relay starts without a socket rather than not at all.
    func listenForCommands(_ environment: [String: String]) async throws {
        do {
            guard let path = try ControlSocket.path(for: self.settings, environment) else { return }
            try await self.listen(forCommandsAt: path)
        } catch {
            guard self.settings.control == nil else { throw error }
            self.logger.warning(
                "no control socket: luar status and luar reload cannot reach this relay, and SIGHUP can",
                metadata: ["error": "\(error)"]
            )
        }
    }

    /// Takes no commands any more.
    func closeControl() async {
        let server = self.control.withLock { control in
            defer { control = nil }
            return control
        }
        await server?.close()
    }

    /// Does what a command asks.
    func answer(_ request: ControlRequest) async -> ControlAnswer {
        switch request.command {
        case .status:
            do {
                return ControlAnswer(status: try await self.status())
            } catch {
                return ControlAnswer(problems: Self.problems(error))
            }
        case .reload:
            do {
                return ControlAnswer(reload: try await self.reload())
            } catch {
                return ControlAnswer(problems: Self.problems(error))
            }
        }
    }
}
