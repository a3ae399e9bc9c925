// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting

/// A setting that a script has, and its value.
public struct ScriptSettingEntry: Sendable, Encodable {
    /// `file.name`.
    public var name: String
    /// What it takes.
    public var type: String
    /// Its value as one would write it; nil if it is secret or there is none.
    public var value: String?
    /// Where that came from: `default`, or as it was written.
    public var from: String
    /// What it does.
    public var help: String
}

/// The settings of all scripts of a program.
///
/// Confined to the script loop, like the scripts.
final class ScriptSettings {
    private let values: ScriptValues
    /// Those of each namespace, by name.
    private var declared: [String: [String: ScriptSettingEntry]] = [:]

    init(_ values: ScriptValues) { self.values = values }

    /// All settings by name.
    var entries: [ScriptSettingEntry] { self.declared.values.flatMap(\.values).sorted { $0.name < $1.name } }

    /// What the table of a namespace's values is called.
    private static func tableName(_ namespace: String) -> String { "settings of \(namespace)" }

    /// The names in a table of values; nil if it is no such table.
    func names(inTable name: String) -> [String]? {
        self.declared.first { Self.tableName($0.key) == name }.map { Array($0.value.keys) }
    }

    /// Declares a script's settings.
    ///
    /// - Parameters:
    ///   - table: What the script wrote.
    ///   - namespace: The script's file without its ending.
    /// - Returns: The read-only table of values, or what is wrong.
    func declare(_ table: LuaTable, namespace: String) -> LuaResult {
        guard self.declared[namespace] == nil else {
            return .failure("relay.settings is called once in a file; '\(namespace)' has settings already")
        }
        var entries: [String: ScriptSettingEntry] = [:]
        var fields: [String: LuaData] = [:]
        // One wrong value does not hide another: all are told.
        var refusals: [String] = []
        for index in 0..<table.count {
            let (key, value) = table.entry(index)
            guard let name = key.text, name.wholeMatch(of: #/[A-Za-z_][A-Za-z0-9_]*/#) != nil else {
                return .failure(
                    "a setting's name is a word like normal_ms, not \(key.text.map { "'\($0)'" } ?? key.described)"
                )
            }
            let full = "\(namespace).\(name)"
            do throws(SettingRefusal) {
                guard case .table(let table) = value else {
                    throw SettingRefusal(
                        "it is described by a table, like { \"number\", default = 1 }, not \(value.described)"
                    )
                }
                let variable = ScriptValues.variable(for: full)
                if let other = self.entries.first(where: { ScriptValues.variable(for: $0.name) == variable }) {
                    throw SettingRefusal(
                        "\(ScriptValues.variablePrefix)\(variable) would set '\(other.name)' as well; rename one of them"
                    )
                }
                let declaration = try SettingDeclaration(table)
                let given = self.values.entries.last { $0.isFor(full) }
                entries[name] = ScriptSettingEntry(
                    name: full,
                    type: declaration.type.rawValue,
                    from: given.map(Self.origin) ?? "default",
                    help: declaration.help
                )
                var tree = declaration.defaultValue
                if let given { tree = try self.take(given, for: declaration) }
                fields[name] = tree
                guard tree != nil || declaration.type == .secret else {
                    throw SettingRefusal("it has no default and no value; give it one with --set \(full)=VALUE")
                }
                entries[name]?.value = declaration.type == .secret ? nil : tree?.written
            } catch {
                // It is there, if not as it should be.
                if entries[name] == nil {
                    entries[name] = ScriptSettingEntry(name: full, type: "", from: "default", help: "")
                }
                refusals.append("setting '\(full)': \(error.reason)")
            }
        }
        self.declared[namespace] = entries
        guard refusals.isEmpty else { return .failure(refusals.sorted().joined(separator: "; ")) }
        return .record(name: Self.tableName(namespace), fields)
    }

    private func take(
        _ given: ScriptValues.Entry,
        for declaration: SettingDeclaration
    ) throws(SettingRefusal) -> LuaData {
        if declaration.type == .secret, given.source == .commandLine {
            throw SettingRefusal(
                "a secret is not for the command line, which everybody can read; use the environment or a file"
            )
        }
        do {
            return try declaration.read(given.value)
        } catch {
            // Nobody's secret gets into a log because it was mistyped.
            let reason = declaration.type == .secret ? "its value cannot be used" : error.reason
            throw SettingRefusal("\(given.description): \(reason)")
        }
    }

    private static func origin(_ entry: ScriptValues.Entry) -> String {
        switch entry.source {
        case .file(let path, let line): "\(path):\(line)"
        case .environment(let variable): "environment \(variable)"
        case .commandLine: "command line"
        case .test: "test"
        }
    }

    /// Values that no script takes; those for files of the other program are left to that.
    ///
    /// - Parameters:
    ///   - program: Whose scripts these are.
    ///   - areAllKnown: Whether all scripts were loaded; if not, only files that declared settings are judged.
    /// - Returns: A problem for each.
    func unclaimed(by program: ScriptProgram, areAllKnown: Bool) -> [ScriptProblem] {
        let known = self.entries.map(\.name)
        let isChats = { (name: String) in name.lowercased().hasPrefix("chat.") || name.hasPrefix("CHAT_") }
        var told: Set<String> = []
        return self.values.entries.compactMap { entry in
            guard !known.contains(where: { entry.isFor($0) }), isChats(entry.name) == (program == .chat) else {
                return nil
            }
            guard areAllKnown || self.declared.keys.contains(where: { entry.isIn($0) }) else { return nil }
            guard told.insert(entry.description).inserted else { return nil }
            let names: [String]
            let name: String
            if case .environment = entry.source {
                names = known.map { ScriptValues.variablePrefix + ScriptValues.variable(for: $0) }
                name = ScriptValues.variablePrefix + entry.name
            } else {
                (names, name) = (known, entry.name)
            }
            let hint = names.isEmpty ? "no script has settings" : Suggestion.phrase(for: name, among: names)
            return ScriptProblem(
                file: "",
                line: nil,
                reason: "\(entry.description): no script has this setting; \(hint)"
            )
        }
    }
}
