// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting

/// One mistake in a script.
public struct ScriptProblem: Sendable, Hashable, CustomStringConvertible {
    /// The script's name, as in `scripts/format.lua`; empty where no script is to blame.
    public var file: String
    /// The line, from 1, where it is known.
    public var line: Int?
    /// What is wrong.
    public var reason: String

    /// The problem in one line.
    public var description: String {
        guard !self.file.isEmpty else { return self.reason }
        return self.line.map { "\(self.file):\($0): \(self.reason)" } ?? "\(self.file): \(self.reason)"
    }

    /// Describes a mistake.
    ///
    /// - Parameters:
    ///   - file: The script; empty where none is to blame.
    ///   - line: The line, from 1, where it is known.
    ///   - reason: What is wrong.
    public init(file: String, line: Int?, reason: String) {
        self.file = file
        self.line = line
        self.reason = reason
    }

    /// Describes a hook's failure.
    public init(_ failure: HookFailure) {
        self.init(file: failure.script, line: failure.line, reason: failure.message)
        self.takePosition()
    }

    /// Takes file and line from the reason, where Lua puts them.
    ///
    /// Errors raised with a table, or with level 0, have none.
    private mutating func takePosition() {
        guard let position = self.reason.prefixMatch(of: #/(.+?\.lua):([0-9]+): /#) else { return }
        self.file = String(position.1)
        self.line = Int(position.2)
        self.reason = String(self.reason[position.range.upperBound...])
    }

    init(_ error: LuaError, in script: String, _ limits: LuaLimits) {
        self.init(file: error.script ?? script, line: error.script == nil ? nil : error.line, reason: error.message)
        switch error.kind {
        case .error:
            self.takePosition()
        case .timeout:
            self.reason =
                "loading the scripts took more than \(limits.loading.cpuTime) of CPU time; what follows was not loaded"
        case .memory:
            self.reason =
                "loading the scripts took more than \(limits.memory) bytes of memory; what follows was not loaded"
        }
    }
}

/// Scripts that do not load.
public struct ScriptError: Error, CustomStringConvertible {
    /// What is wrong with them, in the order in which they are loaded.
    public var problems: [ScriptProblem]

    /// All problems, a line each.
    public var description: String { self.problems.map(\.description).joined(separator: "\n") }

    init(_ problems: [ScriptProblem]) { self.problems = problems }
}
