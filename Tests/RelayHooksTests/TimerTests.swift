// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import RelayCore
import TestSupport
import Testing

@testable import RelayHooks

/// Timers cannot starve the relay, and are accounted for by their place in the scripts.
@Suite struct TimerTests {
    /// Lets a second pass for each line that a script writes: a script that takes long.
    private final class SlowFile: FileOutput {
        var clock: Chat.Clock?
        func problem(with file: FileDeclaration) -> String? { nil }
        func write(_ line: [UInt8], to file: FileDeclaration) -> Bool {
            self.clock?.now += 1
            return true
        }
    }

    /// A chat whose scripts have `slow:write("")`, which takes a second.
    private func chat(
        _ script: String,
        limits: Limits = Limits(),
        luaLimits: LuaLimits = LuaLimits()
    ) throws -> Chat {
        let slow = SlowFile()
        let chat = try Chat(
            ["t.lua": "local slow = relay.file('slow') " + script],
            hasStock: false,
            limits: limits,
            luaLimits: luaLimits,
            fileOutput: slow
        )
        slow.clock = chat.clock
        return chat
    }

    private func printed(_ chat: Chat) -> [String] {
        chat.log.entries.filter { $0.metadata["script"] != nil }.map(\.message)
    }

    /// The row of the timers of a place.
    private func status(_ chat: Chat) throws -> HookStatus {
        let rows = chat.hooks.hookStatus.filter { $0.event == "timer" }
        #expect(rows.count == 1)
        return try #require(rows.first)
    }

    // MARK: The loop

