// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import Logging
import RelayCore
import RelayTransport
import Synchronization

@testable import RelayHost

/// A relay in this process on a port of its own, with its console and log recorded.
final class LiveRelay: Sendable {
    let relay: Relay
    let addresses: [ListenAddress]
    let log: LogRecord
    private let consolePipe: RecordingPipe

    /// Starts a relay with Lua files laid over the stock scripts, runs `body` with it, and stops it whatever happens.
    static func run(
        scripts: [String: String] = [:],
        _ configure: (inout Settings) -> Void = { _ in },
        _ body: (LiveRelay) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder(scripts)
        defer { folder.remove() }
        var settings = Settings()
        settings.tcp = [try ListenAddress("127.0.0.1:0")]
        settings.scripts = folder.path
        configure(&settings)
        let pipe = try RecordingPipe()
        let log = LogRecord()
        let logger = Logger(label: "test") { _ in RecordingHandler(record: log) }
        let console = LineWriter(descriptor: pipe.writeEnd, limit: settings.limits.consoleLines, label: "test")
        let relay = Relay(settings: settings, console: console, logger: logger)
        let addresses = try await relay.start()
        let live = LiveRelay(relay: relay, addresses: addresses, log: log, consolePipe: pipe)
        do {
            try await body(live)
        } catch {
            try? await relay.stop()
            throw error
        }
        try await relay.stop()
        pipe.close()
    }

    private init(relay: Relay, addresses: [ListenAddress], log: LogRecord, consolePipe: RecordingPipe) {
        self.relay = relay
        self.addresses = addresses
        self.log = log
        self.consolePipe = consolePipe
    }

    var port: Int { self.addresses.first?.port ?? 0 }

    /// Connects a client and waits until the relay has let it in.
    func connect() throws -> Peer { try Peer(port: self.port) }

    /// Waits for a console line.
    func console(shows line: String) throws {
        try self.consolePipe.wait { $0.split(separator: "\n").contains { $0 == line } }
    }

    var consoleText: String { self.consolePipe.text }
}

/// A folder that is removed after the test.
struct TemporaryFolder {
    let path: String

    init(_ files: [String: String]) throws {
        self.path = NSTemporaryDirectory() + "luar-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: self.path + "/lib", withIntermediateDirectories: true)
        for (name, text) in files { try Data(text.utf8).write(to: URL(fileURLWithPath: "\(self.path)/\(name)")) }
    }

    func remove() { try? FileManager.default.removeItem(atPath: self.path) }
}

/// A pipe whose text collects in memory.
final class RecordingPipe: Sendable {
    private let pipe = Pipe()
    private let collected = Mutex("")
    let writeEnd: CInt

    init() throws {
        self.writeEnd = self.pipe.fileHandleForWriting.fileDescriptor
        self.pipe.fileHandleForReading.readabilityHandler = { [weak self] handle in
            let data = handle.availableData
            if data.isEmpty { handle.readabilityHandler = nil }
            self?.collected.withLock { $0 += String(decoding: data, as: UTF8.self) }
        }
    }

    var text: String { self.collected.withLock { $0 } }

    func wait(until isDone: (String) -> Bool) throws {
        try poll("console shows \(self.text)") { isDone(self.text) }
    }

    func close() { try? self.pipe.fileHandleForWriting.close() }
}

/// What was logged.
final class LogRecord: Sendable {
    struct Entry: Sendable {
        var level: Logger.Level
        var message: String
        var metadata: [String: String]
    }

    private let all = Mutex<[Entry]>([])
    var entries: [Entry] { self.all.withLock { $0 } }
    func add(_ entry: Entry) { self.all.withLock { $0.append(entry) } }

    func wait(for message: String) throws {
        try poll("log has '\(message)': \(self.entries)") { self.entries.contains { $0.message == message } }
    }
}

struct RecordingHandler: LogHandler {
    let record: LogRecord
    var logLevel = Logger.Level.trace
    var metadata: Logger.Metadata = [:]
    init(record: LogRecord) { self.record = record }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }
    func log(event: LogEvent) {
        let metadata = (event.metadata ?? [:]).mapValues { "\($0)" }
        self.record.add(.init(level: event.level, message: "\(event.message)", metadata: metadata))
    }
}

/// Something that a test waited for did not happen.
struct NeverHappened: Error, CustomStringConvertible {
    var description: String
}

/// Waits for a condition that another thread brings about; gives up after a time that only a broken relay needs.
func poll(_ what: @autoclosure () -> String, until isDone: () throws -> Bool) throws {
    for _ in 0..<4_000 {
        if try isDone() { return }
        usleep(5_000)
    }
    throw NeverHappened(description: what())
}
