// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import Testing

/// The data of one state's objects in another state.
@Suite struct DataSnapshotTests {
    private static let wide = Probe.limits(memory: 64 << 20, cpuTime: .seconds(20), instructions: 2_000_000_000)
    private let old: Probe
    private let new: Probe

    init() throws {
        self.old = try Probe(Self.wide)
        self.new = try Probe(Self.wide)
    }

    /// Runs a text in the old state, carries the data over, and runs a text in the new state.
    private func carry(_ before: String, _ after: String) throws {
        let early = try self.old.attempt(before)
        #expect(early == nil)
        let snapshot = try #require(try self.old.pack())
        try self.new.unpack(snapshot)
        let late = try self.new.attempt(after)
        #expect(late == nil)
    }

    @Test(arguments: [
        "true", "false", "0", "-1", "math.maxinteger", "math.mininteger", "0.0", "1.5", "2^53", "1/0", "-1/0", "''",
        "'olá'", "'\\0\\255'",
        "('x'):rep(40)", "('x'):rep(41)", "('x'):rep(1 << 20)", "relay.json.null", "relay.json.empty_array",
        "relay.thing(1)", "relay.thing(2)",
        "relay.thing(1).data",
    ])
    func `a plain value arrives as it was, as a value and as a key`(value: String) throws {
        try self.carry(
            "local data, value = relay.thing(1).data, \(value); data.value = value; data[value] = 'key'",
            """
            local data, value = relay.thing(1).data, \(value)
            relay.report(rawequal(data.value, value) or data.value == value, data[value], math.type(data.value) == math.type(value))
            """
        )
        #expect(self.new.reports == [.boolean(true), .bytes(Array("key".utf8)), .boolean(true)])
    }

    @Test func `nan and minus zero are values like others`() throws {
        try self.carry(
            "local data = relay.thing(1).data; data.nan = 0/0; data.zero = -0.0",
            "local data = relay.thing(1).data; relay.report(data.nan ~= data.nan, 1 / data.zero == -1/0)"
        )
        #expect(self.new.reports == [.boolean(true), .boolean(true)])
    }

    @Test func `cycles and sharing stay, within one client's data and between clients`() throws {
        try self.carry(
            """
            local a, b = relay.thing(1).data, relay.thing(2).data
            local game = { players = { relay.thing(1), relay.thing(2) }, title = ("long "):rep(20) }
            game.self, game.owner, a.game, b.game, a.other, b.key = game, a, game, game, b, { [game] = 1, [relay.thing(2)] = 2 }
            """,
            """
            local a, b = relay.thing(1).data, relay.thing(2).data
            relay.report(rawequal(a.game, b.game), rawequal(a.game.self, a.game), rawequal(a.game.owner, a), rawequal(a.other, b))
            relay.report(b.key[a.game] == 1, b.key[relay.thing(2)] == 2, a.game.players[2] == relay.thing(2), #a.game.title == 100)
            """
        )
        #expect(self.new.reports == Array(repeating: .boolean(true), count: 8))
    }

    @Test func `clients without data cost nothing, and get none`() throws {
        #expect(try self.old.attempt("for i = 1, 9 do local t = relay.thing(i) end relay.thing(5).data.x = 1") == nil)
        let few = try #require(try self.old.pack())
        try self.new.unpack(few)
        #expect(try self.new.value("relay.thing(5).data.x") == .integer(1))
        #expect(try self.new.value("next(relay.thing(4).data)") == .nil)
    }

    @Test func `a forgotten client arrives as one and the same client, without its data, and is not kept`() throws {
        try self.carry(
            """
            local gone = relay.thing(3)
            gone.data.x = 1
            relay.thing(1).data.a, relay.thing(1).data.b = gone, { [gone] = true }
            relay.forget(3)
            """,
            """
            local data = relay.thing(1).data
            relay.report(data.a.id, data.b[data.a], next(data.a.data), data.a == relay.thing(3))
            """
        )
        #expect(self.new.reports == [.integer(3), .boolean(true), .nil, .boolean(false)])
    }

