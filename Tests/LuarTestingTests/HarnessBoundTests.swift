// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import HostSettings
import RelayHooks
import Testing

@testable import LuarTesting

@Suite(.timeLimit(.minutes(15))) struct HarnessBoundTests {
    private func tests(_ body: String) throws -> ScriptTestReport {
        var scripts = ScriptFolder.stock
        scripts.lay(["x_test.lua": Array("test('x', function(t) \(body) end)".utf8)], folder: "scripts")
        return try ScriptTests(scripts).run()
    }

    private static let slowTimers = """
        for _ = 1, 1000 do relay.every(1, function() for _ = 1, 100000 do end end) end
        """

    @Test(arguments: [
        "local ana = t:connect(); local text = ('x'):rep(60000); while true do ana:says(text) end",
        "local ana = t:connect(); while true do pcall(ana.says, ana, ('x'):rep(60000)) end",
        "while true do pcall(t.connect, t) end",
    ])
    func `a test in which things happen for ever fails with the most that is kept`(body: String) throws {
        let report = try self.tests(body)
        #expect(report.failed == 1)
        #expect(report.lines.contains { $0.contains("64 MiB of texts") }, "\(report.lines)")
    }

    @Test func `slow timers are called until their time is used up`() throws {
        let relay = try HookHarness(files: ["slow.lua": Self.slowTimers])
        relay.timerTimeLimit = .milliseconds(100)
        relay.advance(by: .seconds(3_600))
        #expect(relay.isOutOfTime)
        #expect(relay.failures.count == 1)
        #expect(relay.failures.first?.message.contains("timers took more than 0.1 seconds of CPU time") == true)
        // Time passes, and no timer is called.
        let before = relay.now
        relay.advance(by: .seconds(3_600))
        #expect(relay.now.timeIntervalSince(before) == 3_600)
        #expect(relay.failures.count == 1)
    }

    @Test func `trying scripts out ends, and says that it did not try everything`() throws {
        var scripts = ScriptFolder.stock
        scripts.lay(["slow.lua": Array(Self.slowTimers.utf8)], folder: "scripts")
        let rehearsal = try ScriptSmokeTest(scripts, longest: .milliseconds(100))
        #expect(rehearsal.failures.contains { $0.reason.contains("0.1 seconds of CPU time") }, "\(rehearsal.failures)")
    }

    @Test func `a replay across a year of seconds ends with the most that timers may take`() throws {
        var scripts = ScriptFolder.stock
        scripts.lay(["tick.lua": Array("relay.every(1, function() end)".utf8)], folder: "scripts")
        let begin = RecordedEvent(.begin, at: 1_000_000)
        var last = RecordedEvent(.dropped, at: 1_000_000 + 365 * 86_400)
        last.lines = 1
        var replay = try Replay(Array("\(begin.line)\n\(last.line)\n\(last.line)\n".utf8))
        replay.timerTimeLimit = .milliseconds(100)
        let result = try replay.run(scripts)
        #expect(result.failures.count == 1)
        #expect(result.failures.first?.message.contains("0.1 seconds of CPU time") == true)
        #expect(result.notes == ["the replay ends before line 2, as timers took too long"])
    }
}
