// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LatencyMonitor
internal import LuaScripting
internal import RelayCore

extension HookBindings {
    /// Reads a field of a sample, a report or a window; nil for objects of other types.
    func monitorField(_ field: Int, of object: LuaObject, _ engine: HookEngine) -> LuaResult? {
        guard let types = self.loaded?.types.monitor else { return nil }
        let number = object.type == types.window ? object.id / HookAPI.windowNumbers : object.id
        let isCurrent = number == engine.counts.lastMeasurement
        switch object.type {
        case types.sample:
            guard isCurrent, let sample = engine.subject.sample else { return Self.unreadable("sample") }
            return Self.field(HookAPI.SampleField.allCases[field], of: sample, number, types)
        case types.report:
            guard isCurrent, let report = engine.subject.report else { return Self.unreadable("report") }
            return Self.field(HookAPI.ReportField.allCases[field], of: report, number, types)
        case types.windows:
            return .value(.object(LuaObject(type: types.window, id: number * HookAPI.windowNumbers + Int64(field))))
        case types.window:
            let span = object.id % HookAPI.windowNumbers
            let summary =
                span == HookAPI.previousWindow
                ? engine.subject.report?.previousWindow
                : engine.subject.sample?.windows.summary(LatencyWindows.Span.allCases[Int(span)])
            guard isCurrent, let summary else { return Self.unreadable("window") }
            return Self.field(HookAPI.WindowField.allCases[field], of: summary)
        default: return nil
        }
    }

    private static func unreadable(_ what: String) -> LuaResult {
        .failure("a \(what) is readable only in the hook that was called with it; keep its fields instead")
    }

    private static func number(_ value: Double?) -> LuaResult { .value(value.map { .number($0) } ?? .nil) }

    private static func text(_ value: String?) -> LuaResult { value.map { .text($0) } ?? .value(.nil) }

    private static func level(_ status: HealthStatus?) -> LuaResult {
        .value(status.map { .integer(Int64($0.level)) } ?? .nil)
    }

    private static func field(
        _ field: HookAPI.SampleField,
        of sample: Sample,
        _ number: Int64,
        _ types: HookAPI.MonitorTypes
    ) -> LuaResult {
        switch field {
        case .target: .text(sample.target)
        case .sequence: .value(.integer(Int64(sample.sequence)))
        case .time: self.number(sample.time)
        case .outcome: .text(sample.outcomeName)
        case .milliseconds: self.number(sample.milliseconds)
        case .sent: .value(.integer(Int64(sample.sent)))
        case .lost: .value(.integer(Int64(sample.lost)))
        case .status: self.text(sample.status?.name)
        case .level: self.level(sample.status)
        case .previous: self.text(sample.previous?.name)
        case .previousLevel: self.level(sample.previous)
        case .window: .value(.object(LuaObject(type: types.windows, id: number)))
        }
    }

    private static func field(
        _ field: HookAPI.ReportField,
        of report: Report,
        _ number: Int64,
        _ types: HookAPI.MonitorTypes
    ) -> LuaResult {
        switch field {
        case .target: return .text(report.target)
        case .status: return .text(report.status.name)
        case .level: return self.level(report.status)
        case .since: return self.number(report.since)
        case .previous: return self.text(report.previous?.name)
        case .previousLevel: return self.level(report.previous)
        case .previousSince: return self.number(report.previousSince)
        case .previousWindow:
            guard report.previousWindow != nil else { return .value(.nil) }
            let id = number * HookAPI.windowNumbers + HookAPI.previousWindow
            return .value(.object(LuaObject(type: types.window, id: id)))
        case .held: return .value(.boolean(report.isHeld))
        case .reprobed: return .value(.boolean(report.isReprobed))
        case .lastMail: return self.number(report.lastMail)
        case .sample: return .value(.object(LuaObject(type: types.sample, id: number)))
        }
    }

    private static func field(_ field: HookAPI.WindowField, of window: WindowSummary) -> LuaResult {
        switch field {
        case .n: .value(.integer(Int64(window.n)))
        case .lost: .value(.integer(Int64(window.lost)))
        case .late: .value(.integer(Int64(window.late)))
        case .min: self.number(window.min)
        case .p50: self.number(window.p50)
        case .p90: self.number(window.p90)
        case .p99: self.number(window.p99)
        case .max: self.number(window.max)
        case .loss: self.number(window.loss)
        case .jitter: self.number(window.jitter)
        }
    }
}
