// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Configuration
internal import RelayHooks

/// Settings and where each of them came from.
public struct ResolvedSettings: Sendable {
    /// Where a value in force came from.
    public enum Origin: Sendable, Hashable, CustomStringConvertible {
        /// Nobody set it.
        case builtIn
        /// A line of a settings file.
        case file(String, line: Int)
        /// An environment variable.
        case environment(String)
        /// The command line.
        case commandLine

        /// The same for values of scripts.
        fileprivate var source: ScriptValues.Source {
            switch self {
            case .file(let path, let line): .file(path, line: line)
            case .environment(let variable): .environment(variable)
            case .builtIn, .commandLine: .commandLine
            }
        }

        /// The origin in words.
        public var description: String {
            switch self {
            case .builtIn: "default"
            case .file(let path, let line): "\(path):\(line)"
            case .environment(let variable): "environment \(variable)"
            case .commandLine: "command line"
            }
        }
    }

    /// The settings in force.
    public internal(set) var settings = Settings()
    private var origins: [String: Origin] = [:]

    /// Where a setting came from.
    public func origin(of setting: Setting) -> Origin { self.origins[setting.name] ?? .builtIn }

    /// The value in force as one would write it; hidden if it is secret, empty if there is none.
    public func text(of setting: Setting) -> String {
        let text = setting.show(self.settings)
        return setting.isSecret && !text.isEmpty ? "(hidden)" : text
    }

    /// Takes what a source sets in scripts.
    fileprivate mutating func merge(_ values: ScriptValues, from origin: Origin) {
        guard !values.isEmpty else { return }
        self.settings.scriptValues.merge(values)
        self.origins["set"] = origin
    }

    /// Takes one setting's values from a source that counts more than those before.
    fileprivate mutating func take(_ values: [String], for setting: Setting, from origin: Origin) throws(Refusal) {
        let before = self.settings
        self.settings.scriptValues.source = origin.source
        try setting.take(values, &self.settings)
        self.origins[setting.name] = origin
        // Whether to listen and where are one decision, which the later source takes.
        guard let inverse = setting.inverse.flatMap({ Setting.named($0) }) else { return }
        switch setting.arity {
        case .flag: if inverse.show(before) != inverse.show(self.settings) { self.origins[inverse.name] = origin }
        case .one, .list: self.origins[inverse.name] = nil
        }
    }
}

/// Reads settings strictly: the command line counts most, then the environment, then a file, then the defaults; what is
/// unknown or wrong in any of them is an error.
public struct SettingsReader {
    /// Which file to read, from the environment.
    public static let fileVariable = "LUAR_CONFIG"

    private let commandLine: [String: [String]]
    private let environment: [String: String]
    private let file: String?
    private let table: [Setting]

    /// Makes a reader.
    ///
    /// - Parameters:
    ///   - commandLine: Values by the setting's name.
    ///   - environment: The process's environment.
    ///   - file: A YAML file; nil takes the one that `LUAR_CONFIG` names, if it does.
    public init(commandLine: [String: [String]] = [:], environment: [String: String], file: String? = nil) {
        self.init(commandLine: commandLine, environment: environment, file: file, table: Setting.all)
    }

    init(commandLine: [String: [String]], environment: [String: String], file: String?, table: [Setting]) {
        self.commandLine = commandLine
        self.environment = environment
        self.file = file ?? environment[Self.fileVariable]
        self.table = table
    }

    /// Reads everything.
    ///
    /// - Throws: ``SettingsError`` with all problems of all sources.
    public func read() throws(SettingsError) -> ResolvedSettings {
        var resolved = ResolvedSettings()
        var problems = self.unknownVariables()
        if let file = self.file {
            do {
                let file = try SettingsFile(path: file, table: self.table)
                problems += file.problems
                resolved.merge(file.scriptValues, from: .file(file.path, line: file.line(of: "scripts")))
                self.apply(file.values, .file(file), to: &resolved, &problems)
            } catch {
                problems += error.problems
            }
        }
        let environment = EnvironmentVariablesProvider(environmentVariables: self.environment)
        self.apply(environment.snapshot(), .environment, to: &resolved, &problems)
        for (variable, text) in self.environment.sorted(by: { $0.key < $1.key })
        where variable.hasPrefix(ScriptValues.variablePrefix) {
            let name = String(variable.dropFirst(ScriptValues.variablePrefix.count))
            var values = ScriptValues()
            values.source = .environment(variable)
            values.set(name, to: .text(text))
            resolved.merge(values, from: .environment(variable))
        }
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for (name, given) in self.commandLine {
            values[AbsoluteConfigKey([name])] = ConfigValue(.stringArray(given), isSecret: false)
        }
        self.apply(InMemoryProvider(values: values).snapshot(), .commandLine, to: &resolved, &problems)
        // What is wrong by itself need not be compared.
        if problems.isEmpty { problems = resolved.contradictions() }
        guard problems.isEmpty else { throw SettingsError(problems) }
        return resolved
    }

