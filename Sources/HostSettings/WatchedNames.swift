// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation

/// The directories to watch for changes of a scripts folder, and the names in each that matter.
///
/// The content of a folder depends on more than the folder: a parent may be renamed, a script may be a symbolic link to a
/// file elsewhere. Each step of each path is a name in a directory, so a change of what the path leads to is an event of one of
/// these names, whether or not the path leads anywhere now.
struct WatchedNames: Equatable {
    /// What matters in a directory.
    struct Interest: Equatable {
        /// Steps of paths that lead to the scripts, or to the folder.
        var steps: Set<String> = []
        /// Whether all scripts in it, and its folders, matter.
        var hasScripts = false
        /// Whether what is written to its files matters, and not only which there are.
        var hasContent = false

        mutating func formUnion(_ other: Interest) {
            self.steps.formUnion(other.steps)
            self.hasScripts = self.hasScripts || other.hasScripts
            self.hasContent = self.hasContent || other.hasContent
        }
    }

    /// Interests by the directories' paths, which have no symbolic links in them.
    private(set) var directories: [String: Interest] = [:]

    /// The most directories that are watched; changes in others are not noticed.
    static let mostDirectories = 1_024
    /// Links in one path, as many as Linux follows (path_resolution(7)).
    private static let mostLinks = 40

    /// Looks at the disk.
    ///
    /// - Parameters:
    ///   - folders: The folder, or those that are looked for: the first that exists is the scripts folder.
    ///   - current: The current directory, which relative paths start from.
    init(_ folders: [String], from current: String) {
        for folder in folders {
            guard let place = self.follow(folder, from: current) else { continue }
            self.addScripts(in: place, depth: 0)
            return
        }
    }

    /// Adds every step of a path.
    ///
    /// - Returns: Where it leads to; nil if nothing is there.
    private mutating func follow(_ path: String, from start: String) -> String? {
        var steps = Array((path.hasPrefix("/") ? path : "\(start)/\(path)").split(separator: "/").reversed())
        var place = "/"
        var links = 0
        while let step = steps.popLast() {
            if step == "." { continue }
            if step == ".." {
                place = Self.parent(of: place)
                continue
            }
            guard self.update(place, { $0.steps.insert(String(step)) }) else { return nil }
            let next = Self.join(place, String(step))
            if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: next) {
                links += 1
                guard links <= Self.mostLinks else { return nil }
                if target.hasPrefix("/") { place = "/" }
                steps += target.split(separator: "/").reversed()
            } else {
                guard FileManager.default.fileExists(atPath: next) else { return nil }
                place = next
            }
        }
        return place
    }

    /// Adds a directory of scripts: the folder, its `lib`, and everything below that.
    private mutating func addScripts(in directory: String, depth: Int) {
        // A link may lead back to a directory that is known.
        guard depth <= ScriptFolder.deepestFolder + 1, self.directories[directory]?.hasScripts != true,
            self.update(directory, { ($0.hasScripts, $0.hasContent) = (true, true) }),
            let names = try? FileManager.default.contentsOfDirectory(atPath: directory)
        else { return }
        for name in names where !name.hasPrefix(".") {
            let path = Self.join(directory, name)
            let isFolder = ScriptFolder.isFolder(path)
            guard isFolder ? depth > 0 || name == "lib" : name.hasSuffix(".lua") else { continue }
            let isLink = (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) != nil
            // The names of other files are the directory's already.
            guard let place = isLink ? self.follow(path, from: "/") : path else { continue }
            if isFolder {
                self.addScripts(in: place, depth: depth + 1)
            } else if isLink {
                _ = self.update(Self.parent(of: place)) { $0.hasContent = true }
            }
        }
    }

    /// - Returns: Whether there is room for the directory.
    private mutating func update(_ directory: String, _ body: (inout Interest) -> Void) -> Bool {
        guard self.directories[directory] != nil || self.directories.count < Self.mostDirectories else { return false }
        body(&self.directories[directory, default: Interest()])
        return true
    }

    private static func join(_ directory: String, _ name: String) -> String {
        directory == "/" ? "/\(name)" : "\(directory)/\(name)"
    }

    private static func parent(of directory: String) -> String {
        let end = directory.lastIndex(of: "/") ?? directory.startIndex
        return end == directory.startIndex ? "/" : String(directory[..<end])
    }
}
