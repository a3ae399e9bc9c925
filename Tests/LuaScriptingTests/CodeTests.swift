// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import Testing

/// What is found in scripts without running them.
@Suite struct CodeTests {
    private func code(_ text: String) throws -> LuaCode {
        try #require(LuaCode(LuaSource(key: "a", name: "a.lua", text: Array(text.utf8))))
    }

    private func reads(_ text: String) throws -> [String] {
        try self.code(text).reads.map { "\($0.line) \($0.path.joined(separator: "."))" }
    }

    @Test func `globals are found with their lines, in every function and branch`() throws {
        let text = """
            local function never()
              if false then one() end
              return function(x)
                return x and two.three.four(x, five)
              end
            end

            six = seven .. eight
            """
        #expect(try self.reads(text) == ["8 seven", "8 eight", "2 one", "4 two.three.four", "4 five"])
        #expect(try self.code(text).assignedGlobals == ["six"])
        #expect(try self.code(text).locals.isSuperset(of: ["never", "x"]))
    }

    @Test func `locals, upvalues, fields and another _ENV are no globals`() throws {
        let text = """
            local a = {}
            local function f(b) return a.c, b.d, a[b], a:e(), b.f.g end
            do local _ENV = a; h = i end
            """
        #expect(try self.reads(text) == [])
        #expect(try self.code(text).assignedGlobals == [])
    }

    @Test func `lines are right over long distances and in long functions`() throws {
        let far =
            "one()" + String(repeating: "\n", count: 500) + "two()\n" + "local x = 1\n"
            + String(repeating: "x = x + x * x\n", count: 1_000) + "three()"
        #expect(try self.reads(far) == ["1 one", "501 two", "1503 three"])
    }

    @Test func `a field that is read later belongs to no path`() throws {
        #expect(try self.reads("local r = relay; local s = r; s.x()") == ["1 relay"])
        #expect(try self.reads("relay.x = relay.y") == ["1 relay", "1 relay.y"])
        #expect(try self.reads("local a = relay[1].x") == ["1 relay"])
    }

    @Test func `assignments are told from the making of a table`() throws {
        let text = """
            f({ dialect = "made" })
            local t = { dialect = "made too", 1, 2, [3] = 4, x = { dialect = "within" } }
            return function(client, name)
              client.dialect = "json"
              client.data.dialect = "deep"
              client.dialect = name
              client.room = "r"
            end
            """
        let found = try self.code(text).assignments.filter { $0.field == "dialect" }.map { $0.text ?? "?" }
        #expect(found.sorted() == ["?", "deep", "json"])
        #expect(try self.code(text).texts.isSuperset(of: ["made", "json", "r", "dialect"]))
    }

    @Test func `what does not compile has no code, and neither has bytecode`() {
        for text in ["local = 1", "\u{1B}Lua", "return return"] {
            #expect(LuaCode(LuaSource(key: "a", name: "a.lua", text: Array(text.utf8))) == nil)
        }
        #expect(LuaCode(LuaSource(key: "a", name: "a.lua", text: [])) != nil)
    }

    @Test func `a large table is read in no time that grows with its square`() throws {
        let text = "t = {" + (0..<100_000).map { "a\($0)=1," }.joined() + "}"
        #expect(try self.code(text).assignedGlobals == ["t"])
    }

    @Test func `the names of a state are those that its scripts find`() throws {
        let probe = try Probe()
        let names = try #require(probe.state).names
        #expect(names.isSuperset(of: ["print", "string", "string.format", "os.date", "relay", "require", "_VERSION"]))
        for name in ["io", "os.execute", "load", "string.dump", "_G", "debug"] { #expect(!names.contains(name)) }
        for name in names {
            let error = try probe.attempt("if \(name) == nil then error('\(name) is nil') end")
            #expect(error == nil)
        }
    }
}
