// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Which program runs scripts; each has events and functions of its own.
public enum ScriptProgram: String, Sendable, CaseIterable {
    /// The relay: every file of the folder but the chat client's.
    case relay
    /// The chat client: `chat.lua` and what it requires.
    case chat

    /// The one file that the chat client loads, and the relay does not.
    static let chatFile = "chat.lua"
    /// How the names of files with tests end, which no program loads.
    public static let testEnding = "_test.lua"

    /// Whether the program loads a file by itself; other files are modules, for `require`.
    func loads(_ path: String) -> Bool {
        guard !path.hasSuffix(Self.testEnding) else { return false }
        return switch self {
        case .relay: !path.contains("/") && path != Self.chatFile
        case .chat: path == Self.chatFile
        }
    }
}
