// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Dispatch
import Foundation
import HostSettings
import Logging
import RelayCore
import RelayTransport
import Scheduling
import TestSupport
import Testing

@testable import RelayHost

/// No client joins a relay that stops, whatever carries its texts.
@Suite(.serialized, .timeLimit(.minutes(15))) struct ShutdownTests {
    /// Each hook that is asked or told about a client says so in the log.
    private static let hooks = """
        for _, event in ipairs { "admit", "name", "connect", "message", "disconnect" } do
          relay.on(event, function() relay.log.warn(event) end)
        end
        relay.on("stop", function() relay.log.warn("stop") end)
        """

    private static func listen(_ transport: TransportKind) -> (inout Settings) -> Void {
        { settings in
            settings.listeners = RelayAddresses()
            settings.listeners[transport] = [Endpoint(host: "127.0.0.1", port: 0)]
        }
    }

    /// How often hooks ran that a client causes by coming in.
    private static func arrivals(_ log: LogRecord) -> [String: Int] {
        var counts = ["admit": 0, "name": 0, "connect": 0]
        for entry in log.entries { counts[entry.message]? += 1 }
        return counts
    }

    private static let once = ["admit": 1, "name": 1, "connect": 1]

    @Test(arguments: ["disconnect", "stop"], TransportKind.allCases)
    func `nobody joins while a hook of a stopping relay runs`(event: String, transport: TransportKind) async throws {
        let pause = Pause()
        let log = LogRecord { if $0.message == event { pause.reached() } }
        try await LiveRelay.run(scripts: ["a.lua": Self.hooks], log: log, Self.listen(transport)) { relay in
            // Whatever happens, as the relay cannot end before.
            defer { pause.end() }
            let port = try #require(relay.addresses[transport].first).port
            let ana = try Visitor(transport, port)
            ana.send("oi")
            try log.wait(for: "message")
            let start = ContinuousClock.now
            let stop = Task { try await relay.relay.stop() }
            await pause.untilReached()
            let stranger = try? Visitor(transport, port)
            stranger?.send("posso entrar?")
            pause.end()
            try await stop.value
            #expect(start.duration(to: .now) < relay.relay.settings.limits.flushTime + .seconds(1))
            #expect(Self.arrivals(log) == Self.once)
            #expect(log.entries.count { $0.message == "message" } == 1)
            #expect(log.entries.filter { $0.level >= .error }.map(\.message) == [])
        }
    }

    @Test(arguments: TransportKind.allCases)
    func `who has come but was not seen when the relay begins to stop does not join`(
        transport: TransportKind
    ) async throws {
        let log = LogRecord()
        try await LiveRelay.run(scripts: ["a.lua": Self.hooks], log: log, Self.listen(transport)) { relay in
            let port = try #require(relay.addresses[transport].first).port
            let ana = try Visitor(transport, port)
            ana.send("oi")
            try log.wait(for: "message")
            try await relay.relay.loop.runUntilFinished { finish in
                guard let parts = relay.relay.parts.value else { return finish() }
                // The loop is in a tick: the connection waits to be accepted, the datagram to be looked at.
                let stranger = try Visitor(transport, port)
                stranger.send("posso entrar?")
                RelayShutdown(parts.transports, parts.ticks, by: .now + parts.hub.limits.flushTime) { unreported in
                    stranger.close()
                    #expect(unreported == 0)
                    finish()
                }
            }
            #expect(Self.arrivals(log) == Self.once)
            #expect(log.entries.count { $0.message == "disconnect" } == 1)
        }
    }

    @Test(arguments: TransportKind.allCases)
    func `a transport that accepts no more lets members talk on, and nobody in`(transport: TransportKind) async throws {
        let log = LogRecord()
        try await LiveRelay.run(scripts: ["a.lua": Self.hooks], log: log, Self.listen(transport)) { relay in
            let port = try #require(relay.addresses[transport].first).port
            let ana = try Visitor(transport, port)
            ana.send("oi")
            try log.wait(for: "message")
            try await relay.relay.loop.run {
                for transport in relay.relay.parts.value?.transports ?? [] { transport.stopAccepting() }
            }
            let stranger = try? Visitor(transport, port)
            stranger?.send("posso entrar?")
            // What comes later from a member is relayed, so the stranger's text was looked at.
            ana.send("ainda estou aqui")
            while try await relay.relay.status().counters.messages < 2 {}
            #expect(try await relay.relay.status().clients == 1)
            #expect(Self.arrivals(log) == Self.once)
        }
    }

    @Test(arguments: TransportKind.allCases)
    func `an answer to 'admit' that arrives while the relay stops lets nobody in`(transport: TransportKind) async throws
    {
        let log = LogRecord()
        let door = """
            relay.on("admit", function(_, text)
              relay.log.warn("admit")
              if text ~= "senha" then return "senha?" end
            end)
            for _, event in ipairs { "name", "connect", "message" } do
              relay.on(event, function() relay.log.warn(event) end)
            end
            relay.on("system_message", function(_, kind) return kind end)
            """
        try await LiveRelay.run(scripts: ["a.lua": door], log: log, Self.listen(transport)) { relay in
            let ana = try Visitor(transport, try #require(relay.addresses[transport].first).port)
            if transport.socketType == .datagram { ana.send("quem fala?") }
            try log.wait(for: "admit")
            try await relay.relay.loop.runUntilFinished { finish in
                guard let parts = relay.relay.parts.value else { return finish() }
                ana.send("senha")
                RelayShutdown(parts.transports, parts.ticks, by: .now + parts.hub.limits.flushTime) { _ in finish() }
            }
            #expect(
                log.entries.map(\.message).filter { ["admit", "name", "connect", "message"].contains($0) } == ["admit"]
            )
        }
    }
}

