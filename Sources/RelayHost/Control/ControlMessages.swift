// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// What a command asks a running relay: a JSON object in a line.
struct ControlRequest: Codable, Sendable {
    enum Command: String, Codable, Sendable {
        case reload
        case status
    }

    var command: Command
}

/// What the relay answers, in a line; then it ends the connection.
public struct ControlAnswer: Codable, Sendable {
    /// What a reload has done.
    public var reload: ReloadResult?
    /// How the relay is.
    public var status: RelayStatus?
    /// What is wrong; empty if nothing is.
    public var problems: [String] = []
}
