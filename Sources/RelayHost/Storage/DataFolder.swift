// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
internal import OwnedFiles

#if canImport(Glibc)
internal import Glibc
#endif

/// The folder for what scripts keep on disk, made when it is first needed.
struct DataFolder: Sendable {
    /// Why there is no such folder, in one line.
    struct Failure: Error {
        var reason: String
    }

    /// Its path, or why there is none.
    let path: Result<String, Failure>

    /// Makes the folder, and those above it, where they are missing.
    func make() throws(Failure) -> String {
        let path = try self.path.get()
        var above = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            above += part
            try Self.make(above, for: path, follows: true)
            above += "/"
        }
        try Self.check(path, of: path)
        return path
    }

    /// Makes a folder in it.
    func make(_ name: String) throws(Failure) -> String {
        let path = "\(try self.make())/\(name)"
        try Self.make(path, for: path, follows: false)
        try Self.check(path, of: path)
        return path
    }

    /// Refuses a folder in which other users can replace files.
    private static func check(_ folder: String, of path: String) throws(Failure) {
        do {
            try OwnedFile.checkFolder(folder)
        } catch {
            throw Failure(reason: "cannot use the data folder '\(path)': \(error.reason), or name another with --data")
        }
    }

    /// Makes a folder, or takes the one that is there; a link to one counts only where somebody chose the name.
    private static func make(_ folder: String, for path: String, follows: Bool) throws(Failure) {
        guard mkdir(folder, 0o700) != 0 else { return }
        let code = errno
        var information = stat()
        let isThere = (follows ? stat(folder, &information) : lstat(folder, &information)) == 0
        if isThere, information.st_mode & S_IFMT == S_IFDIR { return }
        let reason = String(cString: strerror(isThere ? ENOTDIR : code))
        throw Failure(
            reason: "cannot make the data folder '\(path)': \(reason); make it yourself, or name another with --data"
        )
    }
}
