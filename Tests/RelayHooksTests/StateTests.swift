// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Logging
import RelayCore
import RelayHooks
import TestSupport
import Testing

/// `relay.state`, as scripts see it.
@Suite struct StateTests {
    /// A chat whose script does what it is told: `set KEY TEXT`, `get KEY`, `del KEY`, `all`, `count`.
    private final class Desk {
        let chat: Chat
        private let ana: Chat.Person
        private let bia: Chat.Person

        init(_ options: String = "nil", limits: Limits = Limits(), states: StateStore = StateStore()) throws {
            self.chat = try Chat(
                [
                    "desk.lua": """
                    local desk = relay.state("desk", \(options))
                    relay.on("format", function(message)
                      local verb, key, text = message.text:match("^(%S+) ?(%S*) ?(.*)$")
                      if verb == "set" then desk[key] = text end
                      if verb == "del" then desk[key] = nil end
                      if verb == "get" then return tostring(desk[key]) end
                      if verb == "all" then
                        local all = {}
                        for key, value in pairs(desk) do all[#all + 1] = key .. "=" .. tostring(value) end
                        return table.concat(all, " ")
                      end
                      return "#" .. #desk
                    end)
                    """
                ],
                hasStock: false,
                limits: limits,
                states: states
            )
            self.ana = self.chat.connect()
            self.bia = self.chat.connect()
        }

        func callAsFunction(_ text: String) -> String {
            self.chat.says(self.ana, text)
            return self.bia.hears
        }
    }

    /// Runs Lua when somebody speaks, and returns what it answers, or the failure.
    private func run(_ body: String, declaring declaration: String = "", limits: Limits = Limits()) throws -> String {
        let script = """
            local t = relay.state("t")
            \(declaration)
            relay.on("format", function() \(body) end)
            """
        let chat = try Chat(script, hasStock: false, limits: limits)
        let ana = chat.connect()
        let bia = chat.connect()
        chat.says(ana, "go")
        return chat.log.failures.first ?? bia.hears
    }

