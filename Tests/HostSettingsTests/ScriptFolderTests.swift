// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Glibc
import RelayHooks
import TestSupport
import Testing

@testable import HostSettings

@Suite struct ScriptFolderTests {
    @Test func `two scripts whose names Unicode takes for one are refused, as one would be lost`() throws {
        let folder = try TemporaryFolder(["caf\u{e9}.lua": "return 1", "a.lua": "return 1"])
        defer { folder.remove() }
        #expect(try ScriptFolder.load(folder.path, environment: [:]).set.sources.count > 2)
        // Under its other name beside it: a dictionary of Swift's would hold only one of them.
        try #require(rename("\(folder.path)/a.lua", "\(folder.path)/cafe\u{301}.lua") == 0)
        let error = #expect(throws: SettingsError.self) {
            try ScriptFolder.load(folder.path, environment: [:])
        }
        #expect("\(String(describing: error))".contains("have the same name, spelled by other bytes; rename one"))
    }
}
