// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import ArgumentParser
internal import Foundation
internal import RelayHost

/// `luar serve`: runs the relay until SIGINT or SIGTERM.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the relay.",
        discussion: """
            Clients connect with `nc HOST PORT` or any program that sends lines. The console shows what happens on \
            standard output, the operational log goes to standard error. SIGINT and SIGTERM stop the relay.
            """
    )

    @OptionGroup(title: "Relay")
    var relay: RelayOptions

    @OptionGroup(title: "Limits")
    var limits: LimitOptions

    func run() async throws {
        do {
            try await Relay.runProcess(try self.settings(), logLevel: self.relay.logLevel)
        } catch {
            FileHandle.standardError.write(Data("luar: \(error)\n".utf8))
            throw ExitCode.failure
        }
    }

    private func settings() throws -> Settings {
        var settings = Settings()
        settings.tcp = try self.relay.addresses
        settings.framing = self.relay.framing
        settings.scripts = self.relay.scripts
        settings.hasConsole = !self.relay.quiet
        settings.limits = self.limits.limits
        settings.luaLimits = self.limits.luaLimits
        return settings
    }
}
