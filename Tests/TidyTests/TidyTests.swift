// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import StockScripts
import Testing

/// The rules of the house that a program can check.
@Suite struct TidyTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// All files below a folder with one of these endings, as path and text.
    private static func files(in folders: [String], endings: [String]) throws -> [(path: String, text: String)] {
        try folders.flatMap { folder -> [(path: String, text: String)] in
            let top = self.root.appendingPathComponent(folder).path
            let found = FileManager.default.enumerator(atPath: top)?.compactMap { $0 as? String } ?? []
            return try found.filter { path in endings.contains { path.hasSuffix($0) } }.sorted()
                .map { path in
                    (
                        "\(folder)/\(path)",
                        try String(contentsOf: URL(fileURLWithPath: "\(top)/\(path)"), encoding: .utf8)
                    )
                }
        }
    }

    private static let code = [".swift", ".c", ".h"]
    private static let folders = ["Sources", "Tests", "scripts"]

    /// The rows of the map's table: a target and what it may import.
    private static func map() throws -> [(target: String, imports: Set<String>)] {
        let text = try String(contentsOf: Self.root.appendingPathComponent("Sources/README.md"), encoding: .utf8)
        return text.split(separator: "\n").filter { $0.hasPrefix("| `") }
            .map { row in
                let cells = row.split(separator: "|", omittingEmptySubsequences: false)
                let names = { (cell: Substring) in cell.matches(of: /`(\w+)`/).map { String($0.1) } }
                return (names(cells[1])[0], Set(names(cells[3])))
            }
    }

    private static func folder(of target: String) -> String {
        ["StockScripts": "scripts", "StockModules": "scripts/lib"][target] ?? "Sources/\(target)"
    }

    @Test func `every target stands in the map, and every arrow points down`() throws {
        let map = try Self.map()
        let manifest = try String(contentsOf: Self.root.appendingPathComponent("Package.swift"), encoding: .utf8)
        let declared = manifest.matches(of: /\.(?:target|executableTarget)\(\s*name: "(\w+)"/).map { String($0.1) }
            .filter { !["TestSupport", "MessageCost"].contains($0) }
        #expect(Set(map.map(\.target)) == Set(declared))
        #expect(map.count == declared.count)
        for (row, entry) in map.enumerated() {
            let below = Set(map[(row + 1)...].map(\.target))
            #expect(entry.imports.isSubset(of: below), "\(entry.target) imports what does not stand below it")
        }
    }

    @Test func `every target imports what the map allows, and nothing else of ours`() throws {
        let map = try Self.map()
        let ours = Set(map.map(\.target))
        for (target, allowed) in map {
            var used: Set<String> = []
            for file in try Self.files(in: [Self.folder(of: target)], endings: [".swift"]) {
                if target == "StockScripts", file.path.hasPrefix("scripts/lib/") { continue }
                used.formUnion(file.text.matches(of: /(?m)^\s*(?:\w+ )?import (?:\w+ )?(\w+)/).map { String($0.1) })
            }
            #expect(used.intersection(ours) == allowed, "\(target)")
        }
    }

    @Test func `no file is longer than 400 lines, and each begins with its licence`() throws {
        for file in try Self.files(in: Self.folders, endings: Self.code) {
            var lines = file.text.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count <= 400, "\(file.path)")
            // Of a package's description the first line belongs to SwiftPM.
            if file.path.hasSuffix("Package.swift") { lines.removeFirst() }
            #expect(lines.first == "// SPDX-License-Identifier: Apache-2.0", "\(file.path)")
            #expect(lines.dropFirst().first == "// Copyright 2026 the Luar authors", "\(file.path)")
        }
    }

    @Test func `sources neither crash on purpose nor print nor leave work undone`() throws {
        let calls = [#"\bfatalError\("#, #"\btry!"#, #"\bas!"#, #"\bprint\("#, #"(?<!Unicode\.)\bdebugPrint\("#]
        let words = [#"\bTODO\b"#, #"\bFIXME\b"#, #"\bXXX\b"#, #"\bHACK\b"#, #"\bfor now\b"#, "not implemented"]
        for file in try Self.files(in: ["Sources", "scripts"], endings: Self.code + [".lua"]) {
            for pattern in (file.path.hasSuffix(".swift") ? calls : []) + words {
                let found = file.text.range(of: pattern, options: .regularExpression)
                #expect(found == nil, "\(file.path) has \(pattern)")
            }
        }
    }

    @Test func `no file is named after nothing in particular`() throws {
        let vague = ["Util", "Common", "Helper", "Manager", "New", "Misc"]
        for file in try Self.files(in: Self.folders, endings: Self.code) {
            for word in vague { #expect(!file.path.contains(word), "\(file.path)") }
        }
    }

    @Test func `the words of the chat stand in scripts and nowhere in the sources`() throws {
        for file in try Self.files(in: ["Sources"], endings: Self.code) {
            for word in [
                "disse", "Servidor", "Cliente", "conectado", "aguardando", "/sair", "Conexão", "Lenta", "Digite",
            ] {
                #expect(!file.text.contains(word), "\(file.path) says \(word)")
            }
        }
    }

    @Test func `the embedded stock scripts are the files of the folder`() throws {
        var found: [String: [UInt8]] = [:]
        for file in try Self.files(in: ["scripts"], endings: [".lua"]) {
            found[String(file.path.dropFirst("scripts/".count))] = Array(file.text.utf8)
        }
        #expect(StockScripts.files.keys.sorted() == found.keys.sorted())
        // Names say more than the bytes would.
        #expect(found.keys.filter { StockScripts.files[$0] != found[$0] } == [])
    }

    @Test func `the top level holds what was agreed`() throws {
        let agreed: Set = [
            "Package.swift", "README.md", "LICENSE", "CHANGELOG.md", "Sources", "Tests", "scripts", "examples",
            "Package.resolved",
        ]
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.root.path)
        #expect(names.filter { !$0.hasPrefix(".") && !agreed.contains($0) } == [])
    }
}
