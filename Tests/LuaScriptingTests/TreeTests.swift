// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import Testing

/// Tables within tables, records and levels on their way between Lua and the host.
@Suite struct TreeTests {
    @Test(arguments: [
        ("{}", "{}"), ("{ 1, 'b', { x = true } }", "{1=1,2=b,3={x=true}}"),
        ("{ a = { b = { c = 1 } } }", "{a={b={c=1}}}"),
        // Below the third level nothing is read.
        ("{ a = { b = { c = { d = 1 } } } }", "{a={b={c={}}}}"),
        ("{ a = {}, b = {}, c = { {}, {} } }", "{a={},b={},c={1={},2={}}}"),
        ("(function() local t = {}; t.t = t; return t end)()", "{t={t={t={}}}}"),
        ("{ f = print, 1.5 }", "{1=1.5,f=function}"),
    ]) func `a tree arrives whole down to three levels`(expression: String, shown: String) throws {
        let probe = try Probe()
        #expect(try probe.value("relay.tree(\(expression))")?.text == shown)
    }

    @Test(arguments: [
        "relay.tree(setmetatable({}, { __mode = 'v' }))", "relay.tree({ setmetatable({}, { __mode = 'k' }) })",
        "relay.entries(setmetatable({ 1 }, { __mode = 'kv' }))", "relay.report({}, setmetatable({}, { __mode = 'v' }))",
    ]) func `a weak table is refused, as its entries may go while the host reads them`(call: String) throws {
        let probe = try Probe()
        let message = try probe.attempt(call)?.message
        #expect(message?.hasSuffix(":2: a table here may not be weak: copy its entries into a plain one") == true)
        try probe.expectHealthy()
    }

    @Test func `a table of many entries is refused, and one of many that are large costs only memory of its own`()
        throws
    {
        let probe = try Probe()
        let error = try probe.attempt("local t = {}; for i = 1, 65 do t[i] = i end; relay.tree({ t })")
        #expect(error?.message.contains("a table here may have at most 64 entries") == true)
        let bomb = """
            local t = {}
            for i = 1, 64 do t[i] = {}; for j = 1, 64 do t[i][j] = {}; for k = 1, 64 do t[i][j][k] = k end end end
            for i = 1, 100 do relay.tree(t) end
            """
        let wide = """
            local t, rows = {}, {}
            for i = 1, 64 do
              t[i] = {}
              local cells = {}
              for j = 1, 64 do
                t[i][j] = i * 1000 + j
                cells[j] = j .. "=" .. t[i][j]
              end
              table.sort(cells)
              rows[i] = i .. "={" .. table.concat(cells, ",") .. "}"
            end
            table.sort(rows)
            relay.report(relay.tree(t) == "{" .. table.concat(rows, ",") .. "}")
            """
        #expect(try probe.attempt(wide) == nil)
        #expect(probe.last == .boolean(true))
        // Whether it ends in a limit or not: the next run is as good as the first.
        _ = try probe.attempt(bomb)
        try probe.expectHealthy()
    }

    @Test func `a record is read-only, explains names it lacks, and can be walked through`() throws {
        let probe = try Probe()
        #expect(try probe.value("relay.record().n + relay.record().x") == .number(8.5))
        #expect(try probe.value("relay.record().t") == .bytes(Array("ol\u{e1}\0".utf8)))
        #expect(try probe.value("relay.record().b") == .boolean(false))
        #expect(
            try probe.value("#relay.record().list .. relay.record().list[2] .. relay.record().map.k[1]")?.text == "2b1"
        )
        #expect(
            try probe.value("(function() local n = 0; for _ in pairs(relay.record()) do n = n + 1 end; return n end)()")
                == .integer(7)
        )
        for attack in [
            "relay.record().n = 1", "relay.record().new = 1", "rawset(relay.record(), 'n', 1)",
            "setmetatable(relay.record(), {})",
        ] {
            #expect(try probe.attempt(attack) != nil, "\(attack)")
        }
        #expect(try probe.attempt("return relay.record().m")?.message.contains("the record has no 'm'") == true)
        // What is inside belongs to the script that asked.
        #expect(
            try probe.value("(function() local l = relay.record().list; l[3] = 'c'; return #l end)()") == .integer(3)
        )
        try probe.expectHealthy()
    }

    private static let leveled = LuaAnswerSchema(
        event: "judge",
        accepted: [.bytes],
        acceptsFalse: false,
        highestLevel: 3,
        longest: 5,
        expected: "a name and a level"
    )

    @Test(arguments: [
        ("'good', 0", Probe.Seen.leveled(Array("good".utf8), 0)), ("'bad', 3, 9", .leveled(Array("bad".utf8), 3)),
        ("'ok', 2.0", .leveled(Array("ok".utf8), 2)), ("'ok'", .bytes(Array("ok".utf8))),
        ("'ok', nil", .bytes(Array("ok".utf8))), ("nil, 2", .nil),
    ]) func `a level stands behind a string`(answer: String, seen: Probe.Seen) throws {
        let probe = try Probe()
        try probe.load("relay.keep('judge', function() return \(answer) end)")
        #expect(probe.run("judge", answer: Self.leveled).answers == [seen])
    }

    @Test(arguments: ["'ok', 4", "'ok', -1", "'ok', 1.5", "'ok', '2'", "'ok', {}", "'longer', 1", "1", "false"])
    func `another level or answer is the hook's error, and the next hook is called`(answer: String) throws {
        let probe = try Probe()
        try probe.load("relay.keep('judge', function() return \(answer) end)")
        try probe.load("relay.keep('judge', function() return 'next', 1 end)")
        let outcome = probe.run("judge", answer: Self.leveled)
        #expect(outcome.errors.count == 1)
        #expect(outcome.errors.first?.message.contains("it may answer a name and a level") == true)
        #expect(outcome.answers.last == .leveled(Array("next".utf8), 1))
    }

    @Test func `the host judges records, and what it says against one is the hook's error`() throws {
        let shape = LuaAnswerSchema(
            event: "mail",
            accepted: [.record],
            acceptsFalse: true,
            longest: 0,
            expected: "a mail"
        )
        let probe = try Probe()
        try probe.load("relay.keep('mail', function() return { to = { 'a', 'b' }, n = 1 } end)")
        var seen: [String] = []
        probe.judge = { value in
            seen.append(Probe.described(value))
            return nil
        }
        #expect(probe.run("mail", answer: shape).errors.isEmpty)
        #expect(seen == ["{n=1,to={1=a,2=b}}"])
        probe.judge = { _ in "nonsense" }
        let outcome = probe.run("mail", answer: shape)
        #expect(outcome.errors.map(\.message) == ["script1.lua:1: mail answered nonsense; it may answer a mail"])

        try probe.expectHealthy()
    }
}
