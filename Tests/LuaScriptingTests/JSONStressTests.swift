// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import Testing

/// The JSON functions under random, hostile and starved conditions.
@Suite struct JSONStressTests {
    private static let wide = Probe.limits(memory: 64 << 20, cpuTime: .seconds(20), instructions: 2_000_000_000)

    /// Random values of everything that JSON has, and a comparison that tells 1 from 1.0.
    private static let values = """
        local function text()
          local parts = {}
          for i = 1, math.random(0, 8) do
            local kind = math.random(6)
            parts[i] = kind == 1 and string.char(math.random(0, 31)) or kind == 2 and utf8.char(math.random(0x80, 0xD7FF))
              or kind == 3 and utf8.char(math.random(0xE000, 0x10FFFF)) or kind == 4 and utf8.char(0x2028 + math.random(0, 1))
              or string.char(math.random(32, 127))
          end
          return table.concat(parts)
        end
        local function value(depth)
          local kind = math.random(depth > 0 and 9 or 6)
          if kind == 1 then return math.random(2) == 1 end
          if kind == 2 then return math.random(0) >> math.random(0, 63) end
          if kind == 3 then
            local float = string.unpack("d", string.pack("j", math.random(0)))
            return (float ~= float or float - float ~= 0) and 0.5 or float
          end
          if kind == 4 then return relay.json.null end
          if kind == 5 then return (math.random() - 0.5) * 10 ^ math.random(0, 20) // 1 end
          if kind == 6 then return text() end
          local result = {}
          for i = 1, math.random(0, 5) do result[kind == 7 and i or text()] = value(depth - 1) end
          return result
        end
        local function same(a, b)
          if math.type(a) ~= math.type(b) then return false end
          if type(a) ~= "table" or type(b) ~= "table" then return a == b and (a ~= 0 or 1 / a == 1 / b) end
          for key, inner in pairs(a) do if not same(inner, b[key]) then return false end end
          for key in pairs(b) do if a[key] == nil then return false end end
          return true
        end

        """

    @Test(arguments: [1, 2, 3, 4]) func `what was encoded decodes to the same value`(seed: Int) throws {
        let probe = try Probe(Self.wide)
        let error = try probe.attempt(
            Self.values + """
                math.randomseed(\(seed))
                for i = 1, 2000 do
                  local before = value(5)
                  local text = relay.json.encode(before)
                  local after, reason = relay.json.decode(text)
                  if not same(before, after) then error(text .. " " .. tostring(reason)) end
                  if relay.json.encode(after) ~= text then error("two texts of " .. text) end
                end
                relay.report(true)
                """
        )
        #expect(error == nil)
        #expect(probe.last == .boolean(true))
    }

    @Test(arguments: [1, 2, 3, 4]) func `a damaged text is refused, or is a value that has a text`(seed: Int) throws {
        let probe = try Probe(Self.wide)
        let error = try probe.attempt(
            Self.values + """
                math.randomseed(\(seed))
                local pieces = { "{", "}", "[", "]", ",", ":", '"', "\\\\", "\\\\u", "\\\\ud83d", "-", "0", "e", ".", "1e999", "null", "\\xFF", "\\xE2" }
                local counts = { refused = 0, taken = 0 }
                for i = 1, 5000 do
                  local damaged = relay.json.encode(value(4))
                  for _ = 1, math.random(3) do
                    local at = math.random(0, #damaged)
                    local rest = damaged:sub(at + math.random(0, 3))
                    local piece = math.random(3) == 1 and string.char(math.random(0, 255)) or pieces[math.random(#pieces)]
                    damaged = damaged:sub(1, at) .. (math.random(4) == 1 and "" or piece) .. rest
                  end
                  if math.random(4) == 1 then damaged = damaged:sub(1, math.random(0, #damaged)) end
                  local result, reason = relay.json.decode(damaged)
                  if result == nil then
                    counts.refused = counts.refused + 1
                    local place = tonumber(reason:match(" at byte (%d+)$"))
                    if not place or place < 1 or place > #damaged + 1 then error(reason .. ": " .. damaged) end
                  else
                    counts.taken = counts.taken + 1
                    if not same(relay.json.decode(relay.json.encode(result)), result) then error(damaged) end
                  end
                end
                relay.report(counts.refused > 500 and counts.taken > 50)
                """
        )
        #expect(error == nil)
        #expect(probe.last == .boolean(true))
    }

