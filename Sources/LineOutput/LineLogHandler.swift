// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
public import Logging

/// Writes log messages as lines for people, or as JSON for programs.
public struct LineLogHandler: LogHandler {
    /// How a message is written.
    public enum Format: Sendable {
        /// Time, level, message, then `key=value`; values of several lines are indented below.
        case text
        /// One JSON object a line: `time`, `level`, `message`, then every metadata value under its own dotted key.
        case json
    }

    private let sink: any LineSink
    private let format: Format
    /// The least level that is written.
    public var logLevel: Logger.Level
    /// What every line carries.
    public var metadata: Logger.Metadata = [:]

    /// Makes a handler.
    public init(to sink: any LineSink, level: Logger.Level, format: Format = .text) {
        self.sink = sink
        self.logLevel = level
        self.format = format
    }

    /// One entry of ``metadata``.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    /// Writes one message.
    public func log(event: LogEvent) {
        let metadata = self.metadata.merging(event.metadata ?? [:]) { _, own in own }
            .map { (key: $0.key, text: "\($0.value)") }.sorted { $0.key < $1.key }
        let time = Date()
            .formatted(
                .iso8601.year().month().day().dateTimeSeparator(.standard).time(includingFractionalSeconds: true)
                    .timeZone(separator: .omitted)
            )
        switch self.format {
        case .text: self.writeText(time, event, metadata)
        case .json:
            let fields = [("time", time), ("level", event.level.rawValue), ("message", "\(event.message)")] + metadata
            self.sink.write(JSONLine.object(fields))
        }
    }

    private func writeText(_ time: String, _ event: LogEvent, _ metadata: [(key: String, text: String)]) {
        var line = "\(time) \(event.level.rawValue) \(event.message)"
        var blocks: [(key: String, text: String)] = []
        for (key, text) in metadata {
            if text.contains("\n") {
                blocks.append((key, text))
            } else if text.isEmpty || text.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" }) {
                line += " \(key)=\"\(text.replacingOccurrences(of: "\"", with: "\\\""))\""
            } else {
                line += " \(key)=\(text)"
            }
        }
        self.sink.write(line)
        for block in blocks {
            self.sink.write("  \(block.key):")
            for part in block.text.split(separator: "\n") {
                self.sink.write("    " + part.replacingOccurrences(of: "\t", with: "    "))
            }
        }
    }
}
