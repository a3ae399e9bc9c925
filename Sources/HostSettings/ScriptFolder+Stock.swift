// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
internal import StockScripts

extension ScriptFolder {
    /// Writes the stock scripts, a README and other files into a folder, which is made if need be.
    ///
    /// Either no file is touched, because one of them exists or the folder cannot be used, or each file is written whole:
    /// next to its place first, and then moved there.
    ///
    /// - Parameters:
    ///   - folder: Where to.
    ///   - others: Files to write beside the scripts, by their paths there.
    ///   - overwrites: Whether existing files are replaced.
    /// - Returns: The paths written, in order.
    /// - Throws: ``SettingsError`` naming what is in the way.
    public static func writeStock(
        to folder: String,
        and others: [String: [UInt8]] = [:],
        overwrites: Bool
    ) throws(SettingsError) -> [String] {
        guard !folder.isEmpty else { throw SettingsError("the folder to write the scripts to has no name") }
        var files = StockScripts.files.merging(others) { stock, _ in stock }
        files["README.md"] = StockScripts.readme
        let paths = files.keys.sorted()
        let folder = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        // A link that leads nowhere is something that exists, too.
        let types = paths.map { path in
            (try? FileManager.default.attributesOfItem(atPath: "\(folder)/\(path)"))?[.type] as? FileAttributeType
        }
        let places = zip(paths.map { "\(folder)/\($0)" }, types)
        let folders = places.filter { $0.1 == .typeDirectory }.map(\.0)
        guard folders.isEmpty else {
            throw SettingsError(folders.map { "\($0) is a folder, and in the way" } + ["nothing was written"])
        }
        let taken = places.filter { $0.1 != nil }.map(\.0)
        if !overwrites, !taken.isEmpty {
            throw SettingsError(taken.map { "\($0) exists; --force overwrites it" } + ["nothing was written"])
        }
        var written: [String] = []
        do {
            for path in paths {
                let parent = URL(fileURLWithPath: "\(folder)/\(path)").deletingLastPathComponent()
                try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
            }
            for path in paths {
                let place = "\(folder)/\(path)"
                try Data(files[path] ?? []).write(to: URL(fileURLWithPath: place), options: .atomic)
                written.append(place)
            }
        } catch {
            let so = written.isEmpty ? "nothing was written" : "only \(written.joined(separator: ", ")) written"
            throw SettingsError("cannot write the scripts to '\(folder)': \(Self.words(error, folder)); \(so)")
        }
        return written
    }

    /// What is wrong with a place one cannot write to.
    private static func words(_ error: any Error, _ folder: String) -> String {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), !isFolder.boolValue {
            return "it is a file"
        }
        switch (error as? CocoaError)?.code {
        case .fileWriteNoPermission: return "permission denied"
        case .fileWriteOutOfSpace: return "no space is left on the disk"
        case .fileWriteVolumeReadOnly: return "the disk is read-only"
        default:
            // Foundation's own words are about documents; the system's say what happened.
            var cause: NSError? = error as NSError
            while let inner = cause, inner.domain != NSPOSIXErrorDomain {
                cause = inner.userInfo[NSUnderlyingErrorKey] as? NSError
            }
            return cause.map { String(cString: strerror(Int32($0.code))) } ?? error.localizedDescription
        }
    }
}
