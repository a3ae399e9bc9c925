// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import HostSettings
import LineOutput
import Logging
import RelayCore
import RelayTransport
import Synchronization
import TestSupport

@testable import RelayHost

/// A relay in this process on a port of its own, with its console and log recorded.
final class LiveRelay: Sendable {
    let relay: Relay
    let addresses: RelayAddresses
    let log: LogRecord
    private let consolePipe: RecordingPipe

    /// Starts a relay with Lua files laid over the stock scripts, runs `body` with it, and stops it whatever happens.
    static func run(
        scripts: [String: String] = [:],
        log: LogRecord = LogRecord(),
        _ configure: (inout Settings) -> Void = { _ in },
        _ body: (LiveRelay) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder(scripts)
        defer { folder.remove() }
        var settings = Settings()
        settings.tcp = [try Endpoint("127.0.0.1:0")]
        settings.udp = []
        settings.scripts = folder.path
        // Tests that block the threads of this process must not cut a stop short.
        settings.limits.flushTime = .seconds(30)
        configure(&settings)
        let pipe = try RecordingPipe()
        let logger = Logger(label: "test") { _ in RecordingHandler(record: log) }
        let console = LineWriter(descriptor: pipe.writeEnd, limit: settings.limits.consoleBytes, label: "test")
        let relay = try Relay(settings: settings, console: console, logger: logger)
        let addresses = try await relay.start()
        let live = LiveRelay(relay: relay, addresses: addresses, log: log, consolePipe: pipe)
        do {
            try await body(live)
        } catch {
            try? await relay.stop()
            pipe.close()
            throw error
        }
        try await relay.stop()
        pipe.close()
    }

    private init(relay: Relay, addresses: RelayAddresses, log: LogRecord, consolePipe: RecordingPipe) {
        self.relay = relay
        self.addresses = addresses
        self.log = log
        self.consolePipe = consolePipe
    }

    var port: Int { self.addresses.tcp.first?.port ?? 0 }

    /// Connects a client and waits until the relay has let it in.
    func connect() throws -> Peer { try Peer(port: self.port) }

    /// Waits for a console line.
    func console(shows line: String) throws {
        try self.consolePipe.wait { $0.split(separator: "\n").contains { $0 == line } }
    }

    var consoleText: String { self.consolePipe.text }
}

/// A pipe whose text collects in memory.
final class RecordingPipe: Sendable {
    private let pipe = Pipe()
    private let collected = Mutex("")
    let writeEnd: CInt

    init() throws {
        self.writeEnd = self.pipe.fileHandleForWriting.fileDescriptor
        // A thread that reads until the end: a readability handler whose pipe goes away crashed the process now and then.
        Thread.detachNewThread {
            while true {
                let data = self.pipe.fileHandleForReading.availableData
                if data.isEmpty { return }
                self.collected.withLock { $0 += String(decoding: data, as: UTF8.self) }
            }
        }
    }

    var text: String { self.collected.withLock { $0 } }

    func wait(until isDone: (String) -> Bool) throws {
        try poll("console shows \(self.text)") { isDone(self.text) }
    }

    func close() { try? self.pipe.fileHandleForWriting.close() }
}
