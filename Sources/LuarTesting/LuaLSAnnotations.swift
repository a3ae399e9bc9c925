// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
internal import RelayHooks

/// What an editor needs to know of scripts and their tests, for lua-language-server.
public enum LuaLSAnnotations {
    /// The files that go into a folder of scripts, by their paths there.
    public static var files: [String: [UInt8]] {
        [
            ".luarc.json": Array(self.configuration.utf8),
            "\(ScriptSet.annotationFolder)/relay.lua": Array(self.annotations.utf8),
        ]
    }

    /// The API as annotations.
    static var annotations: String {
        var annotations = ScriptAPI.annotations
        annotations.add(comment: "In files that end with \(ScriptProgram.testEnding):")
        for type in TestAPI.described { annotations.add(type) }
        for (_, description) in TestAPI.functions where description.method == nil {
            annotations.add(description, overloads: ["fun(name: string, fn: fun(t: relay.Test))"])
        }
        annotations.add(comment: "What the sandbox has of these:")
        annotations.add(table: "os")
        for function in self.library { annotations.add(function) }
        return annotations.text
    }

    /// What is left of libraries that the configuration switches off.
    private static let library = [
        APIFunction(
            "os.date",
            [APIParameter("format?", "string"), APIParameter("time?", "integer")],
            returns: ["string|table"],
            "A time as a text, or with the format `*t` as a table."
        ),
        APIFunction(
            "os.time",
            [APIParameter("date?", "table")],
            returns: ["integer"],
            "The time, or that of a table, in Unix seconds."
        ),
        APIFunction(
            "os.difftime",
            [APIParameter("later", "integer"), APIParameter("earlier", "integer")],
            returns: ["number"],
            "The seconds between two times."
        ),
        APIFunction(
            "require",
            [APIParameter("name", "string")],
            returns: ["any"],
            "What a module answers, from `lib/` or beside this file."
        ),
    ]

    /// The server's settings, by <https://luals.github.io/wiki/settings/>.
    static let configuration = """
        {
          "runtime.version": "Lua 5.4",
          "runtime.path": ["lib/?.lua", "?.lua"],
          "runtime.builtin": {
            "debug": "disable",
            "io": "disable",
            "os": "disable",
            "package": "disable"
          },
          "workspace.library": ["\(ScriptSet.annotationFolder)"],
          "workspace.checkThirdParty": false
        }

        """

    // MARK: The README

    /// The parts of Luar's README that come from the API, by their names there.
    static var readmeParts: [String: String] {
        [
            "events": ScriptAPI.eventTable(of: .relay),
            "chat events": ScriptAPI.eventTable(of: .chat),
            "objects": ScriptAPI.objectTable,
            "functions": ScriptAPI.functionTable,
            "tests": self.testTable,
        ]
    }

    private static var testTable: String {
        let calls = TestAPI.functions.map(\.description).filter { $0.method != nil }
        let rows = calls.map { "| `\($0.call)` | \($0.help) |\n" }
        let fields = TestAPI.ClientField.allCases.map { "`\($0.described.name)` \($0.described.help)" }
        return "| in a test | |\n|---|---|\n" + rows.joined() + "| `client` | \(fields.joined(separator: "; ")) |\n"
    }

    /// The README with those parts as they are now.
    ///
    /// A part stands between `<!-- api: NAME -->` and `<!-- /api -->`.
    ///
    /// - Parameter text: The README.
    /// - Returns: The README, and the names that it has a place for.
    static func updated(readme text: String) -> (text: String, parts: Set<String>) {
        var result = ""
        var names: Set<String> = []
        var rest = text[...]
        while let start = rest.firstMatch(of: #/<!-- api: ([a-z ]+) -->\n/#),
            let end = rest[start.range.upperBound...].range(of: "<!-- /api -->")
        {
            let name = String(start.1)
            names.insert(name)
            result += rest[..<start.range.upperBound] + (self.readmeParts[name] ?? "")
            rest = rest[end.lowerBound...]
        }
        return (result + rest, names)
    }
}
