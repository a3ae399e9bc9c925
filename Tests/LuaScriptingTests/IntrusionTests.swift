// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import Testing

/// Hostile scripts: they must neither crash the process nor reach what is not theirs.
///
/// What could crash runs in a process of its own.
@Suite(.timeLimit(.minutes(15)))
struct IntrusionTests {
    @Test(
        "A coroutine that died inside a library function shows nothing of its stack",
        arguments: [
            "relay.nosuch()", "relay.deep.nosuch()", "require('broken')", "require('self')", "relay.fail('x')",
            "table.concat({ 'a', {} })", "table.sort({ 1, {} })", "relay.thing(1).nosuch = 1",
            "setmetatable(string, {})",
            "('x'):rep(1 << 60)", "string.format('%d', {})", "next({}, 1)", "error({}, 1)",
            "local a, b = {}, {} error('x')",
            "table.concat({ ('x'):rep(3000), ('x'):rep(3000), {} })",
        ]
    )
    func stack(death: String) throws {
        let probe = try Probe()
        probe.scripts["broken"] = Array("local = 1".utf8)
        probe.scripts["self"] = Array("require('self')".utf8)
        let error = try probe.attempt(
            """
            local co = coroutine.create(function() \(death) end)
            relay.report((coroutine.resume(co)))
            coroutine.close(co)
            for i = 1, 40 do
              local _, value = coroutine.close(co)
              if value ~= nil and type(value) ~= "string" then error("got a " .. type(value)) end
            end
            """
        )
        // A limit ends the run itself.
        if error?.kind != .timeout { #expect(error == nil, "\(error?.message ?? "")") }
        try probe.expectHealthy()
    }

    @Test func `No script replaces a host function for another`() throws {
        let probe = try Probe()
        try probe.load(
            """
            local co = coroutine.create(function() return relay.nosuch end)
            coroutine.resume(co)
            for i = 1, 40 do
              local _, value = coroutine.close(co)
              if type(value) == "table" then pcall(function() value.report = function() end end) end
            end
            """
        )
        try probe.load("relay.report('seen')")
        #expect(probe.texts == ["seen"])
    }

    @Test func `No script replaces a module of another`() throws {
        let probe = try Probe()
        probe.scripts["module"] = Array("return { answer = 'true' }".utf8)
        probe.scripts["broken"] = Array("local = 1".utf8)
        try probe.require("module")
        try probe.load(
            """
            local co = coroutine.create(function() return require("broken") end)
            coroutine.resume(co)
            for i = 1, 40 do
              local _, value = coroutine.close(co)
              if type(value) == "table" then pcall(function() value.module = { answer = "forged" } end) end
            end
            """
        )
        try probe.load("relay.report(require('module').answer)")
        #expect(probe.texts == ["true"])
    }

    @Test func `A library's buffer does not get into a script's hands`() async {
        await #expect(processExitsWith: .success) {
            let probe = try Probe()
            let error = try probe.attempt(
                """
                local co = coroutine.create(function()
                  return table.concat({ ("x"):rep(3000), ("y"):rep(3000), {} })
                end)
                coroutine.resume(co)
                for i = 1, 40 do
                  local _, value = coroutine.close(co)
                  if type(value) == "userdata" then
                    relay.report("a buffer")
                    local m = getmetatable(value)
                    if type(m) == "table" and m.__gc then m.__gc(relay.note()) end
                  end
                end
                """
            )
            #expect(error == nil)
            #expect(probe.reports.isEmpty)
            try probe.expectHealthy()
        }
    }

