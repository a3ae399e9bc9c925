// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LatencyMonitor
internal import LuaScripting

extension HookAPI {
    /// Fields of a sample.
    enum SampleField: String, DescribedField {
        case target
        case sequence
        case time
        case outcome
        case milliseconds = "rtt_ms"
        case sent
        case lost
        case status
        case level
        case previous
        case previousLevel = "previous_level"
        case window

        var meaning: (type: String, help: String) {
            switch self {
            case .target: ("string", "what was measured, as the operator wrote it")
            case .sequence: ("integer", "its number, from 1 (slots without pings have none)")
            case .time: ("number", "when its first ping was sent, in Unix seconds")
            case .outcome: ("\"reply\"|\"timeout\"|\"refused\"|\"inconclusive\"", "what became of it")
            case .milliseconds: ("number?", "how long a reply took")
            case .sent: ("integer", "how many pings it took")
            case .lost: ("integer", "how many of these were lost")
            case .status: ("string?", "its status, once it is judged")
            case .level: ("integer?", "that status's level")
            case .previous: ("string?", "the status of the sample before")
            case .previousLevel: ("integer?", "its level")
            case .window: ("relay.Windows", "what was measured lately, this sample included")
            }
        }
    }

    /// Fields of a report.
    enum ReportField: String, DescribedField {
        case target
        case status
        case level
        case since
        case previous
        case previousLevel = "previous_level"
        case previousSince = "previous_since"
        case previousWindow = "previous_window"
        case held
        case reprobed
        case lastMail = "last_mail"
        case sample

        var meaning: (type: String, help: String) {
            switch self {
            case .target: ("string", "what is measured")
            case .status: ("string", "its status")
            case .level: ("integer", "the level, 0 (good) to 3 (down)")
            case .since: ("number", "since when, in Unix seconds")
            case .previous: ("string?", "the status that was held before")
            case .previousLevel: ("integer?", "its level")
            case .previousSince: ("number?", "since when that was")
            case .previousWindow: ("relay.Window?", "what was measured in that time, once `held`")
            case .held: ("boolean", "whether the status has lasted, and differs from the one held before")
            case .reprobed: ("boolean", "whether it comes of quick pings after a lost one")
            case .lastMail: ("number?", "when the last mail about the target was sent, in Unix seconds")
            case .sample: ("relay.Sample", "the sample that led to it")
            }
        }
    }

    /// Fields of a window.
    enum WindowField: String, DescribedField {
        case n
        case lost
        case late
        case min
        case p50
        case p90
        case p99
        case max
        case loss
        case jitter

        var meaning: (type: String, help: String) {
            switch self {
            case .n: ("integer", "how many pings")
            case .lost: ("integer", "how many were not answered in time")
            case .late: ("integer", "how many of these were answered after all")
            case .min: ("number?", "the shortest time")
            case .p50: ("number?", "the median")
            case .p90: ("number?", "nine of ten were shorter")
            case .p99: ("number?", "99 of 100 were shorter")
            case .max: ("number?", "the longest")
            case .loss: ("number?", "the part that was lost, 0 to 1")
            case .jitter: ("number?", "how much neighbouring times differ (RFC 3550)")
            }
        }
    }

    /// The types of the monitor's values.
    ///
    /// Each hook call's are its own, by ``HookEngine/measurement``: one that a script keeps is not the next one.
    struct MonitorTypes {
        var sample: LuaType
        var report: LuaType
        /// All windows of a target.
        var windows: LuaType
        /// One of them; its number is that of the windows times ``windowNumbers``, and the place among
        /// ``LatencyWindows/Span``, or ``previousWindow``.
        var window: LuaType
    }

    /// The number of the window that goes with a report's previous status.
    static let previousWindow = Int64(LatencyWindows.Span.allCases.count)
    /// How many windows there are at most.
    static let windowNumbers = HookAPI.previousWindow + 1

    static func defineMonitor(in state: LuaState) throws -> MonitorTypes {
        let types = MonitorTypes(
            sample: try state.defineType("sample", sameValue: false),
            report: try state.defineType("report", sameValue: false),
            windows: try state.defineType("windows", sameValue: false),
            window: try state.defineType("window", sameValue: false)
        )
        func define(_ type: LuaType, _ fields: [APIField]) throws {
            for (index, field) in fields.enumerated() { try state.defineField(field.name, of: type, .read, index) }
        }
        try define(types.sample, SampleField.described)
        try define(types.report, ReportField.described)
        try define(types.windows, self.windowFields)
        try define(types.window, WindowField.described)
        return types
    }

    /// The windows of a sample.
    static let windowFields = LatencyWindows.Span.allCases.map { span in
        APIField(span.rawValue, "relay.Window", "the last \(Self.words(for: span))")
    }

    private static func words(for span: LatencyWindows.Span) -> String {
        switch span {
        case .m1: "minute"
        case .m5: "five minutes"
        case .h1: "hour"
        case .h24: "24 hours"
        }
    }
}
