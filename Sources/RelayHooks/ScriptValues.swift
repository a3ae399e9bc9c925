// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// What operators set for scripts, before anybody knows which settings scripts have.
public struct ScriptValues: Sendable {
    /// A value as it was written.
    public enum Value: Sendable, Equatable {
        case text(String)
        case list([String])
        case map([String: String])
    }

    /// Where a value was written.
    public enum Source: Sendable, Equatable {
        /// A settings file; its path and a line.
        case file(String, line: Int)
        /// An environment variable.
        case environment(String)
        /// The command line, which everybody on the machine can read.
        case commandLine
        /// A test of the scripts.
        case test
    }

    struct Entry: Sendable {
        /// `file.name`; of a variable, which knows no dots, the part of its name that stands for that.
        var name: String
        var value: Value
        var source: Source

        /// The entry in words, for error texts.
        var description: String {
            switch self.source {
            case .file(let path, let line): "\(path):\(line): \(self.name)"
            case .environment(let variable): "\(variable) in the environment"
            case .commandLine: "--set \(self.name)"
            case .test: "the test's setting \(self.name)"
            }
        }

        func isFor(_ name: String) -> Bool {
            if case .environment = self.source { return self.name == ScriptValues.variable(for: name) }
            return self.name == name
        }

        /// Whether it can only be for a setting of this namespace.
        func isIn(_ namespace: String) -> Bool {
            if case .environment = self.source {
                return self.name.hasPrefix(ScriptValues.variable(for: namespace) + "_")
            }
            return self.name.hasPrefix(namespace + ".")
        }
    }

    /// What variables for scripts begin with.
    public static let variablePrefix = "LUAR_SET_"

    /// Where the values come from that are set next.
    public var source = Source.commandLine
    /// All of them; later ones count more.
    private(set) var entries: [Entry] = []

    /// Nothing is set.
    public init() {}

    /// Whether nothing is set.
    public var isEmpty: Bool { self.entries.isEmpty }

    /// The names, as they were written; of variables their part.
    public var names: [String] { self.entries.map(\.name) }

    /// Sets a value, over those from before.
    ///
    /// - Parameters:
    ///   - name: `file.name`; of a variable what follows ``variablePrefix``.
    ///   - value: The value; it comes from ``source``.
    public mutating func set(_ name: String, to value: Value) {
        self.entries.append(Entry(name: name, value: value, source: self.source))
    }

    /// Sets the values of another source, which count more.
    public mutating func merge(_ other: ScriptValues) { self.entries += other.entries }

    /// The variable's part that stands for a setting: capitals, with `_` for what is no letter or digit.
    static func variable(for name: String) -> String {
        String(name.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    }
}
