// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
public import LatencyMonitor
internal import LineOutput

/// One thing that the monitor saw, as a program reads it: an object a line, with `event` saying what it is.
///
/// Times are Unix seconds, round-trip times milliseconds.
enum MonitorRecord {
    struct SampleLine: Encodable {
        var event = "sample"
        var target: String
        var sequence: Int
        var time: Double
        var outcome: String
        var rttMs: Double?
        var sent: Int
        var lost: Int
        var status: String?
        var level: Int?

        init(_ sample: Sample) {
            self.target = sample.target
            self.sequence = sample.sequence
            self.time = sample.time
            self.outcome = sample.outcomeName
            self.rttMs = sample.milliseconds
            self.sent = sample.sent
            self.lost = sample.lost
            self.status = sample.status?.name
            self.level = sample.status?.level
        }
    }

    struct ProbeLine: Encodable {
        /// `late`, `duplicate`, `foreign`, `missed` or `unsent`.
        var event: String
        var target: String
        var sequence: Int?
        var time: Double
        var rttMs: Double?
        var slots: Int?
        var error: String?
    }

    struct StatusLine: Encodable {
        var event = "status"
        var target: String
        var status: String
        var level: Int
        var since: Double
        var previous: String?
        var previousLevel: Int?
        var previousSince: Double?
        var previousWindow: WindowSummary?
        var reprobed: Bool

        init(_ report: Report) {
            self.target = report.target
            self.status = report.status.name
            self.level = report.status.level
            self.since = report.since
            self.previous = report.previous?.name
            self.previousLevel = report.previous?.level
            self.previousSince = report.previousSince
            self.previousWindow = report.previousWindow
            self.reprobed = report.isReprobed
        }
    }

    struct MailLine: Encodable {
        /// `mail_sent` or `mail_failed`.
        var event: String
        var subject: String
        var status: String
        var recipient: String
        var error: String?
    }

    struct SummaryLine: Encodable {
        var event = "summary"
        var target: String
        var total: WindowSummary
        var duplicates: Int
        var foreign: Int
        var missed: Int
        var inconclusive: Int

        init(_ summary: TargetSummary) {
            self.target = summary.target
            self.total = summary.total
            self.duplicates = summary.duplicates
            self.foreign = summary.foreign
            self.missed = summary.missed
            self.inconclusive = summary.inconclusive
        }
    }

    private struct DroppedLine: Encodable {
        var event = "dropped"
        var lines: Int
    }

    /// The line that stands for others, which a slow reader did not take.
    @Sendable static func dropped(_ lines: Int) -> String { self.line(DroppedLine(lines: lines)) }

    /// The line of a record.
    static func line(_ record: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        // Numbers and texts alone: there is nothing that cannot be encoded.
        guard let data = try? encoder.encode(record) else { return "{}" }
        return LineEscaping.escapedJSON(String(decoding: data, as: UTF8.self))
    }
}

/// What was measured of a target, from the start to the end.
public struct TargetSummary: Sendable {
    /// The target, as it was asked for.
    public var target: String
    /// All its pings.
    public var total: WindowSummary
    /// Replies that came once more.
    public var duplicates: Int
    /// Arrivals that were no replies.
    public var foreign: Int
    /// Slots that went by without a ping.
    public var missed: Int
    /// Samples of which nobody can know.
    public var inconclusive: Int

    init(_ watch: TargetWatch) {
        self.target = watch.target
        self.total = watch.windows.total
        self.duplicates = watch.duplicates
        self.foreign = watch.foreign
        self.missed = watch.missed
        self.inconclusive = watch.inconclusive
    }
}
