// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import Testing

@Suite(.timeLimit(.minutes(15)))
struct LimitTests {
    @Test("A hook that never ends is stopped and the next one works", arguments: Attack.endless)
    func endless(attack: Attack) throws { try self.expectStopped(attack) }

    @Test("Work inside library functions is stopped and the next hook works", arguments: Attack.library)
    func library(attack: Attack) throws { try self.expectStopped(attack) }

    @Test("A hook that takes too much memory is stopped and the next one works", arguments: Attack.greedy)
    func greedy(attack: Attack) throws { try self.expectStopped(attack) }

    private func expectStopped(_ attack: Attack) throws {
        let probe = try Probe()
        let event = "attack"
        try probe.load("relay.keep('\(event)', function()\n\(attack.body)\nend)")
        for _ in 1...2 {
            let outcome = probe.run(event)
            #expect(outcome.errors.count == 1)
            if let error = outcome.errors.first { #expect(attack.kinds.contains(error.kind), "\(error.message)") }
            #expect(outcome.used < .seconds(1), "50 ms were allowed")
            #expect(probe.reports.isEmpty)
            #expect(probe.memory <= Probe.small.memory)
        }
        try probe.expectHealthy()
    }

    @Test func `An empty text repeated without end is just empty`() throws {
        let probe = try Probe()
        #expect(try probe.value("(''):rep(1 << 60)") == .bytes([]))
        #expect(try probe.value("('x'):rep(-1)") == .bytes([]))
        #expect(try probe.value("('ab'):rep(2, ',')")?.text == "ab,ab")
    }

    @Test func `A script that never finishes loading is stopped`() throws {
        var limits = Probe.small
        limits.loading = .init(cpuTime: .milliseconds(50), instructions: 2_000_000)
        let probe = try Probe(limits)
        let error = #expect(throws: LuaError.self) { try probe.load("while true do end", as: "stuck") }
        #expect(error?.kind == .timeout)
        #expect(error?.script == "stuck.lua")
        #expect(error?.line == 1)
        try probe.expectHealthy()
    }

    @Test func `The CPU time alone stops a script whose instructions are not limited`() throws {
        let probe = try Probe(Probe.limits(memory: 8 << 20, cpuTime: .milliseconds(20), instructions: .max))
        let error = try probe.attempt("while true do end")
        #expect(error?.kind == .timeout)
        #expect((error?.used ?? .zero) >= .milliseconds(20))
        #expect(try probe.attempt("table.move({}, 1, 1 << 53, 2)")?.kind == .timeout)
        try probe.expectHealthy()
    }

    @Test func `The instructions alone stop a script whose CPU time is not limited`() throws {
        let probe = try Probe(Probe.limits(memory: 8 << 20, cpuTime: .seconds(3600), instructions: 100_000))
        #expect(try probe.attempt("for i = 1, 1e6 do end")?.kind == .timeout)
        #expect(try probe.attempt("for i = 1, 1e3 do end") == nil)
    }

    @Test func `Hooks of one run share one budget`() throws {
        let probe = try Probe(Probe.limits(memory: 8 << 20, cpuTime: .seconds(3600), instructions: 100_000))
        let work = "relay.keep('work', function() for i = 1, 60000 do end relay.report('done') end)"
        try probe.load(work)
        #expect(probe.run("work").errors.isEmpty)
        try probe.load(work)
        #expect(probe.run("work").errors.map(\.kind) == [.timeout])
        #expect(probe.texts == ["done", "done"])
    }

    @Test func `A state too small for the libraries is refused`() {
        let error = #expect(throws: LuaError.self) { try Probe(Probe.limits(memory: 4096)) }
        #expect(error?.kind == .memory)
    }

    @Test func `What a stopped hook held is free again`() throws {
        // Near the limit much is collected: on a busy machine the time could run out before the memory.
        let probe = try Probe(Probe.limits(memory: 8 << 20, cpuTime: .seconds(60), instructions: 1_000_000_000))
        for _ in 1...20 {
            let error = try probe.attempt("local t = {} for i = 1, 1e9 do t[i] = {} end")
            #expect(error?.kind == .memory, "\(String(describing: error))")
        }
        #expect(try probe.attempt("relay.report(#('x'):rep(64):rep(1 << 15))") == nil)
        #expect(probe.last == .integer(2 << 20))
    }
}
