// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import RelayHooks
internal import Yams

extension SettingsFile {
    /// Reads what a file sets in scripts: a mapping from a script's name to its settings.
    ///
    /// - Returns: What is wrong, each with its line.
    static func read(_ files: Node.Mapping, of path: String, into values: inout ScriptValues) -> [String] {
        var problems: [String] = []
        for (file, settings) in files {
            guard let name = file.scalar?.string, let mapping = settings.mapping else {
                let example = "write it as 'latency: { normal_ms: 80 }'"
                problems.append("\(path):\(file.mark?.line ?? 1): a script's settings are a mapping; \(example)")
                continue
            }
            for (key, value) in mapping {
                let line = key.mark?.line ?? 1
                guard let key = key.scalar?.string, let value = Self.scriptValue(value) else {
                    problems.append(
                        "\(path):\(line): a script's setting takes a value, a list or a mapping of plain values"
                    )
                    continue
                }
                values.source = .file(path, line: line)
                values.set("\(name).\(key)", to: value)
            }
        }
        return problems
    }

    private static func scriptValue(_ node: Node) -> ScriptValues.Value? {
        switch node {
        case .scalar(let scalar): return .text(scalar.string)
        case .sequence(let sequence):
            let texts = sequence.compactMap { $0.scalar?.string }
            return texts.count == sequence.count ? .list(texts) : nil
        case .mapping(let mapping):
            var fields: [String: String] = [:]
            for (key, value) in mapping {
                guard let key = key.scalar?.string, let value = value.scalar?.string else { return nil }
                fields[key] = value
            }
            return .map(fields)
        case .alias: return nil
        }
    }
}
