// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Configuration
internal import Foundation
internal import RelayHooks
internal import Yams

/// A YAML file of settings: a mapping from names to values.
///
/// It becomes a source of swift-configuration like the others; but keys that mean nothing and values of a wrong shape,
/// which that library's own reader of YAML lets pass, are refused here, with their lines.
struct SettingsFile {
    /// The most bytes of a settings file.
    static let longest = 1 << 20

    /// Problems that are told; a file that is no settings file has no end of them.
    private static let mostProblems = 20
    /// What is told of a key that is none.
    private static let longestName = 64

    let path: String
    let values: any ConfigSnapshot
    /// Lines that set nothing, because of their name or shape; the others are read all the same.
    let problems: [String]
    /// What the file sets in scripts.
    let scriptValues: ScriptValues
    private let lines: [String: Int]

    /// Reads a file.
    ///
    /// - Throws: ``SettingsError`` naming the file, and the line where there is one.
    init(path: String, table: [Setting]) throws(SettingsError) {
        self.path = path
        let text = try Self.read(path)
        // Aliases of aliases grow without bound, and nothing here needs them.
        if let alias = text.firstMatch(of: #/(?:^|[\s\[\{,:?-])\*[A-Za-z0-9_]/#.anchorsMatchLineEndings()) {
            let line = text[..<alias.range.lowerBound].count { $0.isNewline } + 1
            throw SettingsError(
                "\(path):\(line): aliases (*name) are not taken here; write the value itself, or quote it"
            )
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw SettingsError(Self.describe(error, path, text))
        }
        var lines: [String: Int] = [:]
        // A file without a word in it sets nothing.
        guard let root, root != Node("", Tag(.null)) else {
            self.lines = [:]
            self.scriptValues = ScriptValues()
            self.problems = []
            self.values = InMemoryProvider(values: [:]).snapshot()
            return
        }
        guard let mapping = root.mapping else {
            throw SettingsError("\(path):1: the file is no mapping of settings; write lines like 'client-limit: 100'")
        }
        var problems: [String] = []
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        var scriptValues = ScriptValues()
        let names = table.map(\.name)
        for (key, value) in mapping {
            let line = key.mark?.line ?? 1
            guard problems.count < Self.mostProblems else {
                problems.append("\(path): and more")
                break
            }
            guard let name = key.scalar?.string, names.contains(name) else {
                let name = String((key.scalar?.string ?? "?").prefix(Self.longestName))
                let hint = SettingsReader.hint(Suggestion.closest(to: name, among: names))
                problems.append("\(path):\(line): '\(name)' is no setting; \(hint)")
                continue
            }
            lines[name] = line
            // A folder is the setting's own value; a mapping is what is set in scripts.
            if name == "scripts" || name == "set", let files = value.mapping {
                problems += Self.read(files, of: path, into: &scriptValues)
            } else if let problem = Self.problem(with: value) {
                problems.append("\(path):\(line): \(name) \(problem)")
            } else {
                values[AbsoluteConfigKey([name])] = ConfigValue(Self.content(value), isSecret: false)
            }
        }
        self.lines = lines
        self.scriptValues = scriptValues
        self.problems = problems
        self.values = InMemoryProvider(values: values).snapshot()
    }

    /// The line that sets something, from 1.
    func line(of name: String) -> Int { self.lines[name] ?? 1 }

    private static func content(_ value: Node) -> ConfigContent {
        if let sequence = value.sequence { return .stringArray(sequence.compactMap { $0.scalar?.string }) }
        return .string(value.scalar?.string ?? "")
    }

    private static func problem(with value: Node) -> String? {
        switch value {
        case .scalar(let scalar):
            return scalar.string.isEmpty && scalar.style == .plain ? "has no value" : nil
        case .sequence(let sequence):
            return sequence.allSatisfy { $0.scalar != nil }
                ? nil : "takes plain values, not lists or mappings in a list"
        case .mapping: return "takes a value or a list of values, not a mapping"
        case .alias: return "takes a value, not an alias"
        }
    }

    private static func read(_ path: String) throws(SettingsError) -> String {
        func refusal(_ reason: String) -> SettingsError {
            SettingsError("cannot read the settings file '\(path)': \(reason)")
        }
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw refusal("there is no such file")
        }
        guard !isFolder.boolValue else { throw refusal("it is a folder") }
        guard FileManager.default.isReadableFile(atPath: path) else { throw refusal("permission denied") }
        guard let handle = FileHandle(forReadingAtPath: path) else { throw refusal("it cannot be opened") }
        defer { try? handle.close() }
        let data: Data
        do {
            // One byte more than allowed shows what is too long, without reading all of it.
            data = try handle.read(upToCount: self.longest + 1) ?? Data()
        } catch {
            throw refusal("\(error.localizedDescription)")
        }
        guard data.count <= self.longest else { throw refusal("it has more than \(self.longest) bytes") }
        guard let text = String(validating: data, as: UTF8.self) else { throw refusal("it is not UTF-8") }
        return text
    }

    private static func describe(_ error: any Error, _ path: String, _ text: String) -> String {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return "\(path):\(mark.line): this is not YAML: \(problem)"
        case .duplicatedKeysInMapping(let duplicates, let context):
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            return
                duplicates.map { name in
                    let places = lines.indices.filter { lines[$0].hasPrefix("\(name):") }.map { "\($0 + 1)" }
                    let line = places.last ?? "\(context.mark.line)"
                    let others = places.count > 1 ? " (also in line \(places.dropLast().joined(separator: ", ")))" : ""
                    return "\(path):\(line): '\(name)' is set twice\(others); keep one"
                }
                .joined(separator: "\n")
        case .reader(let problem, _, _, _): return "\(path): this is not YAML: \(problem)"
        default: return "\(path): this is not YAML: \(error)"
        }
    }
}