    private enum Source {
        case file(SettingsFile)
        case environment
        case commandLine

        func origin(of setting: Setting) -> ResolvedSettings.Origin {
            switch self {
            case .file(let file): .file(file.path, line: file.line(of: setting.name))
            case .environment: .environment(setting.variable)
            case .commandLine: .commandLine
            }
        }

        /// The setting as this source calls it, for error texts.
        func name(of setting: Setting) -> String {
            switch self {
            case .file(let file): "\(file.path):\(file.line(of: setting.name)): \(setting.name)"
            case .environment: "\(setting.variable) in the environment"
            case .commandLine: setting.option
            }
        }
    }

    /// Lays one source over what came before.
    private func apply(
        _ snapshot: any ConfigSnapshot,
        _ source: Source,
        to resolved: inout ResolvedSettings,
        _ problems: inout [String]
    ) {
        for setting in self.table {
            var key = AbsoluteConfigKey([setting.name])
            if case .environment = source { key = key.prepending("luar") }
            guard let values = Self.values(snapshot, key, setting) else { continue }
            let name = source.name(of: setting)
            if setting.arity != .list, values.count != 1, case .file = source {
                problems.append("\(name) takes one value, not a list")
                continue
            }
            do {
                if setting.arity == .flag, let inverse = self.table.first(where: { $0.name == setting.inverse }),
                    try Setting.boolean(values.last ?? ""),
                    Self.values(snapshot, AbsoluteConfigKey(key.components.dropLast() + [inverse.name]), inverse)
                        != nil
                {
                    problems.append("\(source.name(of: inverse)) and \(name) exclude each other")
                    continue
                }
                try resolved.take(values, for: setting, from: source.origin(of: setting))
            } catch {
                problems.append("\(name): \(setting.isSecret ? "its value cannot be used" : error.reason)")
            }
        }
    }

    /// The values a source has for a setting; nil if it says nothing.
    private static func values(
        _ snapshot: any ConfigSnapshot,
        _ key: AbsoluteConfigKey,
        _ setting: Setting
    ) -> [String]? {
        // A scalar asked for as a list, or a list asked for as a scalar, is an error of the library; both are fine here.
        let types: [ConfigType] = setting.arity == .list ? [.stringArray, .string] : [.string, .stringArray]
        for type in types {
            switch try? snapshot.value(forKey: key, type: type).value?.content {
            case .string(let text): return [text]
            case .stringArray(let texts): return texts
            default: continue
            }
        }
        return nil
    }

    /// The end of an error text about a name that does not exist.
    static func hint(_ closest: String?) -> String {
        closest.map { "did you mean '\($0)'?" } ?? "`luar settings` lists all"
    }

    /// Variables that look like ours and mean nothing.
    private func unknownVariables() -> [String] {
        let prefix = "LUAR_"
        let known = self.table.map(\.variable) + [Self.fileVariable]
        // Only scripts know what is theirs.
        return self.environment.keys
            .filter { $0.hasPrefix(prefix) && !known.contains($0) && !$0.hasPrefix(ScriptValues.variablePrefix) }
            .sorted()
            .map { name in
                // What all of them begin with says nothing about what was meant.
                let own = String(name.dropFirst(prefix.count))
                let closest = Suggestion.closest(to: own, among: known.map { String($0.dropFirst(prefix.count)) })
                return "\(name) in the environment is no setting; \(Self.hint(closest.map { prefix + $0 }))"
            }
    }
}
