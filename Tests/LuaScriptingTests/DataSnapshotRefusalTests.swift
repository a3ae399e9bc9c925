// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import Testing

/// What is not carried from one state to another, and how that is said.
@Suite struct DataSnapshotRefusalTests {
    private let probe: Probe

    init() throws {
        self.probe = try Probe(Probe.limits(memory: 64 << 20, cpuTime: .seconds(20), instructions: 2_000_000_000))
    }

    /// Why the data that a text leaves cannot be packed; nothing if it can.
    private func refusals(_ text: String) throws -> [String] {
        let error = try self.probe.attempt("local data = relay.thing(7).data\n" + text)
        #expect(error == nil)
        do {
            _ = try self.probe.pack()
            return []
        } catch LuaDataSnapshot.Refusal.values(let refusals) {
            return refusals
        }
    }

    @Test(arguments: [
        ("data.game = { players = { 1, 2, { move = print } } }", "data.game.players[3].move is a function"),
        ("data.x = coroutine.create(print)", "data.x is a coroutine"),
        ("data.x = setmetatable({}, {})", "data.x is a table with a metatable"),
        ("setmetatable(data, {})", "data is a table with a metatable"),
        ("data.x = relay", "data.x is a table with a metatable"),
        ("data.x = { relay.note() }", "data.x[1] is a note"), ("data[print] = 1", "a key of data is a function"),
        ("data.x = { [print] = 1 }", "a key of data.x is a function"),
        ("data.x = { [setmetatable({}, {})] = 1 }", "a key of data.x is a table with a metatable"),
        ("data.x = { [relay.note()] = 1 }", "a key of data.x is a note"),
        ("data['a b'] = { [1.5] = { [true] = print } }", #"data["a b"][1.5][true] is a function"#),
        ("data.x = { [relay.thing(1)] = { print } }", "data.x[an object][1] is a function"),
        ("data.x = { [{}] = print }", "data.x[a table] is a function"),
        ("data[{ f = print }] = 1", "data[a key].f is a function"),
        (#"data['\255'] = print"#, #"data["\255"] is a function"#),
    ])
    func `what is no plain data is refused with its client and path`(text: String, reason: String) throws {
        #expect(try self.refusals(text) == ["thing 7: \(reason): it cannot be carried into a reloaded script"])
    }

    @Test func `several refusals come with the shallow ones first, by client, and ten at most`() throws {
        #expect(
            try self.refusals(
                "relay.thing(12).data.f = print; relay.thing(-3).data.f = print; data.x = { print }; data.ok = 1"
            ) == [
                "thing -3: data.f is a function: it cannot be carried into a reloaded script",
                "thing 12: data.f is a function: it cannot be carried into a reloaded script",
                "thing 7: data.x[1] is a function: it cannot be carried into a reloaded script",
            ]
        )
        #expect(try self.refusals("for i = 1, 50 do data[i] = print end").count == 10)
        #expect(try self.refusals("for i = 1, 50 do setmetatable(relay.thing(100 + i).data, {}) end").count == 10)
    }

    @Test func `tables lie within each other 16 deep, by the shortest way`() throws {
        let deep = { (count: Int) in "local t = data; for i = 2, \(count) do t.t = {}; t = t.t end" }
        #expect(try self.refusals(deep(16)) == [])
        let path = "data" + String(repeating: ".t", count: 16)
        #expect(
            try self.refusals(deep(17)) == [
                "thing 7: \(path) is a table within 16 others: more are not carried into a reloaded script"
            ]
        )
        // A chain of 40, with every link also in a list of the data's own.
        #expect(
            try self.refusals(
                "local t, all = data, {}; for i = 2, 40 do t.t = {}; t = t.t; all[i] = t end; data.all = all"
            ) == []
        )
    }

    @Test func `entries end at 100000, in all tables together`() throws {
        #expect(try self.refusals("for i = 1, 50000 do data[i] = i; relay.thing(8).data[i] = i end") == [])
        let refusals = try self.refusals("relay.thing(8).data.more = 1")
        #expect(refusals.count == 1)
        #expect(refusals.first?.hasPrefix("thing 8: data") == true)
        #expect(
            refusals.first?.hasSuffix(" is one value too many: no more than 100000 are carried into a reloaded script")
                == true
        )
        #expect(try self.refusals("relay.thing(8).data.more = nil") == [])
    }

    @Test func `a long path is cut, and the reason is not`() throws {
        let refusal = try #require(
            try self.refusals(
                "local t = data; for i = 1, 15 do local k = ('k'):rep(39); t[k] = {}; t = t[k] end; t.f = print"
            )
            .first
        )
        #expect(refusal.hasSuffix("... is a function: it cannot be carried into a reloaded script"))
        #expect(refusal.utf8.count < 512)
    }
}
