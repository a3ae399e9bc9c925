// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import ArgumentParser
internal import Foundation

/// The commands and options as ArgumentParser describes them in JSON: what `--help` shows, for other presentations.
struct HelpTree: Decodable {
    struct Command: Decodable {
        var commandName: String
        var abstract: String?
        var discussion: String?
        var subcommands: [Command]?
        var arguments: [Argument]?
    }

    struct Argument: Decodable {
        struct Name: Decodable {
            var kind: String
            var name: String

            var written: String { (self.kind == "long" ? "--" : "-") + self.name }
        }

        var kind: String
        var shouldDisplay: Bool
        var sectionTitle: String?
        var isOptional: Bool
        var isRepeating: Bool
        var names: [Name]?
        var valueName: String?
        var defaultValue: String?
        var abstract: String?

        /// The name after two dashes, if it has one.
        private var longName: String? { self.names?.first { $0.kind == "long" }?.name }

        /// Whether it takes back what another flag says, and says nothing else.
        func isInverse(of other: Argument) -> Bool {
            self.longName == "no-\(other.longName ?? "")" && self.abstract == other.abstract
        }
    }

    var command: Command

    /// The tree of the whole program.
    static func read() throws -> HelpTree {
        try JSONDecoder().decode(HelpTree.self, from: Data(Luar._dumpHelp().utf8))
    }
}