extension ShutdownTests {
    @Test(arguments: TransportKind.allCases)
    func `a relay whose start fails has no hook run for those who have come`(transport: TransportKind) async throws {
        let folder = try TemporaryFolder([
            "a.lua": Self.hooks + #"relay.on("ping", function(text) relay.log.warn("ping") return text end)"#
        ])
        defer { folder.remove() }
        var settings = Settings()
        settings.scripts = folder.path
        Self.listen(transport)(&settings)
        let log = LogRecord()
        let relay = try Relay(
            settings: settings,
            console: nil,
            logger: Logger(label: "test") { _ in RecordingHandler(record: log) }
        )
        try await relay.load()
        let bound = try await relay.bind(Relay.resolve(settings.listeners))
        let stranger = try Visitor(transport, try #require(bound.first).first.port)
        stranger.send("ping")
        // The thread of a UDP socket takes it out of the kernel, for the loop to look at.
        if transport.socketType == .datagram {
            try poll("the datagram was received") { try KernelQueue.isEmpty(port: bound[0].first.port) }
        }
        await relay.abandon()
        #expect(log.entries.filter { $0.level >= .warning }.map(\.message) == [])
    }
}

/// What the kernel keeps of a UDP socket (proc(5), `/proc/net/udp`).
private enum KernelQueue {
    /// Whether nothing waits to be received at a port.
    static func isEmpty(port: Int) throws -> Bool {
        let ending = String(format: ":%04X", port)
        let sockets = try ["/proc/net/udp", "/proc/net/udp6"]
            .flatMap {
                try String(contentsOfFile: $0, encoding: .utf8).split(separator: "\n")
            }
        let queues = sockets.map { $0.split(separator: " ") }.filter { $0.count > 4 && $0[1].hasSuffix(ending) }
        return queues.allSatisfy { $0[4].hasSuffix(":00000000") }
    }
}

/// Where a thread waits until a test lets it go on.
private final class Pause: Sendable {
    private let entered = AsyncStream.makeStream(of: Void.self)
    private let released = DispatchSemaphore(value: 0)

    /// Waits; called by the thread that is to wait.
    func reached() {
        self.entered.continuation.finish()
        self.released.wait()
        self.released.signal()
    }

    /// Returns once a thread waits, without blocking the caller's.
    func untilReached() async { for await _ in self.entered.stream {} }

    /// Lets everybody who waits go on, now and later.
    func end() { self.released.signal() }
}

/// Somebody who talks to a relay over one of its transports.
private final class Visitor: @unchecked Sendable {
    // Unchecked because only one thread at a time has it: the test, or the loop that the test waits for.
    private var stream: Peer?
    private var datagrams: DatagramPeer?

    init(_ transport: TransportKind, _ port: Int) throws {
        switch transport.socketType {
        case .stream: self.stream = try Peer(port: port)
        case .datagram: self.datagrams = try DatagramPeer(to: port)
        }
    }

    func send(_ text: String) {
        self.stream?.send(text + "\n")
        self.datagrams?.send(text)
    }

    func close() {
        self.stream?.close()
        self.datagrams?.close()
    }
}
