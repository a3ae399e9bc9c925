// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import ArgumentParser

/// `luar completions`: prints a script that teaches a shell the commands and options.
struct Completions: ParsableCommand {
    /// A shell that completes.
    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash
        case zsh
        case fish

        var kind: CompletionShell {
            switch self {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        }
    }

    static let configuration = CommandConfiguration(
        abstract: "Print a completion script for bash, zsh or fish.",
        discussion: """
            bash: source <(luar completions bash)
            zsh:  luar completions zsh > ~/.zfunc/_luar, with ~/.zfunc in $fpath before compinit
            fish: luar completions fish > ~/.config/fish/completions/luar.fish
            """
    )

    @Argument(help: "The shell.")
    var shell: Shell

    func run() throws {
        try Failure.reported {
            try StandardOutput.write(Luar.completionScript(for: self.shell.kind) + "\n")
        }
    }
}
