// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import Testing

/// What functions read and make counts as instructions, before they do it.
@Suite(.timeLimit(.minutes(15)))
struct ChargeTests {
    /// A function, called once with much to do and once with little.
    struct Work: Sendable, CustomTestStringConvertible {
        var name: String
        /// Makes the global `x` of a size `n`, when the script is loaded.
        var given: String
        var call: String
        var size = 1 << 20
        var testDescription: String { self.name }
    }

    static let works = [
        Work(name: "upper", given: "('x'):rep(n)", call: "x:upper()"),
        Work(name: "lower", given: "('X'):rep(n)", call: "x:lower()"),
        Work(name: "reverse", given: "('x'):rep(n)", call: "x:reverse()"),
        Work(name: "byte", given: "('x'):rep(n)", call: "x:byte(1, -1)", size: 150_000),
        Work(
            name: "char",
            given: "(function() local t = {} for i = 1, n do t[i] = 65 end return t end)()",
            call: "string.char(table.unpack(x))",
            size: 150_000
        ),
        Work(name: "a quoted text", given: "('\\0'):rep(n)", call: "('%q'):format(x)"),
        Work(name: "a long format", given: "('%%'):rep(n)", call: "x:format()"),
        Work(
            name: "long numbers",
            given: "('%.99f'):rep(n)",
            call: "x:format(table.unpack(setmetatable({}, { __index = function() return 1e308 end }), 1, #x // 5))",
            size: 150
        ),
        Work(name: "pack", given: "('b'):rep(n)", call: "pcall(string.pack, x)"),
        Work(name: "packsize", given: "('b'):rep(n)", call: "string.packsize(x)"),
        Work(name: "unpack", given: "('x'):rep(n)", call: "pcall(string.unpack, x, x)"),
        Work(name: "tonumber", given: "(' '):rep(n) .. '1'", call: "tonumber(x)"),
        Work(name: "utf8.len", given: "('é'):rep(n // 2)", call: "utf8.len(x)"),
        Work(name: "utf8.codepoint", given: "('x'):rep(n)", call: "utf8.codepoint(x, 1, -1)", size: 250_000),
        Work(name: "utf8.offset", given: "('x'):rep(n)", call: "utf8.offset(x, #x)"),
        Work(
            name: "utf8.char",
            given: "(function() local t = {} for i = 1, n do t[i] = 65 end return t end)()",
            call: "utf8.char(table.unpack(x))",
            size: 150_000
        ),
        Work(name: "os.date", given: "('%n'):rep(n)", call: "os.date(x)", size: 40_000),
        Work(
            name: "concat",
            given: "(function() local t, s = {}, ('x'):rep(n) for i = 1, 64 do t[i] = s end return t end)()",
            call: "table.concat(x)",
            size: 200_000
        ),
        Work(
            name: "sort",
            given: "(function() local t = {} for i = 1, 99 do t[i] = ('\\0'):rep(n) .. i end return t end)()",
            call: "table.sort({ table.unpack(x) })",
            size: 10_000
        ),
        Work(name: "captures", given: "('x'):rep(n)", call: "(x:gsub('^(.*)$', ('%1'):rep(9)))", size: 600_000),
        Work(name: "a text for the host", given: "('x'):rep(n)", call: "relay.echo(x)"),
        Work(
            name: "one text in many fields",
            given: "(function() local t, s = {}, ('x'):rep(n) for i = 1, 60 do t[i] = s end return t end)()",
            call: "relay.entries(x)",
            size: 100_000
        ),
        Work(name: "an unknown field", given: "('x'):rep(n)", call: "pcall(function() return relay.thing(1)[x] end)"),
        Work(name: "an assigned field", given: "('x'):rep(n)", call: "pcall(function() relay.thing(1).name = x end)"),
        Work(name: "an unknown function", given: "('x'):rep(n)", call: "pcall(function() return relay[x] end)"),
        Work(name: "require", given: "('x'):rep(n)", call: "pcall(require, x)"),
    ]

    @Test(arguments: Self.works)
    func `much work is refused before it is done, and little is not`(work: Work) throws {
        for (size, kind) in [(work.size, LuaError.Kind.timeout), (10, nil)] {
            let probe = try Probe(Probe.limits(memory: 64 << 20, cpuTime: .seconds(60), instructions: 100_000))
            try probe.load(
                """
                local n = \(size)
                local x = \(work.given)
                relay.keep("work", function() relay.report("begins") local _ = \(work.call) relay.report("ends") end)
                """
            )
            #expect(probe.run("work").errors.first?.kind == kind, "\(size)")
            #expect(probe.texts == (kind == nil ? ["begins", "ends"] : ["begins"]), "\(size)")
        }
    }

    @Test func `the host's functions cost something even with nothing given`() throws {
        let probe = try Probe(Probe.limits(memory: 8 << 20, cpuTime: .seconds(60), instructions: 100_000))
        // The loop's own instructions are a quarter of the limit.
        #expect(try probe.attempt("for i = 1, 8000 do relay.note() end")?.kind == .timeout)
        #expect(try probe.attempt("for i = 1, 3000 do relay.note() end") == nil)
    }

    @Test func `work that is refused takes nothing from the hooks after it`() throws {
        let probe = try Probe(Probe.limits(memory: 8 << 20, cpuTime: .seconds(60), instructions: 100_000))
        try probe.load("relay.keep('work', function() return ('-'):rep(999999999) end)")
        try probe.load("relay.keep('work', function() for i = 1, 20000 do end relay.report('done') end)")
        #expect(probe.run("work").errors.map(\.kind) == [.timeout])
        #expect(probe.texts == ["done"])
    }

    @Test func `of several functions a host function keeps the first alone`() throws {
        let sizes = try ["f", "f, print, f, function() end"]
            .map { functions in
                let probe = try Probe()
                try probe.load(
                    """
                    local f = function() end
                    relay.keep("many", function() for i = 1, 2000 do relay.keep("x", \(functions)) end end)
                    """
                )
                #expect(probe.run("many").errors == [])
                probe.state?.collect()
                return probe.memory
            }
        #expect(sizes[1] - sizes[0] < 2_000, "\(sizes)")
    }
}