    @Test func `A host function takes any number of tables`() async {
        await #expect(processExitsWith: .success) {
            let probe = try Probe(Probe.limits(memory: 64 << 20, instructions: .max))
            // Small stacks, so that what is written beyond their end meets other blocks.
            for count in stride(from: 10, through: 240, by: 10) {
                let tables = Array(repeating: "{}", count: count).joined(separator: ", ")
                let error = try probe.attempt(
                    """
                    local all = {}
                    for i = 1, 20 do
                      all[i] = coroutine.create(function() relay.report(\(tables)) end)
                      assert(coroutine.resume(all[i]))
                    end
                    """
                )
                #expect(error == nil)
            }
            try probe.expectHealthy()
        }
    }

    @Test(arguments: ["print", "string.format"])
    func `A name that is no text does not confuse the writing of values`(function: String) throws {
        let probe = try Probe()
        let first = function == "print" ? "" : "'%s %s', "
        let error = try probe.attempt(
            "local odd = setmetatable({}, { __name = 42 }) relay.report(\(function)(\(first)odd, odd))"
        )
        #expect(error == nil, "\(error?.message ?? "")")
        #expect(probe.texts.first?.split(whereSeparator: \.isWhitespace) == ["table", "table"])
    }

    @Test func `Long texts between odd values do not crash print`() async {
        await #expect(processExitsWith: .success) {
            let probe = try Probe()
            let error = try probe.attempt(
                """
                local odd, long = setmetatable({}, { __name = 42 }), ("x"):rep(5000)
                print(odd, long, odd, long, odd, long .. long .. long, odd)
                """
            )
            #expect(error == nil)
            #expect(probe.last?.text?.utf8.count == 25026)
            try probe.expectHealthy()
        }
    }

    @Test(arguments: ["print(table.unpack(all))", "string.format(('%s'):rep(5000), table.unpack(all))"])
    func `Many odd values do not overflow the stack`(body: String) async {
        await #expect(processExitsWith: .success) { [body] in
            let probe = try Probe(Probe.limits(memory: 64 << 20))
            let error = try probe.attempt(
                "local all = {} for i = 1, 5000 do all[i] = setmetatable({}, { __name = 42 }) end \(body)"
            )
            #expect(error == nil)
            try probe.expectHealthy()
        }
    }

    @Test(arguments: [2_000_000, Int64.max])
    func `A list that lies about its length is refused`(instructions: Int64) async {
        await #expect(processExitsWith: .success) { [instructions] in
            let probe = try Probe(Probe.limits(memory: 8 << 20, instructions: instructions))
            let lines = LuaAnswerSchema(
                event: "console",
                accepted: [.list],
                acceptsFalse: false,
                longest: 1 << 20,
                expected: "a list"
            )
            // The powers of two are all that Lua looks at when it searches the border of a table without an array.
            try probe.load(
                """
                local list = {}
                for i = 62, 0, -1 do list[1 << i] = "x" end
                for i = 2000, 1, -1 do list[i] = "x" end
                relay.keep("a", function() return list end)
                """
            )
            let outcome = probe.run("a", answer: lines)
            #expect(outcome.errors.count == 1)
            try probe.expectHealthy()
        }
    }

    @Test func `Many arguments and results pass everywhere`() throws {
        let probe = try Probe(Probe.limits(memory: 64 << 20, cpuTime: .seconds(5)))
        for call in [
            "pcall(table.unpack, all)", "xpcall(table.unpack, print, all)", "coroutine.wrap(table.unpack)(all)",
            "coroutine.wrap(function(...) return coroutine.yield(...) end)(table.unpack(all))",
            "coroutine.resume(coroutine.create(function(...) return ... end), table.unpack(all))",
            "select('#', table.unpack(all))", "string.char(table.unpack(all))", "math.max(table.unpack(all))",
            "coroutine.resume(coroutine.running(), table.unpack(all))", "print(table.unpack(all))",
            "relay.report(table.unpack(all))", "relay.thing(1):greet(table.unpack(all))",
            "table.pack(table.unpack(all))",
            "relay.deep.report(pcall(table.unpack, all))", "string.format('%d', table.unpack(all))",
        ] {
            #expect(try probe.attempt("local all = {} for i = 1, 100000 do all[i] = 65 end \(call)") == nil, "\(call)")
        }
        try probe.expectHealthy()
    }

    @Test(
        "Odd uses of coroutines fail as errors",
        arguments: [
            "coroutine.resume(coroutine.running())", "coroutine.wrap(function() coroutine.resume(main) end)()",
            "coroutine.wrap(function() pcall(coroutine.close, main) end)()", "pcall(coroutine.yield, 1)",
            "local w w = coroutine.wrap(function() w() end) pcall(w)", "pcall(table.sort, { 2, 1 }, coroutine.yield)",
            "coroutine.wrap(function() pcall(table.sort, { 2, 1 }, coroutine.yield) end)()",
            "coroutine.wrap(function() pcall(require, 'yields') end)()", "coroutine.wrap(tostring)(yielding)",
            "pcall(coroutine.wrap(print), yielding)", "coroutine.wrap(pcall)(print, yielding)",
            "coroutine.wrap(function() for _ in pairs(yielding) do end end)()",
            "local co co = coroutine.create(function() coroutine.close(co) end) coroutine.resume(co)",
            "local co = coroutine.create(pcall) coroutine.resume(co, coroutine.yield, 1) coroutine.resume(co) coroutine.close(co)",
            "local co = coroutine.create(xpcall) coroutine.resume(co, coroutine.yield, print, 1) coroutine.resume(co)",
            "local co co = coroutine.create(function() coroutine.wrap(function() coroutine.resume(co, 1, 2) coroutine.close(co) end)() end) coroutine.resume(co)",
        ]
    )
    func coroutines(body: String) throws {
        let probe = try Probe()
        probe.scripts["yields"] = Array("coroutine.yield(1)".utf8)
        let error = try probe.attempt(
            "main = coroutine.running() yielding = setmetatable({}, { __tostring = coroutine.yield, "
                + "__pairs = coroutine.yield }) \(body)"
        )
        #expect(error == nil || error?.kind == .error)
        try probe.expectHealthy()
    }

    @Test func `pcall and xpcall yield and go on, as the manual says`() throws {
        let probe = try Probe()
        let error = try probe.attempt(
            """
            local co = coroutine.wrap(function(...)
              relay.report(pcall(function(a) local b = coroutine.yield(a) error("e" .. b, 0) end, ...))
              relay.report(xpcall(function(a, b) return coroutine.yield(a + b), "x" end, function(e) return e end, 1, 2))
              relay.report(xpcall(function() coroutine.yield(9) error("deep", 0) end, function(e) return "h " .. e end))
            end)
            relay.report(co(7)) relay.report(co(8)) relay.report(co("back")) co()
            """
        )
        #expect(error == nil)
        #expect(
            probe.reports == [
                .integer(7), .boolean(false), .bytes(Array("e8".utf8)), .integer(3), .boolean(true),
                .bytes(Array("back".utf8)), .bytes([120]), .integer(9), .boolean(false), .bytes(Array("h deep".utf8)),
            ]
        )
    }
}
