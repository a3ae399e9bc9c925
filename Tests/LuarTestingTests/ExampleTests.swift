// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import LuarTesting
import RelayCore
import RelayHooks
import Testing

@testable import HostSettings

/// The examples' own tests, written in Lua.
struct ExampleTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("examples").path

    private static var names: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: self.folder))?.sorted() ?? []
    }

    @Test(arguments: Self.names) func `an example passes its tests, and has a page`(name: String) throws {
        let folder = "\(Self.folder)/\(name)"
        let tests = ScriptTests(try ScriptFolder.load(folder, environment: [:]).set)
        #expect(!tests.files.isEmpty, "\(name) has no tests")
        let report = try tests.run()
        #expect(report.failed == 0 && !report.tests.isEmpty, "\(report.lines.joined(separator: "\n"))")
        let page = try String(contentsOfFile: folder + "/README.md", encoding: .utf8)
        #expect(page.contains("luar test examples/\(name)"), "how to test \(name)")
        var limits = Limits()
        limits.messageBytes = 2_048
        let rehearsal = try ScriptSmokeTest(try ScriptFolder.load(folder, environment: [:]).set, limits: limits)
        #expect(rehearsal.failures.map(\.description) == [])
    }

    @Test func `there are examples`() { #expect(Self.names.count >= 12) }
}
