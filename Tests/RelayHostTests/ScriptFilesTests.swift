// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import Logging
import RelayHooks
import TestSupport
import Testing

@testable import RelayHost

/// Lines of scripts on real disks.
@Suite(.timeLimit(.minutes(15))) struct ScriptFilesTests {
    /// Files in a folder, and what was logged about them.
    private struct Cabinet {
        let log = LogRecord()
        let path: String
        let files: ScriptFiles

        init(_ path: String) {
            self.path = path
            let log = self.log
            self.files = ScriptFiles(
                folder: DataFolder(path: .success(path)),
                logger: Logger(label: "test") { _ in RecordingHandler(record: log) }
            )
        }

        func bytes(_ name: String) -> [UInt8] {
            (try? Data(contentsOf: URL(fileURLWithPath: "\(self.path)/files/\(name)"))).map { Array($0) } ?? []
        }

        func text(_ name: String) -> String { String(decoding: self.bytes(name), as: UTF8.self) }

        /// The names there are, sorted.
        var names: [String] {
            ((try? FileManager.default.contentsOfDirectory(atPath: "\(self.path)/files")) ?? []).sorted()
        }
    }

    private func line(_ text: String) -> [UInt8] { Array((text + "\n").utf8) }

    @Test func `lines are appended to what is there, byte for byte, for the owner alone`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let data = "\(folder.path)/deep/data"
        for text in ["one", "two"] {
            let cabinet = Cabinet(data)
            #expect(cabinet.files.write(self.line(text), to: FileDeclaration(name: "a")))
            #expect(cabinet.files.write([0, 255, 10, 120, 10], to: FileDeclaration(name: "b")))
            cabinet.files.close()
        }
        let cabinet = Cabinet(data)
        #expect(cabinet.text("a") == "one\ntwo\n")
        #expect(cabinet.bytes("b") == [0, 255, 10, 120, 10, 0, 255, 10, 120, 10])
        for (path, mode) in [("", 0o700), ("/files", 0o700), ("/files/a", 0o600)] {
            let attributes = try FileManager.default.attributesOfItem(atPath: data + path)
            #expect(attributes[.posixPermissions] as? Int == mode, "\(path)")
        }
    }

    @Test func `nothing is made before there is a line`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let cabinet = Cabinet("\(folder.path)/data")
        #expect(cabinet.files.problem(with: FileDeclaration(name: "a")) == nil)
        cabinet.files.close()
        #expect(!FileManager.default.fileExists(atPath: cabinet.path))
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func `whatever the sizes, rotation loses no line, keeps their order, and no file is too large`(seed: UInt64) throws
    {
        var random = SplitMix64(seed: seed)
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let most = 1_024
        let file = FileDeclaration(name: "a", maxBytes: most, keep: 100)
        var all: [UInt8] = []
        var longest = 0
        for _ in 0..<4 {
            let cabinet = Cabinet(folder.path)
            for _ in 0..<40 {
                // About the limit, at it, beyond it, and short ones.
                let size = [1, 2, 100, most - 1, most, most + 1, 3 * most].randomElement(using: &random) ?? 1
                let text = [UInt8](repeating: UInt8.random(in: 65...90, using: &random), count: size - 1) + [0x0A]
                #expect(cabinet.files.write(text, to: file))
                all += text
                longest = max(longest, size)
            }
            cabinet.files.close()
        }
        let cabinet = Cabinet(folder.path)
        let old = (1...100).reversed().map { cabinet.bytes("a.\($0)") }.filter { !$0.isEmpty }
        let kept = old.flatMap { $0 } + cabinet.bytes("a")
        // Of more than a hundred files the oldest are gone, with whole lines.
        #expect(kept.count > 20_000)
        #expect(all.suffix(kept.count) == kept[...])
        #expect(all.count == kept.count || all[all.count - kept.count - 1] == 0x0A)
        for bytes in old {
            let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast()
            #expect(bytes.count <= most || lines.count == 1, "\(bytes.count) bytes in \(lines.count) lines")
        }
    }

    @Test func `as many old files are kept as declared, those of an older declaration included`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let cabinet = Cabinet(folder.path)
        let text = String(repeating: "x", count: 1_000)
        for number in 0..<9 {
            #expect(cabinet.files.write(self.line("\(number)\(text)"), to: .init(name: "a", maxBytes: 1_024, keep: 5)))
        }
        cabinet.files.close()
        #expect(cabinet.names == ["a", "a.1", "a.2", "a.3", "a.4", "a.5"])
        #expect(cabinet.names.map { cabinet.text($0).prefix(1) } == ["8", "7", "6", "5", "4", "3"])
        #expect(cabinet.files.write(self.line("9\(text)"), to: .init(name: "a", maxBytes: 1_024, keep: 1)))
        cabinet.files.close()
        #expect(cabinet.names == ["a", "a.1"])
        #expect(cabinet.names.map { cabinet.text($0).prefix(1) } == ["9", "8"])
        #expect(cabinet.files.write(self.line("a\(text)"), to: .init(name: "a", maxBytes: 1_024, keep: 0)))
        cabinet.files.close()
        #expect(cabinet.text("a").prefix(1) == "a")
    }

    @Test func `a line that a crash cut off stays a line of its own`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        try FileManager.default.createDirectory(atPath: "\(folder.path)/files", withIntermediateDirectories: true)
        try Data("whole\ncut o".utf8).write(to: URL(fileURLWithPath: "\(folder.path)/files/a"))
        let cabinet = Cabinet(folder.path)
        #expect(cabinet.files.write(self.line("next"), to: FileDeclaration(name: "a")))
        cabinet.files.close()
        #expect(cabinet.text("a") == "whole\ncut o\nnext\n")
    }

    @Test func `a link in the place of a file is not followed, is told once, and harms no other file`() throws {
        let folder = try TemporaryFolder(["target": "untouched"])
        defer { folder.remove() }
        try FileManager.default.createDirectory(atPath: "\(folder.path)/files", withIntermediateDirectories: true)
        let link = "\(folder.path)/files/a"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "\(folder.path)/target")
        let cabinet = Cabinet(folder.path)
        for number in 0..<3 {
            #expect(cabinet.files.write(self.line("\(number)"), to: FileDeclaration(name: "a")))
            #expect(cabinet.files.write(self.line("\(number)"), to: FileDeclaration(name: "b")))
        }
        try cabinet.log.wait(for: "file cannot be written: its lines wait")
        cabinet.files.close()
        #expect(try String(contentsOfFile: "\(folder.path)/target", encoding: .utf8) == "untouched")
        #expect(cabinet.text("b") == "0\n1\n2\n")
        #expect(cabinet.log.entries.count { $0.message == "file cannot be written: its lines wait" } == 1)
        #expect(cabinet.log.entries.last?.message == "lines of files are lost: they could not be written")
        // What waited is there once the link is gone.
        unlink(link)
        cabinet.files.close()
        #expect(cabinet.text("a") == "0\n1\n2\n")
        #expect(cabinet.log.entries.last?.message == "file is written again")
    }

    @Test func `a file that cannot be written takes up a part of the memory only, and what is dropped is told once`()
        throws
    {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        // A folder in the place of the file.
        try FileManager.default.createDirectory(atPath: "\(folder.path)/files/a", withIntermediateDirectories: true)
        let cabinet = Cabinet(folder.path)
        #expect(cabinet.files.write(self.line("first"), to: FileDeclaration(name: "a")))
        try cabinet.log.wait(for: "file cannot be written: its lines wait")
        let text = self.line(String(repeating: "x", count: 9_999))
        var taken = 0
        for _ in 0..<1_000 { taken += cabinet.files.write(text, to: FileDeclaration(name: "a")) ? 1 : 0 }
        // No more than the whole queue, should a retry come in between.
        #expect((50...420).contains(taken))
        #expect(cabinet.files.write(self.line("fine"), to: FileDeclaration(name: "b")))
        cabinet.files.close()
        #expect(cabinet.text("b") == "fine\n")
        let told = "lines of files are dropped: more come than the disk takes"
        #expect(cabinet.log.entries.count { $0.message == told } == 1)
    }

    @Test func `a text that is longer than the queue is dropped`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let cabinet = Cabinet(folder.path)
        #expect(!cabinet.files.write(.init(repeating: 10, count: 4 << 20), to: FileDeclaration(name: "a")))
        #expect(cabinet.files.write(.init(repeating: 10, count: (4 << 20) - 64), to: FileDeclaration(name: "a")))
        cabinet.files.close()
        #expect(cabinet.bytes("a").count == (4 << 20) - 64)
    }

    @Test(.enabled(if: SmallDisk.mayMount))
    func `on a full disk lines wait, and none is written in part`() throws {
        let disk = try #require(SmallDisk())
        defer { disk.remove() }
        let cabinet = Cabinet(disk.path)
        let file = FileDeclaration(name: "a", maxBytes: 20_000, keep: 10)
        #expect(cabinet.files.write(self.line("0"), to: file))
        cabinet.files.close()
        disk.fill()
        var all = self.line("0")
        for number in 1...30 {
            let text = self.line("\(number)" + String(repeating: "x", count: 1_500))
            #expect(cabinet.files.write(text, to: file))
            all += text
        }
        cabinet.files.close()
        #expect(cabinet.log.entries.contains { $0.metadata["error"]?.contains("No space left on device") == true })
        #expect(cabinet.bytes("a").last == 0x0A)
        disk.free()
        cabinet.files.close()
        #expect((1...10).reversed().flatMap { cabinet.bytes("a.\($0)") } + cabinet.bytes("a") == all)
    }

    @Test func `without a place for data a file is refused with what to do`() throws {
        let log = LogRecord()
        let files = ScriptFiles(
            folder: DataFolder(path: .failure(DataFolder.Failure(reason: "no home; use --data"))),
            logger: Logger(label: "test") { _ in RecordingHandler(record: log) }
        )
        #expect(files.problem(with: FileDeclaration(name: "a")) == "no home; use --data")
    }
}
