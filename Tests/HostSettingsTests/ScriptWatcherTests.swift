// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import RelayHooks
import Synchronization
import TestSupport
import Testing

@testable import HostSettings

/// The watcher with real folders; each test waits for what the watcher reads.
@Suite(.timeLimit(.minutes(5))) struct ScriptWatcherTests {
    /// A folder `s` in a temporary folder, its watcher, and what can be done to it.
    private final class Stage {
        let folder: TemporaryFolder
        let watcher: ScriptWatcher
        private var changes: AsyncStream<ScriptSet?>.Iterator

        init(_ files: [String: String]) throws {
            self.folder = try TemporaryFolder(files)
            self.watcher = try ScriptWatcher("\(self.folder.path)/s", environment: [:]) { Issue.record("\($0)") }
            self.changes = self.watcher.changes.makeAsyncIterator()
        }

        deinit { self.folder.remove() }

        func path(_ name: String) -> String { "\(self.folder.path)/\(name)" }

        func write(_ name: String, _ text: String, atomically: Bool = false) throws {
            try text.write(toFile: self.path(name), atomically: atomically, encoding: .utf8)
        }

        func makeFolder(_ name: String) throws {
            try FileManager.default.createDirectory(atPath: self.path(name), withIntermediateDirectories: true)
        }

        func move(_ name: String, to other: String) throws {
            try FileManager.default.moveItem(atPath: self.path(name), toPath: self.path(other))
        }

        func link(_ name: String, to target: String) throws {
            try FileManager.default.createSymbolicLink(atPath: self.path(name), withDestinationPath: target)
        }

        func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: self.path(name)) }

        /// Waits until the watcher has read these own files, or none where the folder cannot be read.
        func reads(_ files: [String: String]?) async throws {
            let expected = files.map {
                var set = ScriptFolder.stock
                set.lay($0.mapValues { Array($0.utf8) }, folder: self.path("s"))
                return set
            }
            while let set = await self.changes.next(isolation: nil) { if set == expected { return } }
            throw NeverHappened(description: "the watcher reads \(files as Any)")
        }
    }

    @Test func `reads files that are written, replaced by another, renamed and removed`() async throws {
        let stage = try Stage(["s/a.lua": "1"])
        let isRead = stage.watcher.first != nil
        #expect(isRead)
        try stage.write("s/a.lua", "2")
        try await stage.reads(["a.lua": "2"])
        // As editors do it: a new file, which takes the old one's name.
        try stage.write("s/a.lua", "3", atomically: true)
        try await stage.reads(["a.lua": "3"])
        try stage.move("s/a.lua", to: "s/b.lua")
        try await stage.reads(["b.lua": "3"])
        try stage.remove("s/b.lua")
        try await stage.reads([:])
        // Written and not closed.
        #expect(FileManager.default.createFile(atPath: stage.path("s/c.lua"), contents: nil))
        let file = try #require(FileHandle(forWritingAtPath: stage.path("s/c.lua")))
        try file.write(contentsOf: Data("4".utf8))
        try await stage.reads(["c.lua": "4"])
        try file.write(contentsOf: Data("5".utf8))
        try await stage.reads(["c.lua": "45"])
        try file.close()
    }

    @Test func `reads modules, also in folders that are made later`() async throws {
        let stage = try Stage(["s/lib/a.lua": "1"])
        try stage.write("s/lib/a.lua", "2")
        try await stage.reads(["lib/a.lua": "2"])
        try stage.makeFolder("s/lib/x/y")
        try stage.write("s/lib/x/y/b.lua", "3")
        try await stage.reads(["lib/a.lua": "2", "lib/x/y/b.lua": "3"])
        try stage.write("s/lib/x/y/b.lua", "4")
        try await stage.reads(["lib/a.lua": "2", "lib/x/y/b.lua": "4"])
        try stage.remove("s/lib")
        try await stage.reads([:])
        try stage.makeFolder("s/lib")
        try await stage.reads([:])
        try stage.write("s/lib/c.lua", "5")
        try await stage.reads(["lib/c.lua": "5"])
    }

    @Test func `reads a folder that is deleted and made again, with its parents`() async throws {
        let stage = try Stage(["s/a.lua": "1"])
        try stage.remove("s")
        try await stage.reads(nil)
        try stage.makeFolder("s")
        try stage.write("s/a.lua", "2")
        try await stage.reads(["a.lua": "2"])
        try stage.write("s/a.lua", "3")
        try await stage.reads(["a.lua": "3"])
        let aside = stage.folder.path + "-aside"
        try FileManager.default.moveItem(atPath: stage.folder.path, toPath: aside)
        try await stage.reads(nil)
        try "4".write(toFile: aside + "/s/a.lua", atomically: false, encoding: .utf8)
        try FileManager.default.moveItem(atPath: aside, toPath: stage.folder.path)
        try await stage.reads(["a.lua": "4"])
        try stage.write("s/a.lua", "5")
        try await stage.reads(["a.lua": "5"])
    }

    @Test func `reads what symbolic links lead to, as in a mounted ConfigMap`() async throws {
        let stage = try Stage(["s/x": "", "v1/a.lua": "1", "v2/a.lua": "2", "far/b.lua": "1"])
        try stage.link("s/..data", to: "../v1")
        try stage.link("s/a.lua", to: "..data/a.lua")
        try stage.link("s/b.lua", to: stage.path("far/b.lua"))
        try await stage.reads(["a.lua": "1", "b.lua": "1"])
        // The file that a link leads to.
        try stage.write("v1/a.lua", "one")
        try await stage.reads(["a.lua": "one", "b.lua": "1"])
        try stage.write("far/b.lua", "2", atomically: true)
        try await stage.reads(["a.lua": "one", "b.lua": "2"])
        // A step on the way there.
        try stage.link("s/..next", to: "../v2")
        #expect(rename(stage.path("s/..next"), stage.path("s/..data")) == 0)
        try await stage.reads(["a.lua": "2", "b.lua": "2"])
        try stage.move("far", to: "farther")
        try await stage.reads(nil)
        try stage.move("farther", to: "far")
        try await stage.reads(["a.lua": "2", "b.lua": "2"])
    }

    @Test func `a folder whose links lead in circles is watched until it has none`() async throws {
        let stage = try Stage(["s/lib/a.lua": "1"])
        try stage.link("s/lib/self", to: ".")
        try stage.link("s/lib/loop.lua", to: "loop.lua")
        try await stage.reads(nil)
        try stage.remove("s/lib/self")
        try stage.remove("s/lib/loop.lua")
        try stage.write("s/lib/a.lua", "2")
        try await stage.reads(["lib/a.lua": "2"])
    }

    @Test func `after many changes at once it reads the last state of all files`() async throws {
        let stage = try Stage(["s/a.lua": "1"])
        var files = ["a.lua": "1"]
        for number in 0..<300 {
            try stage.write("s/f\(number).lua", "\(number)")
            try stage.write("s/f\(number).lua", "x\(number)", atomically: true)
            files["f\(number).lua"] = "x\(number)"
        }
        try await stage.reads(files)
    }

    @Test func `of folders that are looked for, those before the first that exists are watched, too`() throws {
        let folder = try TemporaryFolder(["b/s/a.lua": "", "c/s/a.lua": ""])
        defer { folder.remove() }
        let place = try #require(realpath(folder.path, nil).map { String(cString: $0) })
        let names = WatchedNames(["a/s", "\(folder.path)/b/../b/s", "c/s"], from: folder.path)
        #expect(names.directories[place] == .init(steps: ["a", "b"]))
        #expect(names.directories["\(place)/b"] == .init(steps: ["s"]))
        #expect(names.directories["\(place)/b/s"] == .init(hasScripts: true, hasContent: true))
        #expect(names.directories["\(place)/c"] == nil)
        #expect(names.directories["/"]?.steps.count == 1)
    }

    @Test func `ends with cancel, and with the end of who listens`() async throws {
        let folder = try TemporaryFolder(["s/a.lua": "1"])
        defer { folder.remove() }
        var watcher: ScriptWatcher? = try ScriptWatcher("\(folder.path)/s", environment: [:]) { _ in }
        let reader = Task { [changes = try #require(watcher).changes] in
            var count = 0
            for await _ in changes { count += 1 }
            return count
        }
        watcher?.cancel()
        _ = await reader.value
        weak let leftOver = watcher
        watcher = nil
        try poll("the watcher is gone") { leftOver == nil }
        let second = try ScriptWatcher("\(folder.path)/s", environment: [:]) { _ in }
        let listener = Task { [changes = second.changes] in for await _ in changes {} }
        listener.cancel()
        await listener.value
    }

    // MARK: Events

    /// An event as the kernel writes it.
    private func bytes(_ watch: Int32, _ mask: Int, _ name: String, padded: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for field in [UInt32(bitPattern: watch), UInt32(mask), 0, UInt32(padded)] {
            withUnsafeBytes(of: field) { bytes += $0 }
        }
        return bytes + Array(name.utf8) + Array(repeating: 0, count: padded - name.utf8.count)
    }

    @Test func `takes events apart, whatever is cut off at the end`() {
        let all =
            self.bytes(1, Int(IN_CREATE), "a.lua", padded: 16) + self.bytes(2, Int(IN_DELETE_SELF), "", padded: 0)
            + self.bytes(-1, Int(IN_Q_OVERFLOW), "", padded: 0) + self.bytes(3, Int(IN_MODIFY), "äß.lua", padded: 32)
        let expected: [DirectoryEvents.Event] = [
            .init(watch: 1, mask: UInt32(IN_CREATE), name: "a.lua"),
            .init(watch: 2, mask: UInt32(IN_DELETE_SELF), name: ""),
            .init(watch: -1, mask: UInt32(IN_Q_OVERFLOW), name: ""),
            .init(watch: 3, mask: UInt32(IN_MODIFY), name: "äß.lua"),
        ]
        for count in 0...all.count {
            let events = all.prefix(count).withUnsafeBytes { DirectoryEvents.parse($0) }
            let whole = [32, 48, 64, 112].count { $0 <= count }
            #expect(events == Array(expected.prefix(whole)), "\(count) bytes")
        }
    }

    @Test func `an overflow, a step of a path, and scripts matter; other files do not`() {
        let interests: [Int32: WatchedNames.Interest] = [
            1: .init(steps: [], hasScripts: true, hasContent: true), 2: .init(steps: ["s"]),
        ]
        let cases: [(Int32, Int, String, Bool)] = [
            (-1, Int(IN_Q_OVERFLOW), "", true), (1, Int(IN_MODIFY), "a.lua", true), (1, Int(IN_MODIFY), "a.txt", false),
            (1, Int(IN_CREATE), ".a.lua.swp", false), (1, Int(IN_CREATE) | Int(IN_ISDIR), "lib", true),
            (1, Int(IN_MOVED_TO), "link", true),
            (1, Int(IN_DELETE_SELF), "", true), (2, Int(IN_MOVED_TO), "s", true), (2, Int(IN_CREATE), "b.lua", false),
            (2, Int(IN_DELETE_SELF), "", true), (2, Int(IN_IGNORED), "", false), (3, Int(IN_MODIFY), "a.lua", false),
        ]
        for (watch, mask, name, matters) in cases {
            let event = DirectoryEvents.Event(watch: watch, mask: UInt32(truncatingIfNeeded: mask), name: name)
            #expect(event.matters(to: interests) == matters, "\(event)")
        }
    }

    @Test func `a burst ends when it is quiet, and after a second at the latest`() {
        let start = DispatchTime(uptimeNanoseconds: 1_000_000_000)
        let burst = ChangeBurst(at: start)
        #expect(burst.next(at: start) == start + .milliseconds(100))
        #expect(burst.next(at: start + .milliseconds(50)) == start + .milliseconds(150))
        #expect(burst.next(at: start + .milliseconds(950)) == start + .seconds(1))
        #expect(burst.next(at: start + .seconds(5)) == start + .seconds(1))
    }
}