    @Test func `keys and values come back as what they were`() throws {
        let answer = try run(
            #"""
            local values = { "text", "", "zero\0byte \255", true, false, 7, -0.5, 7.0, math.mininteger, 1/0, 2^53 }
            for index, value in ipairs(values) do t["k" .. index] = value end
            for index, value in ipairs(values) do
              local found = t["k" .. index]
              assert(found == value and math.type(found) == math.type(value), index)
            end
            t.nan = 0/0
            assert(t.nan ~= t.nan)
            t[1], t["1"], t[2.0] = "number", "string", "two"
            assert(t[1] == "number" and t[1.0] == "number" and t["1"] == "string" and t[2] == "two")
            t[""], t["\0"] = "empty", "zero"
            assert(t[""] == "empty" and t["\0"] == "zero" and t.absent == nil)
            return tostring(#t)
            """#
        )
        #expect(answer == "17")
    }

    @Test func `pairs goes through a snapshot in key order, integers first`() throws {
        let answer = try run(
            """
            for _, key in ipairs { "b", 10, "a", -3, "B", "ab", 9 } do t[key] = true end
            local keys = {}
            for key, value in pairs(t) do
              assert(value == true)
              keys[#keys + 1] = tostring(key)
              t[key], t["new" .. tostring(key)] = nil, 1
            end
            return table.concat(keys, " ") .. " #" .. #t
            """
        )
        #expect(answer == "-3 9 10 B a ab b #7")
    }

    @Test func `loops within loops do not disturb each other, and an empty state has none`() throws {
        let answer = try run(
            """
            for _ in pairs(t) do error("there is nothing") end
            t.a, t.b = 1, 2
            local seen = {}
            for one in pairs(t) do for other in pairs(t) do seen[#seen + 1] = one .. other end end
            return table.concat(seen, " ")
            """
        )
        #expect(answer == "aa ab ba bb")
    }

    @Test(arguments: [
        ("t[true] = 1", "state 't': a key is a string or an integer, not a boolean"),
        ("t[1.5] = 1", "state 't': a key is a string or an integer, not 1.5 (a number)"),
        ("return t[nil]", "state 't': a key is a string or an integer, not nil"),
        ("return t[t]", "state 't': a key is a string or an integer, not an object"),
        ("t.ana = {}", "state 't': a value is a string, a number or a boolean, and for key 'ana' it is a table"),
        ("t[7] = print", "state 't': a value is a string, a number or a boolean, and for key 7 it is a function"),
        ("t.k = t", "state 't': a value is a string, a number or a boolean, and for key 'k' it is an object"),
        ("t.long = ('x'):rep(101)", "state 't': the string for key 'long' has 101 bytes, more than 100"),
        (
            "t[('k'):rep(257)] = 1",
            "state 't': a key may have 256 bytes; '\(String(repeating: "k", count: 64))…' has 257"
        ),
        ("rawset(t, 'a', 1)", "bad argument #1 to 'rawset' (table expected, got state)"),
    ])
    func `what does not fit is an error that names it`(body: String, expected: String) throws {
        var limits = Limits()
        limits.messageBytes = 100
        let failure = try run(body, limits: limits)
        #expect(failure == "test.lua:3: \(expected)" || failure == "scripts/test.lua:3: \(expected)")
    }

    @Test func `the longest key and string fit`() throws {
        var limits = Limits()
        limits.messageBytes = 100
        #expect(try run("t[('k'):rep(256)] = ('x'):rep(100) return #t .. ''", limits: limits) == "1")
    }

    @Test func `of a full state the entry goes that was written longest ago`() throws {
        let desk = try Desk("{ max = 3 }")
        for text in ["set a 1", "set b 2", "set c 3", "set a 4", "get b"] { _ = desk(text) }
        #expect(desk("set d 5") == "#3")
        #expect(desk("all") == "a=4 c=3 d=5")
    }

    @Test func `an entry expires so long after its last write, and reading does not prolong it`() throws {
        let desk = try Desk("{ ttl = 10 }")
        _ = desk("set a 1")
        desk.chat.clock.now += 9
        #expect(desk("get a") == "1")
        _ = desk("set b 2")
        desk.chat.clock.now += 0.5
        #expect(desk("all") == "a=1 b=2")
        desk.chat.clock.now += 0.5
        #expect(desk("get a") == "nil")
        #expect(desk("count") == "#1")
        _ = desk("set b 3")
        desk.chat.clock.now += 9.9
        #expect(desk("all") == "b=3")
        desk.chat.clock.now += 0.1
        #expect(desk("all") == "")
    }

    @Test func `a clock that is set back prolongs nothing beyond its time`() throws {
        let desk = try Desk("{ ttl = 10 }")
        _ = desk("set a 1")
        desk.chat.clock.now -= 1_000
        #expect(desk("get a") == "1")
        desk.chat.clock.now += 10
        #expect(desk("count") == "#0")
    }

    @Test func `all states together have a limit that the error names`() throws {
        let desk = try Desk("{ max = 10 }", states: StateStore(limit: 400))
        let text = String(repeating: "x", count: 100)
        #expect(desk("set a \(text)") == "#1")
        #expect(desk("set b \(text)") == "#2")
        // It is the desk's route that fails, and so the text is withheld.
        #expect(desk("set c \(text)") == "")
        #expect(
            desk.chat.log.failures == [
                "scripts/desk.lua:4: state 'desk': no room for key 'c': all states together may have 400 bytes, "
                    + "64 for each entry among them"
            ]
        )
        // What goes makes room, and a shorter text fits in the place of a longer one.
        #expect(desk("set b x") == "#2")
        #expect(desk("set c x") == "#3")
    }

    // MARK: Declaring

    @Test func `the same name with the same options is the same state`() throws {
        let answer = try run(
            "other.a = 1 return tostring(other == t) .. t.a",
            declaring: #"local other = relay.state("t", { max = 1000, persist = false })"#
        )
        #expect(answer == "true1")
    }

    @Test(arguments: [
        (
            #"relay.state("t", { max = 2 })"#,
            "relay.state(\"t\") has other options than in scripts/test.lua:1; "
                + "give both the same, or share the state by require"
        ),
        (#"relay.state("a b")"#, "relay.state takes a name first, 1 to 64 letters, digits, _, - and ., not 'a b'"),
        (#"relay.state("")"#, "relay.state takes a name first, 1 to 64 letters, digits, _, - and ., not ''"),
        (#"relay.state(1)"#, "relay.state takes a name first, 1 to 64 letters, digits, _, - and ., not 1"),
        (#"relay.state("x", { max = 0 })"#, "relay.state(\"x\"): option 'max' takes 1 to 100000 entries, not 0"),
        (
            #"relay.state("x", { max = 100001 })"#,
            "relay.state(\"x\"): option 'max' takes 1 to 100000 entries, not 100001"
        ),
        (
            #"relay.state("x", { ttl = 0 })"#,
            "relay.state(\"x\"): option 'ttl' takes a number of seconds above 0, not 0"
        ),
        (
            #"relay.state("x", { persist = 1 })"#,
            "relay.state(\"x\"): option 'persist' takes true or false, not a number"
        ),
        (#"relay.state("x", { maxx = 1 })"#, "relay.state(\"x\"): unknown option 'maxx'; did you mean 'max'?"),
        (#"relay.state("x", 5)"#, "relay.state(\"x\"): it takes a table of options second, not a number"),
        (#"for i = 1, 65 do relay.state("s" .. i) end"#, "relay.state(\"s64\"): the limit of 64 states is reached"),
    ])
    func `a wrong declaration is told`(line: String, expected: String) throws {
        let error = try #require(throws: ScriptError.self) { try Chat(#"relay.state("t")"# + "\n" + line) }
        #expect(error.description == "scripts/test.lua:2: \(expected)")
    }

    @Test func `states are declared while loading only, and the chat client has none`() throws {
        let failure = try run(#"relay.state("late")"#)
        #expect(failure.hasSuffix("relay.state works only while scripts are loaded"))
        let error = try #require(throws: ScriptError.self) {
            try ChatHooks(
                server: ChatServer(host: "10.1.2.3", port: 4_000, address: "10.1.2.3:4000", transport: .tcp),
                scripts: ScriptSet(stock: [:], own: ["chat.lua": Array(#"relay.state("x")"#.utf8)]),
                logger: Logger(label: "test"),
                version: "9.9.9"
            )
        }
        #expect(error.description.contains("relay has no 'state'"))
    }

    // MARK: Engines after each other

    @Test func `entries outlive the engine, and what its successor declares counts`() throws {
        let states = StateStore()
        var desk = try Desk(states: states)
        for text in ["set a 1", "set b 2", "set c 3"] { _ = desk(text) }
        let next = try Desk("{ max = 2, ttl = 5 }", states: states)
        #expect(next("all") == "b=2 c=3")
        desk = next
        desk.chat.clock.now += 5
        #expect(desk("all") == "")
    }

    @Test func `a state that the successor does not declare is dropped`() throws {
        let states = StateStore()
        _ = try Chat(#"local s = relay.state("gone") s.a = 1 relay.state("stays").a = 2"#, states: states)
        _ = try Chat(#"relay.state("stays") relay.state("new")"#, states: states)
        #expect(states.names == ["new", "stays"])
        #expect(states.bytes == 64 + 1 + 8)
    }

    @Test func `scripts that do not load leave the states as they were`() throws {
        let states = StateStore()
        let desk = try Desk("{ max = 3 }", states: states)
        for text in ["set a 1", "set b 2"] { _ = desk(text) }
        #expect(throws: ScriptError.self) {
            try Chat(#"relay.state("desk", { max = 1 }) relay.state("other") error("no")"#, states: states)
        }
        #expect(states.names == ["desk"])
        #expect(desk("set c 3") == "#3")
        #expect(desk("all") == "a=1 b=2 c=3")
    }
}