    @Test func `a timer that is due again at once waits for the next call`() throws {
        let chat = try self.chat(
            "local n = 0 local function f() n = n + 1 print(n) relay.after(0, f) end relay.after(0, f)"
        )
        for _ in 1...3 { #expect(chat.hooks.runTimers()) }
        #expect(self.printed(chat) == ["1", "2", "3"])
    }

    @Test func `timers that are left at the deadline come first in the next call`() throws {
        let chat = try self.chat(
            "for i = 1, 5 do relay.after(i / 10, function() print(i) slow:write('') relay.after(0, function() print('late', i) end) end) end"
        )
        chat.clock.now += 1
        #expect(chat.hooks.runTimers(until: chat.clock.now + 2))
        #expect(self.printed(chat) == ["1", "2"])
        // One is called in any case.
        #expect(chat.hooks.runTimers(until: 0))
        #expect(self.printed(chat) == ["1", "2", "3"])
        #expect(chat.hooks.runTimers())
        #expect(Array(self.printed(chat).dropFirst(3)) == ["4", "5", "late\t1", "late\t2", "late\t3"])
        #expect(!chat.hooks.runTimers())
        #expect(Array(self.printed(chat).dropFirst(8)) == ["late\t4", "late\t5"])
        #expect(chat.hooks.nextTimer == nil)
    }

    @Test func `calls whose time has passed are left out, counted, and logged once a minute`() throws {
        let chat = try self.chat("relay.every(0.25, function() print('x') slow:write('') end)")
        let start = chat.clock.now
        for _ in 1...5 {
            chat.clock.now = try #require(chat.hooks.nextTimer)
            chat.hooks.runTimers()
        }
        // Called at 0.25, 1.5, 2.75 ...: each call takes a second, and four beats pass meanwhile.
        #expect(self.printed(chat).count == 5)
        #expect(chat.hooks.nextTimer == start + 6.5)
        #expect(try self.status(chat).missed == 20)
        let warnings = chat.log.entries.filter { $0.message.hasPrefix("timer calls were left out") }
        #expect(warnings.map { $0.metadata["hook.missed"] } == ["4"])
        #expect(warnings.first?.metadata["hook.script"] == "scripts/t.lua:1")
        chat.clock.now += 100
        chat.hooks.runTimers()
        #expect(chat.log.entries.filter { $0.message.hasPrefix("timer calls were left out") }.count == 2)
    }

    @Test func `a timer that cancels itself is not called again`() throws {
        let chat = try self.chat("local t t = relay.every(1, function() print(t:cancel(), t:cancel()) end)")
        chat.clock.now += 1
        #expect(!chat.hooks.runTimers())
        #expect(chat.hooks.nextTimer == nil && chat.hooks.timerCount == 0)
        #expect(self.printed(chat) == ["true\tfalse"])
    }

    // MARK: Pauses and failures

    private func wasting(_ script: String) throws -> Chat {
        var limits = Limits()
        limits.pauseAfter = .milliseconds(50)
        var luaLimits = LuaLimits()
        luaLimits.hooks.cpuTime = .milliseconds(20)
        return try self.chat(script, limits: limits, luaLimits: luaLimits)
    }

    @Test func `timers that make timers are paused by their place, and what is due once is postponed`() throws {
        let chat = try self.wasting(
            "local function f() relay.after(0.01, f) print('x') while true do end end relay.after(0, f)"
        )
        var calls = 0
        while try !self.status(chat).isPaused, calls < 20 {
            chat.clock.now = try #require(chat.hooks.nextTimer)
            chat.hooks.runTimers()
            calls += 1
        }
        #expect((2...3).contains(calls))
        let paused = chat.clock.now
        chat.clock.now = try #require(chat.hooks.nextTimer)
        #expect(chat.hooks.runTimers() == false)
        #expect(self.printed(chat).count == calls, "a paused timer was called")
        let end = try #require(chat.hooks.nextTimer)
        #expect(abs(end - paused - 30) < 0.1, "\(end - paused)")
        chat.clock.now = end
        chat.hooks.runTimers()
        #expect(self.printed(chat).count == calls + 1)
    }

    @Test func `a paused timer that repeats leaves its calls out and keeps its beat`() throws {
        let chat = try self.wasting("relay.every(1, function() print('x') while true do end end)")
        for _ in 1...10 {
            chat.clock.now = try #require(chat.hooks.nextTimer)
            chat.hooks.runTimers()
        }
        let status = try self.status(chat)
        #expect(status.isPaused && status.pauses == 1)
        #expect(status.calls + status.missed == 10 && status.calls <= 3)
        #expect(chat.hooks.nextTimer == chat.clock.now + 1)
    }

    @Test func `failures of timers that make timers are logged once a second`() throws {
        let chat = try self.chat("local function f() relay.after(0.01, f) error('no') end relay.after(0, f)")
        var seen = 0
        chat.hooks.observers.onFailure = { _ in seen += 1 }
        for _ in 1...100 {
            chat.hooks.runTimers()
            chat.clock.now = try #require(chat.hooks.nextTimer)
        }
        #expect(seen == 100)
        #expect((1...2).contains(chat.log.entries.filter { $0.message == "hook failed" }.count))
        let status = try self.status(chat)
        #expect(status.calls == 100 && status.failures == 100 && status.place == "scripts/t.lua:1")
    }

    @Test func `functions behind the last argument are not kept`() throws {
        let chat = try self.chat(
            """
            relay.every(1, function()
              for i = 1, 200 do
                local big = ("x"):rep(20000 + i)
                relay.after(0, print, function() return big end):cancel()
              end
            end)
            """
        )
        for _ in 1...60 {
            chat.clock.now += 1
            chat.hooks.runTimers()
        }
        // 240 MB would not fit.
        #expect(chat.log.failures == [])
    }

    // MARK: Bounds

    @Test func `places beyond the limit share a record`() {
        var places = CallPlaces()
        let first = places.record(of: .timer, script: "a.lua", line: 1)
        #expect(places.record(of: .timer, script: "a.lua", line: 1) === first)
        for line in 2...5_000 { _ = places.record(of: .timer, script: "a.lua", line: line) }
        #expect(places.all.count == CallPlaces.most + 1)
        let others = places.record(of: .timer, script: "b.lua", line: 1)
        #expect(places.record(of: .timer, script: "c.lua", line: 9) === others)
        #expect(places.record(of: .timer, script: "a.lua", line: 1) === first)
    }

    @Test func `a log limit lets one line of a key through in its time, and says how many it did not`() {
        var limit = LogLimiter()
        #expect(limit.admit("a", at: 10) == 0)
        #expect(limit.admit("a", at: 10.5) == nil)
        #expect(limit.admit("b", at: 10.5) == 0)
        #expect(limit.admit("a", at: 10.9) == nil)
        #expect(limit.admit("a", at: 11) == 2)
        // A clock that is set back does not silence the log.
        #expect(limit.admit("a", at: 5) == 0)
    }

    @Test func `a log limit distinguishes the keys of the last second, up to a bound`() {
        var limit = LogLimiter(mostKeys: 3)
        for key in ["a", "b", "c"] { #expect(limit.admit(key, at: 20) == 0) }
        #expect(limit.admit("d", at: 20.1) == 0, "the first of all others")
        #expect(limit.admit("e", at: 20.2) == nil)
        #expect(limit.admit("c", at: 20.3) == nil)
        #expect(limit.admit("e", at: 21.2) == 0, "a and b are forgotten, and made room")
        #expect(limit.admit("c", at: 21.2) == 1, "what was not logged is not forgotten")
        #expect(limit.admit("e", at: 21.3, isDue: true) == 0)
        #expect(limit.admit("e", at: 99, isDue: false) == nil)
        #expect(limit.admit("e", at: 99) == 1)
    }

    @Test func `a name that is not UTF-8 is logged once a second`() throws {
        let chat = try Chat("relay.on('name', function() return '\\xff' end)", hasStock: false)
        for _ in 1...10 { _ = chat.connect() }
        let count = { chat.log.entries.filter { $0.message.hasPrefix("a name was refused") }.count }
        #expect(count() == 1)
        chat.clock.now += 1
        _ = chat.connect()
        #expect(count() == 2)
        #expect(chat.log.entries.last { $0.message.hasPrefix("a name") }?.metadata["log.unlogged"] == "9")
    }

    @Test func `timers that are cancelled long before their time leave nothing`() throws {
        let chat = try self.chat(
            "relay.every(1, function() for _ = 1, 900 do relay.after(1e6, print):cancel() end end) relay.after(1e5, print)"
        )
        for _ in 1...20 {
            chat.clock.now += 1
            chat.hooks.runTimers()
        }
        #expect(chat.hooks.timerCount == 2)
        #expect(chat.hooks.loaded.timers.entryCount < 100)
    }

    // MARK: A model

    /// Timers as a list.
    private struct Model {
        var timers: [(number: Int64, due: Double, order: Int)] = []
        var order = 0

        mutating func arm(_ number: Int64, _ due: Double) {
            self.order += 1
            self.timers.removeAll { $0.number == number }
            self.timers.append((number, due, self.order))
        }

        var next: (number: Int64, due: Double, order: Int)? {
            self.timers.min { ($0.due, $0.order) < ($1.due, $1.order) }
        }
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `random timers are called in the order of a simple list, and cancelled ones leave nothing`(seed: UInt64) throws
    {
        var random = SplitMix64(seed: seed)
        // Any function does: none is called here.
        let function = try #require(
            try Chat("relay.on('start', function() end)", hasStock: false).hooks.loaded.registry.hooks(for: .start)
                .first
        )
        .callable.function
        let record = CallRecord(event: .timer, onError: .skip, function, script: "", line: 0)
        var queue = TimerQueue()
        var model = Model()
        var now = 0.0
        for _ in 0..<3_000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                let delay = Double(Int.random(in: 0..<8, using: &random))
                let isOnce = Bool.random(using: &random)
                let number = queue.add(
                    isOnce ? .once : .every(delay + 1),
                    after: delay,
                    function,
                    record: record,
                    uptime: now,
                    time: now
                )
                model.arm(number, now + delay + (isOnce ? 0 : 1))
            case 5..<8:
                let number = model.timers.randomElement(using: &random)?.number ?? -1
                #expect((queue.remove(number) != nil) == (number > 0))
                model.timers.removeAll { $0.number == number }
            default:
                now += Double(Int.random(in: 0..<4, using: &random))
                let last = queue.lastSequence
                while let timer = queue.popDue(at: now, upTo: last) {
                    let expected = try #require(model.next)
                    #expect(expected.number == timer.number && expected.due == timer.due)
                    if timer.schedule == .once {
                        _ = queue.remove(timer.number)
                        model.timers.removeAll { $0.number == timer.number }
                    } else {
                        _ = queue.repeatTimer(timer, uptime: now, time: now)
                        model.arm(timer.number, timer.due)
                        #expect(timer.due > now)
                    }
                }
            }
            #expect(queue.next == model.next?.due)
            #expect(queue.count == model.timers.count)
            #expect(queue.entryCount <= 2 * queue.count + 65)
        }
    }
}
