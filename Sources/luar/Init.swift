// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import ArgumentParser
internal import HostSettings
internal import LineOutput
internal import LuarTesting

/// `luar init`: writes the stock scripts for somebody to change.
struct Init: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write the stock scripts into a folder, to be changed.",
        discussion: """
            Beside them go .luarc.json and library/relay.lua, by which lua-language-server knows the API in your editor. Nothing that exists is \
            overwritten; with --force these files replace yours of the same names.
            """
    )

    @Argument(help: "The folder; it is made if need be.", completion: .directory)
    var dir: String

    @Flag(help: "Overwrite files that exist.")
    var force = false

    func run() throws {
        try Failure.reported {
            let written = try ScriptFolder.writeStock(to: self.dir, and: LuaLSAnnotations.files, overwrites: self.force)
            let lines = written.map { "wrote \($0)" } + ["Next: change a file, then `luar check \(self.dir)`."]
            try StandardOutput.write(lines.map { LineEscaping.escaped($0) + "\n" }.joined())
        }
    }
}
