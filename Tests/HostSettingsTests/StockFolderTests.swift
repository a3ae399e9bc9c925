// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import StockScripts
import TestSupport
import Testing

@testable import HostSettings

/// What `luar init` writes.
@Suite struct StockFolderTests {
    private func contents(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    @Test func `all stock files and the README are written, and load as they were`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let place = folder.path + "/new/deep/"
        let written = try ScriptFolder.writeStock(to: place, overwrites: false)
        #expect(written.count == StockScripts.files.count + 1)
        for (path, text) in StockScripts.files { #expect(try self.contents(place + path) == text) }
        #expect(try self.contents(place + "README.md") == StockScripts.readme)
    }

    @Test func `nothing is overwritten without being asked for, and nothing else is touched`() throws {
        let folder = try TemporaryFolder(["format.lua": "mine", "own.lua": "mine too"])
        defer { folder.remove() }
        let error = #expect(throws: SettingsError.self) {
            try ScriptFolder.writeStock(to: folder.path, overwrites: false)
        }
        #expect(error?.problems == ["\(folder.path)/format.lua exists; --force overwrites it", "nothing was written"])
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == [
                "format.lua", "lib", "own.lua",
            ]
        )
        _ = try ScriptFolder.writeStock(to: folder.path, overwrites: true)
        #expect(try self.contents(folder.path + "/format.lua") == StockScripts.files["format.lua"])
        #expect(try self.contents(folder.path + "/own.lua") == Array("mine too".utf8))
    }

    @Test func `a file in the way is named`() throws {
        let folder = try TemporaryFolder(["x": "a file"])
        defer { folder.remove() }
        let error = #expect(throws: SettingsError.self) {
            try ScriptFolder.writeStock(to: folder.path + "/x", overwrites: true)
        }
        #expect(
            error?.description == "cannot write the scripts to '\(folder.path)/x': it is a file; nothing was written"
        )
        #expect(try self.contents(folder.path + "/x") == Array("a file".utf8))
    }
}
