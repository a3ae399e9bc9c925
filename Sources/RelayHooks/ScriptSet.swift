// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import LuaScripting

/// The Lua files of one run: a user's folder laid over the stock scripts.
///
/// Paths are relative to the folder: `format.lua`, `lib/commands.lua`. All files are read before the first runs, so
/// that nothing touches the disk later.
public struct ScriptSet: Sendable, Equatable {
    private var files: [String: LuaSource]
    /// The folder, beside the scripts, of what only editors read.
    public static let annotationFolder = "library"
    /// The user's files by path, and which of them stand in for a stock file that differs.
    private var own: Set<String>
    private var replaced: Set<String>

    /// Lays files over others; an own file replaces the stock file of its path, and an empty one thus disables it.
    ///
    /// - Parameters:
    ///   - stock: The stock files by path.
    ///   - own: The user's files by path.
    ///   - folder: How the user's folder is called in error texts.
    public init(stock: [String: [UInt8]], own: [String: [UInt8]] = [:], folder: String = "scripts") {
        self.files = stock.reduce(into: [:]) { files, entry in
            files[entry.key] = LuaSource(key: entry.key, name: "stock/\(entry.key)", text: entry.value)
        }
        self.own = []
        self.replaced = []
        self.lay(own, folder: folder)
    }

    /// Lays more files over these.
    ///
    /// - Parameters:
    ///   - own: The files by path.
    ///   - folder: How their folder is called in error texts.
    public mutating func lay(_ own: [String: [UInt8]], folder: String) {
        // The names of stock files are their own: scripts tell by them whose a file is.
        let folder = folder == "stock" || folder.hasPrefix("stock/") ? "./\(folder)" : folder
        for (path, text) in own {
            if let other = self.files[path], !self.own.contains(path), other.text != text { self.replaced.insert(path) }
            self.own.insert(path)
            // A copy is the stock file, whose hooks and commands count as stock.
            if let other = self.files[path], other.name.hasPrefix("stock/"), other.text == text { continue }
            self.files[path] = LuaSource(key: path, name: "\(folder)/\(path)", text: text)
        }
    }

    /// The files that a program loads by itself, in order.
    func toLoad(for program: ScriptProgram) -> [LuaSource] {
        self.files.values.filter { program.loads($0.key) }.sorted { $0.key < $1.key }
    }

    /// The user's files with tests, in order.
    public var tests: [LuaSource] {
        self.files.values.filter { $0.key.hasSuffix(ScriptProgram.testEnding) }.sorted { $0.key < $1.key }
    }

    /// The scripts and modules by path, in order; files with tests are not among them.
    public var sources: [LuaSource] {
        self.files.values.filter { !$0.key.hasSuffix(ScriptProgram.testEnding) }.sorted { $0.key < $1.key }
    }

    /// All files by path, in order, and whose they are.
    var all: [(source: LuaSource, isOwn: Bool, replacesStock: Bool)] {
        self.files.values.sorted { $0.key < $1.key }
            .map { ($0, self.own.contains($0.key), self.replaced.contains($0.key)) }
    }

    /// What `require(name)` means: `lib/name.lua`, else `name.lua`; a dot in the name is a folder.
    public func find(_ name: String) -> Result<LuaSource, LuaSource.Missing> {
        guard !name.isEmpty, name.utf8.allSatisfy({ Self.isNameByte($0) }), !name.contains("..") else {
            return .failure(
                .init(reason: "require: '\(name)' is no module name; letters, digits, '_', '-' and '.' make one")
            )
        }
        let path = name.split(separator: ".", omittingEmptySubsequences: false).joined(separator: "/") + ".lua"
        if let source = self.files["lib/\(path)"] ?? self.files[path] { return .success(source) }
        let known = self.files.keys.map { key in
            let path = key.hasPrefix("lib/") ? key.dropFirst(4) : key[...]
            return path.dropLast(4).split(separator: "/").joined(separator: ".")
        }
        let hint = Suggestion.phrase(for: name, among: Array(Set(known)))
        return .failure(.init(reason: "require: no module '\(name)' in the scripts folder or its lib; \(hint)"))
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
