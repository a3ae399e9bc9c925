// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

package import Logging
import Synchronization

/// What was logged.
package final class LogRecord: Sendable {
    package struct Entry: Sendable {
        package var level: Logger.Level
        package var message: String
        package var metadata: [String: String]
    }

    private let all = Mutex<[Entry]>([])
    package var entries: [Entry] { self.all.withLock { $0 } }
    private let onEntry: (@Sendable (Entry) -> Void)?

    /// Makes a record.
    ///
    /// - Parameter onEntry: Called with each entry, on the thread that logs, which waits for it.
    package init(onEntry: (@Sendable (Entry) -> Void)? = nil) { self.onEntry = onEntry }

    package func add(_ entry: Entry) {
        self.all.withLock { $0.append(entry) }
        self.onEntry?(entry)
    }

    /// Failures of hooks, as their error texts.
    package var failures: [String] {
        self.entries.filter { $0.message == "hook failed" }.map { $0.metadata["error"] ?? "" }
    }

    package func wait(for message: String) throws {
        try poll("log has '\(message)': \(self.entries)") { self.entries.contains { $0.message == message } }
    }
}

/// Records what is logged, of every level.
package struct RecordingHandler: LogHandler {
    package let record: LogRecord
    package var logLevel = Logger.Level.trace
    package var metadata: Logger.Metadata = [:]
    package init(record: LogRecord) { self.record = record }
    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }
    package func log(event: LogEvent) {
        let metadata = (event.metadata ?? [:]).mapValues { "\($0)" }
        self.record.add(.init(level: event.level, message: "\(event.message)", metadata: metadata))
    }
}
