// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
public import RelayHooks
internal import StockScripts

/// Reads the Lua files of a folder and lays them over the stock scripts.
public enum ScriptFolder {
    /// The most bytes of one script.
    public static let longestScript = 1 << 20
    /// The most scripts, and how deep folders may lie in each other.
    private static let mostScripts = 1_000
    static let deepestFolder = 8

    /// The stock scripts alone.
    public static var stock: ScriptSet { ScriptSet(stock: StockScripts.files) }

    /// Finds and reads the scripts.
    ///
    /// - Parameters:
    ///   - path: The folder asked for; nil looks for `./scripts`, then `$XDG_CONFIG_HOME/luar/scripts`, and does
    ///     without one.
    ///   - environment: The process's environment.
    /// - Returns: The scripts, and the folder they came from, if any.
    /// - Throws: ``SettingsError`` naming the folder or file and what is wrong with it.
    public static func load(_ path: String?, environment: [String: String]) throws -> (set: ScriptSet, folder: String?)
    {
        guard var folder = path ?? self.find(environment) else {
            return (ScriptSet(stock: StockScripts.files), nil)
        }
        // What shells complete ends with a slash, and error texts add one.
        while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
        var own: [String: [UInt8]] = [:]
        try self.read(folder, under: "", into: &own)
        return (ScriptSet(stock: StockScripts.files, own: own, folder: folder), folder)
    }

    /// The folder that is taken when none is asked for; nil if there is none.
    public static func find(_ environment: [String: String]) -> String? {
        self.candidates(environment).first { self.isFolder($0) }
    }

    /// The folders that ``find(_:)`` looks for, in order.
    static func candidates(_ environment: [String: String]) -> [String] {
        var candidates = ["scripts"]
        if let config = environment["XDG_CONFIG_HOME"], !config.isEmpty {
            candidates.append("\(config)/luar/scripts")
        } else if let home = environment["HOME"], !home.isEmpty {
            candidates.append("\(home)/.config/luar/scripts")
        }
        return candidates
    }

    /// Whether a path leads to a folder.
    static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }

    /// Reads the files at the top of the folder, and everything below its `lib`.
    private static func read(_ folder: String, under prefix: String, into files: inout [String: [UInt8]]) throws {
        let names: [String]
        let place = prefix.isEmpty ? folder : "\(folder)/\(prefix)"
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: place)
        } catch {
            throw SettingsError("cannot read the scripts folder '\(place)': \(self.reason(error, place))")
        }
        guard prefix.split(separator: "/").count <= self.deepestFolder else {
            throw SettingsError("the scripts folder '\(place)' is too deep; is there a link that leads in a circle?")
        }
        for name in names.sorted() where !name.hasPrefix(".") {
            let path = prefix.isEmpty ? name : "\(prefix)/\(name)"
            if self.isFolder("\(folder)/\(path)") {
                if path == "lib" || path.hasPrefix("lib/") { try self.read(folder, under: path, into: &files) }
            } else if name.hasSuffix(".lua") {
                guard files.count < self.mostScripts else {
                    throw SettingsError("the scripts folder '\(folder)' has more than \(self.mostScripts) scripts")
                }
                // Swift takes names for one that Unicode calls equivalent; one of the scripts would be lost without a word.
                if let other = files.index(forKey: path).map({ files[$0].key }) {
                    throw SettingsError(
                        "the scripts '\(other)' and '\(path)' in '\(folder)' have the same name, spelled by other bytes; rename one"
                    )
                }
                files[path] = try self.readFile("\(folder)/\(path)")
            }
        }
    }

    private static func readFile(_ path: String) throws -> [UInt8] {
        // A pipe would be waited for; what cannot even be asked for its type is told below.
        let attributes = try? FileManager.default.attributesOfItem(
            atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        )
        let type = attributes?[.type] as? FileAttributeType
        guard type == nil || type == .typeRegular else {
            throw SettingsError("cannot read the script '\(path)': it is no regular file")
        }
        let data: Data
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? handle.close() }
            // One byte more than allowed shows what is too long, without reading all of it.
            data = try handle.read(upToCount: self.longestScript + 1) ?? Data()
        } catch {
            throw SettingsError("cannot read the script '\(path)': \(self.reason(error, path))")
        }
        guard data.count <= self.longestScript else {
            throw SettingsError("the script '\(path)' has more than \(self.longestScript) bytes, which is the limit")
        }
        return self.text(data)
    }

    /// A script without what the `lua` program skips, too: a byte order mark, and a first line for the shell.
    private static func text(_ data: Data) -> [UInt8] {
        var text = Array(data)
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { text.removeFirst(3) }
        if text.first == UInt8(ascii: "#") { text.removeSubrange(..<(text.firstIndex(of: 0x0A) ?? text.endIndex)) }
        return text
    }

    private static func reason(_ error: any Error, _ path: String) -> String {
        if !FileManager.default.fileExists(atPath: path) { return "there is no such file or folder" }
        if !FileManager.default.isReadableFile(atPath: path) { return "permission denied" }
        return self.isFolder(path) || path.hasSuffix(".lua") ? error.localizedDescription : "it is not a folder"
    }
}
