// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import ArgumentParser
internal import Foundation
internal import RelayHost
public import RelayTransport

/// `luar serve`: runs the relay until SIGINT or SIGTERM.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the relay.",
        discussion: """
            Clients connect with `nc HOST PORT` or any program that sends lines. The console shows what happens on \
            standard output, the operational log goes to standard error. SIGINT and SIGTERM stop the relay.
            """
    )

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
    var logLevel = "info"

    @OptionGroup(title: "Limits")
    var limits: LimitOptions

    func validate() throws {
        if self.noTCP, !self.tcp.isEmpty { throw ValidationError("--tcp and --no-tcp exclude each other") }
        for address in self.tcp { _ = try self.parse(address) }
        guard Relay.logLevels.contains(self.logLevel) else {
            throw ValidationError("--log-level takes one of \(Relay.logLevels.joined(separator: ", "))")
        }
    }

    func run() async throws {
        do {
            try await Relay.runProcess(try self.settings(), logLevel: self.logLevel)
        } catch {
            FileHandle.standardError.write(Data("luar: \(error)\n".utf8))
            throw ExitCode.failure
        }
    }

    private func settings() throws -> Settings {
        var settings = Settings()
        if !self.noTCP {
            settings.tcp = try (self.tcp.isEmpty ? ["127.0.0.1:12345"] : self.tcp).map { try self.parse($0) }
        }
        settings.framing = self.framing
        settings.scripts = self.scripts
        settings.hasConsole = !self.quiet
        settings.limits = self.limits.limits
        settings.luaLimits = self.limits.luaLimits
        return settings
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
