// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayHooks
import TestSupport
import Testing

/// `relay.file`, as scripts see it.
@Suite struct FileHookTests {
    private final class Cabinet: FileOutput {
        var lines: [String] = []
        var refused: String?
        var isFull = false

        func problem(with file: FileDeclaration) -> String? { self.refused }

        func write(_ line: [UInt8], to file: FileDeclaration) -> Bool {
            guard !self.isFull else { return false }
            self.lines.append("\(file.name) \(file.maxBytes) \(file.keep) \(line)")
            return true
        }
    }

    @Test func `each write is a line, and its bytes are as they were`() throws {
        let cabinet = Cabinet()
        _ = try Chat(
            #"""
            local file = relay.file("a.log", { max_bytes = 2048, keep = 0 })
            assert(file:write("oi"))
            assert(file:write("b\n"))
            assert(file:write("\0\255\nc"))
            assert(file:write(""))
            assert(file:write("a\r\nb\rc\n\nd\r\n"))
            assert(relay.file("-B_2"):write("x"))
            """#,
            fileOutput: cabinet
        )
        #expect(
            cabinet.lines == [
                "a.log 2048 0 [111, 105, 10]", "a.log 2048 0 [98, 10]", "a.log 2048 0 [0, 255, 32, 99, 10]",
                "a.log 2048 0 [10]", "a.log 2048 0 [97, 32, 98, 32, 99, 32, 32, 100, 10]", "-B_2 10485760 5 [120, 10]",
            ]
        )
    }

    @Test func `a line that is not taken answers false, and both are counted`() throws {
        let cabinet = Cabinet()
        let chat = try Chat(
            #"""
            local file = relay.file("a")
            relay.on("format", function(message) return tostring(file:write(message.text)) end)
            """#,
            hasStock: false,
            fileOutput: cabinet
        )
        let ana = chat.connect()
        let bia = chat.connect()
        chat.says(ana, "1")
        cabinet.isFull = true
        chat.says(ana, "2")
        #expect(bia.hears == "truefalse")
        #expect(chat.hooks.fileLines.taken == 1)
        #expect(chat.hooks.fileLines.dropped == 1)
    }

    @Test func `without anywhere to write lines are counted`() throws {
        let chat = try Chat(#"local file = relay.file("a") assert(file:write("x") and file:write("y"))"#)
        #expect(chat.hooks.fileLines.taken == 2)
    }

    @Test(arguments: [
        (
            #"relay.file(".hidden")"#,
            "relay.file takes a name first, 1 to 64 letters, digits, _, - and ., none leading, not '.hidden'"
        ),
        (
            #"relay.file("..")"#,
            "relay.file takes a name first, 1 to 64 letters, digits, _, - and ., none leading, not '..'"
        ),
        (
            #"relay.file("a/b")"#,
            "relay.file takes a name first, 1 to 64 letters, digits, _, - and ., none leading, not 'a/b'"
        ),
        (
            #"relay.file("a\0b")"#,
            "relay.file takes a name first, 1 to 64 letters, digits, _, - and ., none leading, not 'a"
        ),
        (#"relay.file()"#, "relay.file takes a name first, 1 to 64 letters, digits, _, - and ., none leading, not nil"),
        (#"relay.file("a.12")"#, "relay.file(\"a.12\"): an ending of digits is for full files; choose another name"),
        (
            #"relay.file("a", { max_bytes = 1023 })"#,
            "relay.file(\"a\"): option 'max_bytes' takes 1024 or more, not 1023"
        ),
        (#"relay.file("a", { keep = 101 })"#, "relay.file(\"a\"): option 'keep' takes 0 to 100 files, not 101"),
        (#"relay.file("a", { kep = 1 })"#, "relay.file(\"a\"): unknown option 'kep'; did you mean 'keep'?"),
        (#"relay.file("a", 1)"#, "relay.file(\"a\"): it takes a table of options second, not a number"),
        (
            #"relay.file("a") relay.file("a", { keep = 1 })"#,
            "relay.file(\"a\") has other options than in scripts/test.lua:1; give both the same, or share the file by require"
        ),
        (#"for i = 1, 33 do relay.file("f" .. i) end"#, "relay.file(\"f33\"): the limit of 32 files is reached"),
        (#"relay.file("a"):write(1)"#, "file:write takes a string, not a number"),
        (#"relay.file("a").name = 1"#, "a file has no field 'name'; known: write"),
    ])
    func `a wrong declaration is told`(line: String, expected: String) throws {
        let error = try #require(throws: ScriptError.self) { try Chat(line) }
        #expect(error.description == "scripts/test.lua:1: \(expected)")
    }

    @Test func `a file that can be written nowhere is told while loading`() throws {
        let cabinet = Cabinet()
        cabinet.refused = "there is no home"
        let error = try #require(throws: ScriptError.self) { try Chat(#"relay.file("a")"#, fileOutput: cabinet) }
        #expect(error.description == #"scripts/test.lua:1: relay.file("a"): there is no home"#)
    }

    @Test func `files are declared while loading only`() throws {
        let chat = try Chat(#"relay.on("format", function() relay.file("late") end)"#)
        chat.says(chat.connect(), "x")
        let ana = chat.connect()
        chat.says(ana, "go")
        #expect(chat.log.failures.first?.hasSuffix("relay.file works only while scripts are loaded") == true)
    }
}
