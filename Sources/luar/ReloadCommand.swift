// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import ArgumentParser
internal import Foundation
internal import LineOutput
internal import RelayHost

/// Which running relay a command talks to.
struct ControlTarget: ParsableArguments {
    @Option(
        help: ArgumentHelp("The relay's control socket; needed where several relays run.", valueName: "path"),
        completion: .file()
    )
    var control: String?

    /// The socket's path.
    func path() throws -> String {
        let environment = ProcessInfo.processInfo.environment
        let asked = self.control ?? environment["LUAR_CONTROL"].flatMap { $0.isEmpty ? nil : $0 }
        return try ControlSocket.find(asked, environment: environment)
    }
}

/// `luar reload`: has a running relay take up changed scripts.
struct ReloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have the running relay take up changed scripts; nobody is disconnected.",
        discussion: """
            Scripts that do not load change nothing: what is wrong is told, and the exit code is 1. SIGHUP does the same, and \
            `luar serve --watch` does it whenever a file changes.
            """
    )

    @OptionGroup
    var target: ControlTarget

    func run() async throws {
        do {
            let answer = try await ControlClient.reload(try self.target.path())
            guard let result = answer.reload else {
                Failure.say(answer.problems + ["not reloaded; the scripts from before go on"])
                throw ExitCode.failure
            }
            let clients = "\(result.clients) client\(result.clients == 1 ? "" : "s") stayed"
            try StandardOutput.write(
                LineEscaping.escaped(
                    "reloaded \(result.folder ?? "the stock scripts"): \(result.hooks) hooks, \(clients)"
                )
                    + "\n"
            )
        } catch {
            throw Failure.report(error)
        }
    }
}
