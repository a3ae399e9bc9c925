// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// The Lua API in words, from the tables that it is registered from.
public enum ScriptAPI {
    /// All of it as annotations for lua-language-server.
    package static var annotations: Annotations {
        var annotations = Annotations()
        annotations.add(
            comment: """
                What Luar's scripts can use, for editors; no program runs this file.
                `luar init --force` writes the one of a newer Luar over it.
                """
        )
        for (name, help, values) in HookAPI.words { annotations.add(words: name, help, values) }
        for type in HookAPI.objects + HookAPI.tables { annotations.add(type) }
        for table in self.luaTables { annotations.add(table: table) }
        for (constant, _) in HookAPI.constants { annotations.add(constant: constant) }
        for (constant, _) in HookAPI.libraryConstants { annotations.add(constant: constant) }
        for (function, description) in HookAPI.functions where description.method == nil {
            let takesEvents = function == .on || function == .setDefault
            annotations.add(description, overloads: takesEvents ? self.overloads : [])
        }
        for (description, _) in HookAPI.library { annotations.add(description) }
        return annotations
    }

    /// The tables that functions and constants stand in, outer ones first.
    private static var luaTables: [String] {
        let paths = ScriptProgram.allCases.flatMap { HookAPI.paths(in: $0) }
        let tables = paths.compactMap { path in path.lastIndex(of: ".").map { String(path[..<$0]) } }
        return Set(tables).sorted()
    }

    /// How a hook is registered for each event, without and with options.
    private static var overloads: [String] {
        HookEvent.allCases.flatMap { event -> [String] in
            guard let described = event.described else { return [] }
            let options = event == .format ? "Format" : event == .ping ? "Ping" : "Hook"
            let hook = Annotations.function(described.parameters, described.answers)
            return [
                "fun(event: \"\(event.rawValue)\", fn: \(hook))",
                "fun(event: \"\(event.rawValue)\", options: relay.\(options)Options, fn: \(hook))",
            ]
        }
    }

    // MARK: Tables

    /// A program's events as a table in Markdown.
    package static func eventTable(of program: ScriptProgram) -> String {
        let rows = HookEvent.allCases.filter { $0.program == program }
            .compactMap { event -> [String]? in
                guard let described = event.described else { return nil }
                let names = described.parameters.map(\.bareName).joined(separator: ", ")
                return ["`\(event.rawValue)(\(names))`", described.occasion, described.meaning]
            }
        return self.table(["event", "asked or told", "answer"], rows)
    }

    /// What events bring and what scripts write, with fields and methods, as a table in Markdown.
    package static var objectTable: String {
        let types = (HookAPI.objects + HookAPI.tables).filter { !$0.fields.isEmpty || !$0.methods.isEmpty }
        let rows = types.map { type in
            let fields = type.fields.map { field in
                let isOptional = field.type.hasSuffix("?") || field.type.hasSuffix("|nil")
                return "`\(field.name)`\(isOptional ? "?" : "") \(field.help)\(self.words(of: field.type))"
            }
            let methods = type.methods.compactMap { method in
                method.method.map { "`:\($0.name)(\(method.parameters.map(\.bareName).joined(separator: ", ")))`" }
            }
            return [type.word, "\(type.help) " + (fields + methods).joined(separator: "; ")]
        }
        return self.table(["object", "its fields and methods"], rows)
    }

    /// The words that a value may be, where it is one of some.
    private static func words(of type: String) -> String {
        let words = type.matches(of: #/"(\w+)"/#).map { "`\($0.1)`" }
        return words.isEmpty ? "" : " (\(words.joined(separator: " ")))"
    }

    /// The functions and constants as a table in Markdown.
    package static var functionTable: String {
        let functions = (HookAPI.functions.map(\.description) + HookAPI.library.map(\.description))
            .map { function in
                ["`\(function.call)`", function.help]
            }
        let constants = (HookAPI.constants.map(\.description) + HookAPI.libraryConstants.map(\.description))
            .map {
                ["`\($0.name)`", Self.sentence($0.help)]
            }
        return self.table(["function or constant", "what it does or is"], functions + constants)
    }

    private static func sentence(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() + "." }

    private static func table(_ head: [String], _ rows: [[String]]) -> String {
        let rule = head.map { _ in "---" }.joined(separator: "|")
        let lines = [head] + rows
        let texts = lines.map { row in "| \(row.joined(separator: " | ")) |".replacing("|  |", with: "| |") }
        return ([texts[0], "|\(rule)|"] + texts.dropFirst()).joined(separator: "\n") + "\n"
    }
}
