// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import ArgumentParser
internal import RelayHost
public import RelayTransport

/// The options of `luar serve` that are not limits.
struct RelayOptions: ParsableArguments {
    @Option(
        name: .customLong("tcp"),
        help: ArgumentHelp(
            "Listen for TCP clients here; may be given more than once. (default: 127.0.0.1:12345)",
            valueName: "host:port"
        )
    )
    var tcp: [String] = []

    @Flag(name: .customLong("no-tcp"), help: "Do not listen for TCP clients.")
    var noTCP = false

    @Option(
        help: ArgumentHelp(
            "How TCP connections are cut into messages: auto (each read is one, until the first line end), line, raw.",
            valueName: "mode"
        )
    )
    var framing = FramingMode.auto

    @Option(
        help: ArgumentHelp(
            "The folder with your Lua files. (default: ./scripts, else $XDG_CONFIG_HOME/luar/scripts)",
            valueName: "dir"
        )
    )
    var scripts: String?

    @Flag(help: "Print no console lines, and ask no console hooks.")
    var quiet = false

    @Option(
        help: ArgumentHelp("Log from this level on: \(Relay.logLevels.joined(separator: ", ")).", valueName: "level")
    )
    var logLevel = "notice"

    /// Where to listen for TCP clients.
    var addresses: [ListenAddress] {
        get throws {
            if self.noTCP { return [] }
            return try (self.tcp.isEmpty ? ["127.0.0.1:12345"] : self.tcp).map { try self.parse($0) }
        }
    }

    func validate() throws {
        if self.noTCP, !self.tcp.isEmpty { throw ValidationError("--tcp and --no-tcp exclude each other") }
        _ = try self.addresses
        guard Relay.logLevels.contains(self.logLevel) || self.logLevel == "warn" else {
            throw ValidationError("--log-level takes one of \(Relay.logLevels.joined(separator: ", "))")
        }
    }

    private func parse(_ address: String) throws -> ListenAddress {
        do {
            return try ListenAddress(address)
        } catch {
            throw ValidationError("\(error)")
        }
    }
}

extension FramingMode: ExpressibleByArgument {}
