// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting

/// A script that does not load, in one line for the person who starts the relay.
public struct ScriptError: Error, CustomStringConvertible {
    /// What is wrong, with file and line.
    public var description: String

    init(_ error: LuaError, in script: String, _ limits: LuaLimits) {
        switch error.kind {
        case .error:
            // Errors raised with a table or without a position do not say where they come from.
            self.description = error.message.contains(".lua:") ? error.message : "\(script): \(error.message)"
        case .timeout:
            self.description =
                "loading the scripts took more than \(limits.loading.cpuTime) of CPU time\(Self.at(error, script))"
        case .memory:
            self.description =
                "loading the scripts took more than \(limits.memory) bytes of memory\(Self.at(error, script))"
        }
    }

    private static func at(_ error: LuaError, _ loading: String) -> String {
        guard let script = error.script, let line = error.line else { return ", in \(loading)" }
        return ", at \(script):\(line)"
    }
}