    @Test func `a data table that the new scripts hold already is filled`() throws {
        #expect(
            try self.new.attempt(
                "held = relay.thing(1).data; held.mine, held.x = 1, 1; relay.keep('look', function() relay.report(held.x, held.mine, held.me == held) end)"
            ) == nil
        )
        try self.carry("local d = relay.thing(1).data; d.x, d.me = 2, d", "local unused")
        self.new.run("look")
        #expect(self.new.reports == [.integer(2), .integer(1), .boolean(true)])
    }

    @Test func `snapshot outlives its state and goes into several`() throws {
        var first: Probe? = try Probe()
        #expect(try first?.attempt("relay.thing(1).data.x = { 'a', ('b'):rep(99) }") == nil)
        let snapshot = try #require(try first?.pack())
        first = nil
        for probe in [self.old, self.new] {
            try probe.unpack(snapshot)
            #expect(try probe.value("relay.thing(1).data.x[1] .. #relay.thing(1).data.x[2]")?.text == "a99")
        }
    }

    @Test func `packing changes nothing in the old state, whether it succeeds or not`() throws {
        #expect(try self.old.attempt("relay.thing(1).data.x = { y = 1 }") == nil)
        _ = try self.old.pack()
        #expect(try self.old.attempt("relay.thing(1).data.f = print") == nil)
        #expect(throws: LuaDataSnapshot.Refusal.self) { _ = try self.old.pack() }
        #expect(try self.old.value("relay.thing(1).data.f == print and relay.thing(1).data.x.y") == .integer(1))
        try self.old.expectHealthy()
        #expect(try self.old.attempt("relay.thing(1).data.f = nil") == nil)
        try self.new.unpack(try #require(try self.old.pack()))
        #expect(try self.new.value("relay.thing(1).data.x.y") == .integer(1))
    }

    @Test func `what a new state cannot hold is a memory error, and the old state goes on`() throws {
        #expect(try self.old.attempt("for i = 1, 50000 do relay.thing(1).data[i] = { i } end") == nil)
        let snapshot = try #require(try self.old.pack())
        let small = try Probe(Probe.limits(memory: 1 << 20))
        let error = #expect(throws: LuaError.self) { try small.unpack(snapshot) }
        #expect(error?.kind == .memory)
        try self.old.expectHealthy()
        try self.new.unpack(snapshot)
        #expect(try self.new.value("relay.thing(1).data[50000][1]") == .integer(50_000))
    }

    @Test func `a state without memory for packing says so and goes on`() throws {
        let full = try Probe(Probe.limits(memory: 4 << 20, cpuTime: .seconds(20), instructions: 2_000_000_000))
        #expect(try full.attempt("for i = 1, 30000 do relay.thing(1).data[i] = {} end") == nil)
        let refusal = #expect(throws: LuaDataSnapshot.Refusal.self) { _ = try full.pack() }
        guard case .failed(let error) = refusal else {
            Issue.record("packing was refused otherwise: \(String(describing: refusal))")
            return
        }
        #expect(error.kind == .memory)
        #expect(try full.value("#relay.thing(1).data") == .integer(30_000))
        try full.expectHealthy()
    }

    @Test func `a hook's budget does not count, and what interrupted it does not matter`() throws {
        #expect(try self.old.attempt("for i = 1, 90000 do relay.thing(1).data[i] = i end") == nil)
        let tight = try Probe(Probe.limits(memory: 64 << 20, instructions: 1_000_000))
        #expect(try tight.attempt("while true do end")?.kind == .timeout)
        try tight.unpack(try #require(try self.old.pack()))
        #expect(try tight.value("#relay.thing(1).data") == .integer(90_000))
    }

    /// Random graphs, and a text of a graph in which every table has the number of its first visit.
    private static let graphs = """
        local function key(random)
          local kind = random(5)
          if kind == 1 then return random(1, 50) end
          if kind == 2 then return random() end
          if kind == 3 then return random(2) == 1 end
          if kind == 4 then return ("k"):rep(random(1, 60)) .. random(9) end
          return relay.thing(random(6))
        end
        local function grow(random)
          local tables = {}
          for i = 1, 6 do tables[i] = relay.thing(i).data end
          for i = 7, 60 do
            tables[i] = {}
            local parent = tables[random(math.max(1, i // 3), i - 1)]
            parent[key(random)] = tables[i]
          end
          for _ = 1, 300 do
            local kind, at = random(7), tables[random(60)]
            at[key(random)] = kind < 4 and tables[random(6)] or kind == 4 and relay.json.null or key(random)
          end
        end
        local function shown()
          local numbers, count, lines = {}, 0, {}
          local function name(value)
            if value == relay.json.null or type(value) == "userdata" then return tostring(value) end
            if type(value) ~= "table" then return (math.type(value) or type(value)) .. " " .. string.format("%q", value) end
            if not numbers[value] then count = count + 1; numbers[value] = count end
            return "table " .. numbers[value]
          end
          local queue = {}
          for i = 1, 6 do queue[i] = relay.thing(i).data; name(queue[i]) end
          local at = 1
          while queue[at] do
            local keys = {}
            for k in pairs(queue[at]) do keys[#keys + 1] = { name(k), k } end
            table.sort(keys, function(a, b) return a[1] < b[1] end)
            for _, pair in ipairs(keys) do
              local value = queue[at][pair[2]]
              if type(value) == "table" and not numbers[value] then queue[#queue + 1] = value end
              lines[#lines + 1] = at .. ": " .. pair[1] .. " = " .. name(value)
            end
            at = at + 1
          end
          return table.concat(lines, "\\n")
        end

        """

    @Test(arguments: 1...12) func `a random graph is the same graph afterwards`(seed: Int) throws {
        try self.carry(
            Self.graphs + "math.randomseed(\(seed)); grow(math.random); relay.report(shown())",
            Self.graphs + "relay.report(shown())"
        )
        let shown = try #require(self.old.last?.text)
        #expect(shown.utf8.count > 2_000)
        #expect(self.new.last?.text == shown)
    }
}