    @Test(arguments: [
        (#"string.rep("[", 1 << 20)"#, "more than 32 levels of nesting at byte 33"),
        (#"string.rep('{"":', 1 << 18)"#, "more than 32 levels of nesting at byte 129"),
        (#"string.rep("9", 1 << 20)"#, "a number too large for a float at byte 1"),
        (#"string.rep("0", 1 << 20)"#, "a number begins with a zero at byte 1"),
        (#""0." .. string.rep("0", (1 << 20) - 4) .. "1,""#, "something follows the value at byte 1048576"),
        (#"string.rep(" ", 1 << 20)"#, "a value is missing at byte 1048577"),
        (#"'"' .. string.rep("\\u0000", 170000)"#, "a string without an end at byte 1"),
        (#"'"' .. string.rep("\\", (1 << 20) - 1)"#, "a string without an end at byte 1"),
        (#""[" .. string.rep("0,", 400000) .. "0]""#, "more than 100000 values at byte 200000"),
        (#""[" .. string.rep("[],", 300000) .. "0]""#, "more than 100000 values at byte 299999"),
    ])
    func `a hostile text is refused`(text: String, reason: String) throws {
        let probe = try Probe(Self.wide)
        #expect(try probe.value("select(2, relay.json.decode(\(text)))")?.text == reason)
        try probe.expectHealthy()
    }

    @Test(arguments: [
        Attack(
            "one text after the other",
            "local t = '[' .. string.rep('1,', 9000) .. '1]' while true do relay.json.decode(t) end"
        ),
        Attack("refused texts", "local t = string.rep(' ', 100000) while true do relay.json.decode(t) end"),
        Attack(
            "one long string",
            #"local t = '"' .. string.rep('x', 100000) .. '"' while true do relay.json.decode(t) end"#
        ),
        Attack(
            "one value after the other",
            "local t = {} for i = 1, 999 do t[i] = i end while true do relay.json.encode(t) end"
        ),
        Attack(
            "values that are swallowed",
            "local t = { 1, { 1, { 1, print } } } while true do pcall(relay.json.encode, t) end"
        ),
        Attack(
            "swallowed by a coroutine",
            "while true do coroutine.wrap(function() pcall(relay.json.decode, '[' .. string.rep('1,', 99) .. '1]') end)() end"
        ),
    ])
    func `the budget counts the codec's work like any other`(attack: Attack) throws {
        // Only instructions can run out, and what the loops themselves have would last for minutes.
        let probe = try Probe(Probe.limits(memory: 8 << 20, cpuTime: .seconds(20), instructions: 2_000_000))
        let error = try #require(try probe.attempt(attack.body))
        #expect(error.message == "time limit passed: more than 2000000 instructions")
        try probe.expectHealthy()
    }

    @Test func `walking through a large table costs its size, also when it is empty`() throws {
        // Entries and values alone would cost a quarter of this.
        let probe = try Probe(Probe.limits(memory: 64 << 20, cpuTime: .seconds(20), instructions: 100_000))
        try probe.load(
            """
            local empty, list = {}, {}
            for i = 1, 300000 do empty[i] = i end
            for i = 1, 300000 do empty[i] = nil end
            for i = 1, 2000 do list[i] = empty end
            relay.keep("large", function() relay.json.encode(list) end)
            relay.keep("small", function()
              local other = {}
              for i = 1, 2000 do other[i] = i end
              relay.json.encode(other)
            end)
            """
        )
        #expect(probe.run("small").errors == [])
        #expect(probe.run("large").errors.first?.kind == .timeout)
        try probe.expectHealthy()
    }

    @Test func `one call is stopped in its midst`() throws {
        let probe = try Probe(Probe.limits(memory: 64 << 20, cpuTime: .seconds(20), instructions: 600_000))
        let texts = ["'[' .. ('1,'):rep(90000) .. '1]'", "'[' .. ('{\"a\":[]},'):rep(40000) .. '1]'"]
        for text in texts {
            let error = try probe.attempt(
                "local t = \(text) relay.report('begins') relay.json.decode(t) relay.report('ends')"
            )
            #expect(error?.kind == .timeout)
            #expect(probe.last?.text == "begins")
        }
        let body =
            "local t = {} for i = 1, 60000 do t['k' .. i] = i end relay.report('begins') relay.json.encode(t) relay.report('ends')"
        let tight = try Probe(Probe.limits(memory: 64 << 20, cpuTime: .seconds(20), instructions: 1_500_000))
        #expect(try tight.attempt(body)?.kind == .timeout)
        #expect(tight.last?.text == "begins")
        try tight.expectHealthy()
    }

    @Test func `the memory limit holds inside the codec`() throws {
        let limits = { (memory: Int) in Probe.limits(memory: memory, cpuTime: .seconds(20), instructions: 2_000_000_000)
        }
        let bodies = [
            "local t = '[' .. ('[],'):rep(80000) .. '1]' relay.report('begins') relay.json.decode(t)",
            #"local t = '[' .. ('"\\u20ac",'):rep(70000) .. '1]' relay.report('begins') relay.json.decode(t)"#,
            "local t = {} for i = 1, 400 do t[i] = ('x'):rep(2000) .. i end relay.report('begins') relay.json.encode({ t, t[1] })",
        ]
        for (body, memory) in zip(bodies, [3 << 20, 3 << 20, 2 << 20]) {
            let probe = try Probe(limits(memory))
            let error = try #require(try probe.attempt(body))
            #expect(error.kind == .memory, "\(error.message)")
            #expect(probe.last?.text == "begins")
            #expect(try probe.attempt("pcall(function() \(body) end)")?.kind == .memory)
            try probe.expectHealthy()
        }
    }

    @Test func `a million names are refused before they are sorted`() throws {
        let probe = try Probe(Probe.limits(memory: 256 << 20, cpuTime: .seconds(20), instructions: 2_000_000_000))
        let body = "local t = {} for i = 1, 1000000 do t['' .. i] = i end relay.json.encode(t)"
        #expect(try probe.attempt(body)?.message.contains("longer than 1048576 bytes") == true)
        try probe.expectHealthy()
    }

    @Test func `a weak table may lose entries while it is encoded`() throws {
        // Only what they lose is open: it depends on when garbage is collected, which the codec's own memory can bring
        // about.
        for memory in [4 << 20, 8 << 20, 64 << 20] {
            let probe = try Probe(Probe.limits(memory: memory, cpuTime: .seconds(20), instructions: 2_000_000_000))
            let body = """
                for round = 1, 20 do
                  local weak = setmetatable({}, { __mode = "v" })
                  for i = 1, 3000 + 500 * round do weak["a name too long to be shared by many " .. i] = {} end
                  for name, value in pairs(relay.json.decode(relay.json.encode({ weak }))[1]) do
                    if not name:find("^a name too long to be shared by many %d+$") or next(value) then error(name) end
                  end
                end
                relay.report(true)
                """
            #expect(try probe.attempt(body) == nil)
            #expect(probe.last == .boolean(true))
            try probe.expectHealthy()
        }
    }
}
