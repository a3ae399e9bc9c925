// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import ArgumentParser
internal import Foundation
internal import HostSettings

/// Options that stand for settings: a property's name is the setting's in camel case, and everything else comes from
/// the table of settings, so that the command line, the environment and files cannot disagree.
protocol SettingOptions: ParsableArguments {
    /// The values that were given, by the setting's name.
    var given: [String: [String]] { get }
}

extension SettingOptions {
    /// The values of the properties, which are named like their settings.
    var given: [String: [String]] {
        var values: [String: [String]] = [:]
        for child in Mirror(reflecting: self).children {
            guard let label = child.label else { continue }
            let given: [String]? =
                switch child.value {
                case let option as Option<String?>: option.wrappedValue.map { [$0] }
                case let option as Option<[String]>: option.wrappedValue.isEmpty ? nil : option.wrappedValue
                case let flag as Flag<Bool?>: flag.wrappedValue.map { ["\($0)"] }
                // A flag without its inverse says something only when it is given.
                case let flag as Flag<Bool>: flag.wrappedValue ? ["true"] : nil
                case let argument as Argument<String?>: argument.wrappedValue.map { [$0] }
                default: nil
                }
            if let given { values[Self.settingName(label)] = given }
        }
        return values
    }

    func validate() throws { try self.checkValues() }

    /// Refuses values that no setting takes.
    func checkValues() throws {
        for (name, values) in self.given {
            guard let setting = Setting.named(name) else { continue }
            if let problem = setting.problem(with: values) { throw ValidationError("\(setting.option): \(problem)") }
        }
    }

    /// `_noTcp` is the option of `no-tcp`.
    private static func settingName(_ label: String) -> String {
        label.drop { $0 == "_" }
            .reduce(into: "") { name, letter in
                name += letter.isUppercase ? "-\(letter.lowercased())" : String(letter)
            }
    }
}

extension ArgumentHelp {
    /// The help of a setting, with its default.
    static func setting(_ name: String) -> ArgumentHelp {
        guard let setting = Setting.named(name) else { preconditionFailure("there is no setting '\(name)'") }
        var text = setting.help + (setting.defaultText.map { " (default: \($0))" } ?? "")
        // A flag with a inverse is off unless it is said to be on.
        if setting.arity == .flag, !name.hasPrefix("no-") { text += " (default: --no-\(name))" }
        return ArgumentHelp("\(text)", valueName: setting.valueName.isEmpty ? nil : setting.valueName)
    }
}

extension CompletionKind {
    /// What a shell offers for a setting's value.
    static func setting(_ name: String) -> CompletionKind? {
        guard let setting = Setting.named(name), setting.arity != .flag else { return nil }
        if !setting.choices.isEmpty { return .list(setting.choices) }
        switch setting.valueName {
        case "dir": return .directory
        case "file": return .file()
        default: return nil
        }
    }
}

extension Option where Value == String? {
    /// The option of a setting.
    init(setting name: String) {
        self.init(name: .customLong(name), help: .setting(name), completion: .setting(name))
    }
}

extension Option where Value == [String] {
    /// The option of a setting that may be given more than once.
    init(wrappedValue: [String], setting name: String) {
        self.init(
            wrappedValue: wrappedValue,
            name: .customLong(name),
            parsing: .singleValue,
            help: .setting(name),
            completion: .setting(name)
        )
    }
}
