// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LatencyMonitor
internal import LuaScripting

extension HookAPI {
    /// Fields of a sample.
    enum SampleField: String, CaseIterable {
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
    }

    /// Fields of a report.
    enum ReportField: String, CaseIterable {
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
    }

    /// Fields of a window.
    enum WindowField: String, CaseIterable {
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
    }

    /// The types of the monitor's values.
    ///
    /// Each handler call's are its own, by ``HookEngine/measurement``: one that a script keeps is not the next one.
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
        func define(_ type: LuaType, _ names: [String]) throws {
            for (index, name) in names.enumerated() { try state.defineField(name, of: type, .read, index) }
        }
        try define(types.sample, SampleField.allCases.map(\.rawValue))
        try define(types.report, ReportField.allCases.map(\.rawValue))
        try define(types.windows, LatencyWindows.Span.allCases.map(\.rawValue))
        try define(types.window, WindowField.allCases.map(\.rawValue))
        return types
    }

    static func monitorFieldNames(of type: LuaType, in types: MonitorTypes) -> (type: String, names: [String])? {
        switch type {
        case types.sample: ("sample", SampleField.allCases.map(\.rawValue))
        case types.report: ("report", ReportField.allCases.map(\.rawValue))
        case types.windows: ("sample's windows", LatencyWindows.Span.allCases.map(\.rawValue))
        case types.window: ("window", WindowField.allCases.map(\.rawValue))
        default: nil
        }
    }
}
