// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting

extension HookBindings {
    /// `relay.metrics.count(name, value, labels)` and `relay.metrics.gauge(name, value, labels)`.
    func noteMetric(_ function: HookAPI.Function, _ arguments: LuaArguments, _ loaded: LoadedScripts) -> LuaResult {
        let caller = function.path
        let kind: ScriptMetrics.Kind = function == .metricsCount ? .counter : .gauge
        // The store says what is wrong with a longer name; it is not decoded whole for that.
        guard let name = arguments[0].text else {
            return .failure("\(caller) takes a metric's name first, not \(arguments[0].described)")
        }
        let value: Double
        switch arguments[1] {
        case .nil where kind == .counter: value = 1
        case .integer(let number): value = Double(number)
        case .number(let number): value = number
        default: return .failure("\(caller) takes a number second, not \(arguments[1].described)")
        }
        guard value.isFinite, kind == .gauge || value >= 0 else {
            let kinds = kind == .counter ? "a finite number from 0" : "a finite number"
            return .failure("\(caller)(\"\(name)\") takes \(kinds), not \(value)")
        }
        var labels: [String: String] = [:]
        switch arguments[2] {
        case .nil: break
        case .table(let table):
            for index in 0..<table.count {
                let (key, value) = table.entry(index)
                guard case .bytes = key, let key = key.text else {
                    return .failure("\(caller)(\"\(name)\"): labels have names, and one of these is a \(key.typeName)")
                }
                guard case .bytes(let bytes) = value else {
                    return .failure("\(caller)(\"\(name)\"): label '\(key)' takes a text, not \(value.described)")
                }
                let limit = ScriptMetrics.longestText
                guard bytes.count <= limit else {
                    let has = "has \(bytes.count) bytes, more than \(limit)"
                    return .failure("\(caller)(\"\(name)\"): label '\(key)' \(has)")
                }
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    let given = "bytes that are not UTF-8"
                    return .failure("\(caller)(\"\(name)\"): label '\(key)' takes a text, not \(given)")
                }
                labels[key] = text
            }
        default: return .failure("\(caller) takes a table of labels third, not \(arguments[2].described)")
        }
        do throws(ScriptMetrics.Refusal) {
            try loaded.metrics.note(name, kind, value, labels: labels)
            return .value(.nil)
        } catch {
            return .failure("\(caller)(\"\(name)\"): \(error.reason)")
        }
    }
}
