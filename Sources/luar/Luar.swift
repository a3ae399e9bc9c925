// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import ArgumentParser
internal import RelayHost

/// The command line.
@main
struct Luar: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "luar",
        abstract: "A relay host whose every behaviour is a Lua hook.",
        discussion: "Start with `luar serve`, then connect twice with `nc 127.0.0.1 12345`.",
        version: Relay.version,
        subcommands: [Serve.self]
    )
}
