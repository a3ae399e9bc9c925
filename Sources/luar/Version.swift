// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayHost

/// What `luar --version` prints: the program's version, and those of what it runs on.
enum Version {
    static let text = """
        luar \(Relay.version)
        Lua \(LuaState.version)
        Swift \(Self.swift)
        """

    /// The language version that the compiler knows, as far as a program can tell.
    private static var swift: String {
        #if compiler(>=6.4)
        "6.4 or newer"
        #elseif compiler(>=6.3)
        "6.3"
        #else
        "6.2"
        #endif
    }
}
