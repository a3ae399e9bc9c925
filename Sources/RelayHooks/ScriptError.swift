// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting

/// A script that does not load, in one line for the person who starts the relay.
public struct ScriptError: Error, CustomStringConvertible {
    /// What is wrong, with file and line.
    public var description: String

    init(_ error: LuaError, during limits: LuaLimits) {
        switch error.kind {
        case .error:
            self.description = error.message
        case .timeout:
            self.description =
                "loading the scripts took more than \(limits.loading.cpuTime) of CPU time\(Self.at(error))"
        case .memory:
            self.description = "loading the scripts took more than \(limits.memory) bytes of memory\(Self.at(error))"
        }
    }

    private static func at(_ error: LuaError) -> String {
        guard let script = error.script, let line = error.line else { return "" }
        return ", at \(script):\(line)"
    }
}
