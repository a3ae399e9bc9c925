// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import Testing

/// A pool for all hooks of a run, a share of the reserve for each script file, and memory for those that must not fail.
@Suite(.timeLimit(.minutes(15)))
struct BudgetTests {
    private func probe(_ bodies: [String], instructions: Int64 = 100_000, memory: Int = 8 << 20) throws -> Probe {
        let probe = try Probe(Probe.limits(memory: memory, cpuTime: .seconds(60), instructions: instructions))
        for body in bodies { try probe.load("relay.keep('work', function() \(body) end)") }
        return probe
    }

    private func loop(_ count: Int) -> String { "for i = 1, \(count) do end relay.report('done \(count)')" }

    @Test func `a file's slowness leaves another file its share`() throws {
        let probe = try self.probe(["while true do end", self.loop(20_000)])
        // The reserve is half as much as the pool: 25,000 for each of two files.
        #expect(probe.run("work", files: [0, 1]).errors.map(\.kind) == [.timeout])
        #expect(probe.texts == ["done 20000"])
    }

    @Test func `a file's share is used before what all share`() throws {
        // The first uses its share of 25,000 and a little of the pool; the second finds almost all of that.
        let probe = try self.probe([self.loop(30_000), self.loop(110_000)])
        #expect(probe.run("work", files: [0, 1]).errors == [])
    }

    @Test func `hooks of one file have one share`() throws {
        let probe = try self.probe(["while true do end", self.loop(10_000), self.loop(40_000)])
        let errors = probe.run("work", files: [0, 0, 1]).errors
        #expect(errors.map(\.kind) == [.timeout, .timeout, .timeout])
        #expect(errors[1].message == "not called: earlier hooks of this file have used its time for this event")
        #expect(probe.texts == [])
    }

    @Test func `what all may use together does not grow with their number`() throws {
        let bodies = Array(repeating: "while true do relay.report('x') end", count: 1_000)
        let probe = try self.probe(bodies)
        let outcome = probe.run("work", files: (0..<1_000).map { Int32($0 % 100) })
        #expect(outcome.errors.count == 1_000)
        // A call of the host costs 16, and four instructions go with it: 150,000 for all, and one interval of 1,000 that each of
        // a hundred files may be late.
        #expect(probe.reports.count < (150_000 + 100 * 1_000) / 16, "\(probe.reports.count)")
    }

    @Test func `a run begins with a whole budget`() throws {
        let probe = try self.probe(["while true do end", self.loop(20_000)])
        for _ in 0..<3 { #expect(probe.run("work", files: [0, 1]).errors.count == 1) }
        #expect(probe.texts.count == 3)
    }

    @Test func `without room left only hooks with spare memory are called`() throws {
        let probe = try Probe(Probe.limits(memory: 8 << 20, cpuTime: .seconds(60), instructions: 100_000_000))
        try probe.load(
            """
            local all, n = {}, 0
            relay.keep("fill", function() while true do n = n + 1 all[n] = ("x"):rep(1000) .. n end end)
            relay.keep("empty", function() all, n = {}, 0 end)
            relay.keep("work", function() local s = ("y"):rep(60000) relay.report(#s) end)
            """
        )
        #expect(probe.run("fill").errors.map(\.kind) == [.memory])
        probe.state?.collect()
        let error = probe.run("work").errors.first
        #expect(error?.kind == .memory)
        #expect(error?.message.hasPrefix("not called: the scripts hold ") == true)
        #expect(error?.used == .zero)
        #expect(probe.run("work", hasSpareMemory: true).errors == [])
        #expect(probe.last == .integer(60_000))
        #expect(probe.run("empty", hasSpareMemory: true).errors == [])
        probe.state?.collect()
        #expect(probe.run("work").errors == [])
    }

    @Test func `a full memory does not make every new string collect garbage`() throws {
        let probe = try Probe(Probe.limits(memory: 8 << 20, cpuTime: .seconds(60), instructions: 1_000_000_000))
        try probe.load(
            """
            local all, n = {}, 0
            -- Short strings, which Lua keeps in a table that doubles: to the limit, and some of them a little beyond a power of two.
            relay.keep("fill", function() while true do n = n + 1 all[n] = "s" .. n end end)
            relay.keep("work", function() for i = 1, 5000 do local s = "w" .. i end relay.report("done") end)
            """
        )
        #expect(probe.run("fill").errors.map(\.kind) == [.memory])
        #expect(probe.run("work", hasSpareMemory: true).errors == [])
        #expect(probe.texts == ["done"])
    }

    @Test func `spare memory has an end, too`() throws {
        let probe = try Probe(Probe.limits(memory: 8 << 20, cpuTime: .seconds(60), instructions: 1_000_000_000))
        try probe.load("local t = {} relay.keep('fill', function() while true do t[#t + 1] = {} end end)")
        let errors = probe.run("fill", hasSpareMemory: true).errors
        #expect(errors.first?.message == "memory limit passed: more than \((8 << 20) + (512 << 10)) bytes")
        #expect(probe.memory <= (8 << 20) + (512 << 10))
        #expect(probe.run("fill").errors.first?.kind == .memory)
    }

    @Test func `a call that ran out of memory says how long it took`() throws {
        let probe = try Probe(Probe.limits(memory: 8 << 20, cpuTime: .seconds(60), instructions: 1_000_000_000))
        let error = try probe.attempt("local t = {} while true do t[#t + 1] = {} end")
        #expect(error?.kind == .memory)
        #expect((error?.used ?? .zero) > .zero)
    }

    @Test func `garbage does not reach the limit`() throws {
        let probe = try Probe(Probe.limits(memory: 16 << 20, cpuTime: .seconds(60), instructions: 1_000_000_000))
        try probe.load(
            """
            live = {}
            for i = 1, 110000 do live[i] = { i } end
            relay.keep("churn", function() for i = 1, 20000 do local t = { i, {}, tostring(i) .. "x" } end end)
            """
        )
        var most = 0
        for _ in 0..<50 {
            #expect(probe.run("churn").errors == [])
            most = max(most, probe.memory)
        }
        #expect(most < 16 << 20 * 9 / 10, "\(most) bytes")
    }
}
