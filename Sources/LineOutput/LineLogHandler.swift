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

    /// Makes a hook.
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

    /// The most bytes of an entry, with all its fields and lines.
    public static let longestEntry = 8 << 10
    /// The most bytes of its message, and of each value.
    static let longestValue = 4 << 10
    /// The most bytes of a key.
    static let longestKey = 256
    /// What is kept for the count of fields that have no room.
    private static let spareBytes = 64

    /// Writes one message.
    public func log(event: LogEvent) {
        let metadata = self.metadata.merging(event.metadata ?? [:]) { _, own in own }.sorted { $0.key < $1.key }
        let time = Date()
            .formatted(
                .iso8601.year().month().day().dateTimeSeparator(.standard).time(includingFractionalSeconds: true)
                    .timeZone(separator: .omitted)
            )
        switch self.format {
        case .text: self.writeText(time, event, metadata)
        case .json: self.writeJSON(time, event, metadata)
        }
    }

    private typealias Fields = [(key: String, value: Logger.Metadata.Value)]

    private func writeText(_ time: String, _ event: LogEvent, _ metadata: Fields) {
        var line = LogLine()
        line.append("\(time) \(event.level.rawValue) ")
        line.append(event.message.description, as: .plain, room: Self.longestValue)
        var blocks: [String] = []
        var room = Self.longestEntry - Self.spareBytes - line.bytes.count
        var missing = 0
        for (key, value) in metadata {
            var field = LogLine()
            let name = Self.name(key)
            let text = Self.text(value)
            let isBlock = text.utf8.contains(UInt8(ascii: "\n"))
            let limit = min(Self.longestValue, room - name.utf8.count - Self.spareBytes)
            guard limit >= Self.spareBytes else {
                missing += 1
                continue
            }
            if isBlock {
                let lines = self.block(name, text, limit)
                blocks += lines
                room -= lines.reduce(0) { $0 + $1.utf8.count + 1 }
                continue
            }
            let isQuoted = LogLine.needsQuotes(text)
            field.append(isQuoted ? " \(name)=\"" : " \(name)=")
            field.append(text, as: isQuoted ? .quoted : .plain, room: limit)
            if isQuoted { field.append("\"") }
            line.append(field.text)
            room -= field.bytes.count
        }
        if missing > 0 { line.append(" log.missing_fields=\(missing)") }
        self.sink.write(line.text)
        for line in blocks { self.sink.write(line) }
    }

    /// A value as text, no longer than an entry; the rest of a huge one is not looked at.
    private static func text(_ value: Logger.Metadata.Value) -> Substring {
        // A description would copy it first.
        if case .string(let text) = value { return text.prefix(bytes: self.longestEntry) }
        return value.description.prefix(bytes: self.longestEntry)
    }

    /// A key as it is written: in quotes where it could pass for other fields.
    private static func name(_ key: String) -> String {
        var name = LogLine()
        let isQuoted = LogLine.needsQuotes(key.prefix(bytes: Self.longestKey))
        if isQuoted { name.append("\"") }
        name.append(key, as: isQuoted ? .quoted : .plain, room: Self.longestKey)
        if isQuoted { name.append("\"") }
        return name.text
    }

    /// A value of several lines, below its key.
    private func block(_ name: String, _ text: some StringProtocol, _ limit: Int) -> [String] {
        var lines = ["  \(name):"]
        var room = limit
        for part in text.split(separator: "\n") {
            var line = LogLine()
            line.append("    ")
            guard room > Self.spareBytes else {
                line.append(LogLine.mark)
                lines.append(line.text)
                break
            }
            line.append(String(part).replacing("\t", with: "    "), as: .plain, room: room - 5)
            room -= line.bytes.count + 1
            lines.append(line.text)
        }
        return lines
    }

    private func writeJSON(_ time: String, _ event: LogEvent, _ metadata: Fields) {
        var line = LogLine()
        line.append("{\"time\":\"\(time)\",\"level\":\"\(event.level.rawValue)\",\"message\":\"")
        line.append(event.message.description, as: .json, room: Self.longestValue)
        line.append("\"")
        // What the host says itself comes first, and no field replaces it.
        var seen: Set = ["time", "level", "message", "log.missing_fields"]
        var missing = 0
        for (key, value) in metadata where seen.insert(key).inserted {
            let room = Self.longestEntry - line.bytes.count - 2 * Self.spareBytes
            guard room > Self.spareBytes else {
                missing += 1
                continue
            }
            line.append(",\"")
            line.append(key, as: .json, room: min(Self.longestKey, room / 2))
            line.append("\":\"")
            let text = Self.text(value)
            line.append(
                text,
                as: .json,
                room: min(Self.longestValue, Self.longestEntry - line.bytes.count - Self.spareBytes)
            )
            line.append("\"")
        }
        if missing > 0 { line.append(",\"log.missing_fields\":\"\(missing)\"") }
        line.append("}")
        self.sink.write(line.text)
    }
}
