// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
public import Logging

/// Writes log messages as lines: time, level, message, then `key=value`; values of several lines are indented below.
public struct LineLogHandler: LogHandler {
    private let writer: LineWriter
    /// The least level that is written.
    public var logLevel: Logger.Level
    /// What every line carries.
    public var metadata: Logger.Metadata = [:]

    /// Makes a handler.
    public init(writer: LineWriter, level: Logger.Level) {
        self.writer = writer
        self.logLevel = level
    }

    /// One entry of ``metadata``.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    /// Writes one message.
    public func log(event: LogEvent) {
        let all = self.metadata.merging(event.metadata ?? [:]) { _, own in own }
        let time = Date()
            .formatted(
                .iso8601.year().month().day().dateTimeSeparator(.standard).time(includingFractionalSeconds: true)
                    .timeZone(separator: .omitted)
            )
        var line = "\(time) \(event.level.rawValue) \(event.message)"
        var blocks: [(key: String, text: String)] = []
        for (key, value) in all.sorted(by: { $0.key < $1.key }) {
            let text = "\(value)"
            if text.contains("\n") {
                blocks.append((key, text))
            } else if text.isEmpty || text.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" }) {
                line += " \(key)=\"\(text.replacingOccurrences(of: "\"", with: "\\\""))\""
            } else {
                line += " \(key)=\(text)"
            }
        }
        self.writer.write(line)
        for block in blocks {
            self.writer.write("  \(block.key):")
            for part in block.text.split(separator: "\n") {
                self.writer.write("    " + part.replacingOccurrences(of: "\t", with: "    "))
            }
        }
    }
}
