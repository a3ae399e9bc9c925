// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import HostSettings
import Testing

@Suite struct DataFolderTests {
    @Test(arguments: [
        (["--data", "/d"], ["XDG_STATE_HOME": "/x", "HOME": "/h"], "/d"),
        ([], ["LUAR_DATA": "/e", "HOME": "/h"], "/e"),
        ([], ["XDG_STATE_HOME": "/x", "HOME": "/h"], "/x/luar"),
        ([], ["XDG_STATE_HOME": "", "HOME": "/h"], "/h/.local/state/luar"),
    ])
    func `the data folder is the one that is set, or that of the user's state`(
        options: [String],
        environment: [String: String],
        expected: String
    ) throws {
        let line = options.isEmpty ? [:] : ["data": [options[1]]]
        let settings = try SettingsReader(commandLine: line, environment: environment).read().settings
        #expect(try settings.dataFolder(environment: environment) == expected)
    }

    @Test func `without a home and a setting there is none, and the error says what to do`() throws {
        let error = try #require(throws: SettingsError.self) { try Settings().dataFolder(environment: [:]) }
        #expect("\(error)".contains("name a folder with --data"))
    }

    @Test func `an empty name is refused`() throws {
        #expect(throws: SettingsError.self) { try SettingsReader(environment: ["LUAR_DATA": ""]).read() }
    }
}
