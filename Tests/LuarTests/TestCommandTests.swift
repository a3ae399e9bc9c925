// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import TestSupport
import Testing

/// `luar test` as a process.
@Suite(.timeLimit(.minutes(15))) struct TestCommandTests {
    private func luar(_ arguments: [String], _ files: [String: String]) async throws -> (String, String, Int32) {
        let folder = try TemporaryFolder(files)
        defer { folder.remove() }
        return try await Program.run(Program.luar, ["test"] + arguments, in: folder.path) { program in
            let code = try program.exitCode()
            return (program.output, program.error, code)
        }
    }

    @Test func `it runs the tests of a folder, for people and for programs`() async throws {
        let files = [
            "scripts/shout.lua": "relay.on('message', function(m) return m.text:upper() end)",
            "scripts/shout_test.lua": """
            test("all is loud", function(t)
              local ana, bia = t:connect(), t:connect()
              ana:says("oi")
              bia:hears(ana.name .. " disse: OI")
            end)
            test("and wrong", function(t) t:equal("\\27[31m", 2) end)
            """,
        ]
        let (output, error, code) = try await self.luar([], files)
        #expect(code == 1 && error == "")
        #expect(
            output == """
                scripts/shout_test.lua
                  ok   all is loud
                  FAIL and wrong
                       scripts/shout_test.lua:6: the values differ
                         - 2
                         + "\\x1B[31m"
                2 tests, 1 failed

                """
        )
        let (tap, _, tapCode) = try await self.luar(["scripts", "--tap", "--filter", "loud"], files)
        #expect(tap == "TAP version 14\n1..1\nok 1 - scripts/shout_test.lua: all is loud\n" && tapCode == 0)
    }

    @Test(arguments: [
        (["x"], ["x/a.lua": ""], "there are no tests in 'x': no file's name ends with _test.lua"),
        ([], [:], "there are no tests in the stock scripts"), (["no"], [:], "no"),
        (["x", "--filter", "zz"], ["x/a_test.lua": "test('a', print)"], "no test in 'x' has 'zz' in its file or name"),
        (["x"], ["x/a.lua": "\nrelay.oops()", "x/a_test.lua": ""], "x/a.lua:2: relay has no 'oops'"),
        (["x", "--set", "a.b=1"], ["x/a_test.lua": ""], "no script has this setting"),
    ]) func `what cannot be run is told`(arguments: [String], files: [String: String], reason: String) async throws {
        let (output, error, code) = try await self.luar(arguments, files)
        #expect(code == 1 && output == "" && error.contains(reason), "\(error)")
    }

    @Test func `with --watch it runs again after each change, also after a mistake, until Ctrl-C`() async throws {
        let folder = try TemporaryFolder(["s/a_test.lua": "test('one', function() end)"])
        defer { folder.remove() }
        let write = { (name: String, text: String) in
            try text.write(toFile: "\(folder.path)/s/\(name)", atomically: true, encoding: .utf8)
        }
        let remove = { (name: String) in try FileManager.default.removeItem(atPath: folder.path + "/" + name) }
        let again = "\n# the scripts have changed: running the tests again\n"
        try await Program.run(Program.luar, ["test", "s", "--watch"], in: folder.path) { program in
            try program.prints("1 test, all passed\n")
            #expect(!program.output.contains(again))
            try write("a_test.lua", "test('one', ")
            try program.prints("\(again)s/a_test.lua\n  FAIL (the file loads)")
            try write("b.lua", "relay.oops()")
            try program.logs("b.lua:1: relay has no 'oops'")
            try write("a_test.lua", "test('one', function() end) test('two', function() end)")
            try remove("s/b.lua")
            try program.prints("2 tests, all passed\n")
            // A module, in a folder that is new.
            let module = "\(folder.path)/s/lib/count"
            try FileManager.default.createDirectory(atPath: module, withIntermediateDirectories: true)
            try write("lib/count/three.lua", "return 3")
            try write("c_test.lua", "test('three', function(t) t:equal(require('count.three'), 3) end)")
            try program.prints("3 tests, all passed\n")
            try write("lib/count/three.lua", "return 4")
            try program.prints("3 tests, 1 failed\n")
            try remove("s")
            try program.logs("cannot read the scripts folder 's'")
            try FileManager.default.createDirectory(atPath: folder.path + "/s", withIntermediateDirectories: true)
            try write("d_test.lua", "for n = 1, 5 do test('t' .. n, function() end) end")
            try program.prints("5 tests, all passed\n")
            #expect(try program.interrupt() == SIGINT)
        }
    }
}
