// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LatencyMonitor
import RelayCore
import Synchronization
import TestSupport
import Testing

@testable import RelayHooks

/// `relay.mail(mail, fn)` and `relay.sync(state, fn)`: functions that are told what was stored.
@Suite struct StoringTests {
    /// Keeps what takes the results, until the test decides.
    private final class Shelf: StateStorage {
        var waiting: [(state: String, done: @Sendable (Bool) -> Void)] = []
        func fetch(_ names: [String]) -> [String: [StateRecord]] {
            Dictionary(names.map { ($0, []) }) { first, _ in first }
        }
        func take(_ change: StateChange) {}
        func clear(_ state: String) {}
        func sync(_ state: String, done: @escaping @Sendable (Bool) -> Void) { self.waiting.append((state, done)) }
    }

    private let mail = "{ subject = 's', text = 't' }"

    /// What scripts printed.
    private func printed(_ chat: Chat) -> [String] {
        chat.log.entries.filter { $0.metadata["script"] != nil }.map(\.message)
    }

    /// Runs a line of Lua in a timer that is due now.
    private func chat(_ line: String, states: StateStore = StateStore()) throws -> Chat {
        let chat = try states.fetching { fetched in
            try Chat(
                [
                    "t.lua": """
                    local kept = relay.state("kept", { persist = true })
                    local volatile = relay.state("volatile")
                    local function told(stored) print("stored", stored) end
                    relay.after(0, function() \(line) end)
                    """
                ],
                hasStock: false,
                states: states,
                fetched: fetched
            )
        }
        chat.hooks.runTimers()
        return chat
    }

    // MARK: Mails

    @Test(arguments: [true, false])
    func `the function of a mail is called once with the result, in the next round of timers`(result: Bool) throws {
        let chat = try self.chat("print(relay.mail(\(self.mail), told))")
        #expect(self.printed(chat) == ["true"])
        #expect(!chat.hooks.runTimers())
        var announced = 0
        chat.hooks.observers.onTimers = { announced += 1 }
        let stored = try #require(chat.outbox.stored.first ?? nil)
        stored(result)
        #expect(announced == 1)
        #expect(self.printed(chat) == ["true"])
        stored(!result)
        #expect(!chat.hooks.runTimers())
        #expect(self.printed(chat) == ["true", "stored\t\(result)"])
        #expect(chat.hooks.timerCount == 0)
    }

    @Test func `a mail that is not accepted has no result`() throws {
        let states = StateStore()
        let chat = try Chat(
            ["t.lua": "relay.every(1, function() print(relay.mail(\(self.mail), print)) end)"],
            hasStock: false,
            states: states
        )
        chat.outbox.isClosed = true
        // The bound is one of functions that wait, and none does.
        for _ in 0..<(StorageWaiter.most + 10) {
            chat.clock.now += 1
            chat.hooks.runTimers()
        }
        #expect(Set(self.printed(chat)) == ["false"])
        #expect(chat.hooks.loaded.waiters.isEmpty)
    }

    @Test func `without a function a mail is as before`() throws {
        let chat = try self.chat("print(relay.mail(\(self.mail)))")
        #expect(self.printed(chat) == ["true"])
        #expect(chat.outbox.stored.count == 1 && chat.outbox.stored[0] == nil)
    }

    @Test func `results of scripts that were replaced go nowhere`() throws {
        let chat = try self.chat("relay.mail(\(self.mail), told)")
        let stored = try #require(chat.outbox.stored.first ?? nil)
        _ = try chat.hooks.reload(
            ScriptSet(stock: [:], own: ["t.lua": Array("relay.after(0, function() print('new') end)".utf8)]),
            values: ScriptValues()
        )
        stored(true)
        chat.hooks.runTimers()
        #expect(self.printed(chat) == ["new"])
        #expect(chat.log.failures == [] && chat.hooks.loaded.waiters.isEmpty)
    }

    @Test func `a failure in such a function is logged with its place`() throws {
        let chat = try self.chat("relay.mail(\(self.mail), function() error('no') end)")
        let stored = try #require(chat.outbox.stored.first ?? nil)
        stored(true)
        chat.hooks.runTimers()
        let entry = try #require(chat.log.entries.last { $0.message == "hook failed" })
        #expect(entry.metadata["hook.event"] == "stored")
        #expect(entry.metadata["hook.script"] == "scripts/t.lua:4")
        #expect(entry.metadata["error"] == "scripts/t.lua:4: no")
        #expect(chat.hooks.hookStatus.contains { $0.event == "stored" && $0.failures == 1 })
    }

    @Test func `a bounded number of functions waits`() throws {
        let chat = try self.chat(
            "for i = 1, \(StorageWaiter.most) do relay.mail(\(self.mail), told) end print(pcall(relay.mail, \(self.mail), told))"
        )
        let line = try #require(self.printed(chat).first)
        #expect(line.hasPrefix("false") && line.contains("functions wait to learn what was stored, which is the limit"))
        // Those whose result is there count until they have run.
        for stored in chat.outbox.stored { stored?(true) }
        #expect(chat.hooks.loaded.timers.resultCount == StorageWaiter.most)
        #expect(chat.hooks.timerCount == 0)
        chat.hooks.runTimers()
        #expect(chat.hooks.loaded.timers.resultCount == 0)
    }

    @Test(arguments: [
        ("relay.mail({ subject = 's', text = 't' }, 5)", "relay.mail takes a function second, not a number"),
        ("relay.sync(5, print)", "relay.sync takes a state first, not a number"),
        ("relay.sync({}, print)", "relay.sync takes a state first, not a table"),
        ("relay.sync(kept)", "relay.sync takes a function second, not nil"),
    ])
    func `what is missing or wrong is told`(line: String, expected: String) throws {
        let chat = try self.chat(line)
        #expect(chat.log.failures == ["scripts/t.lua:4: \(expected)"])
    }

    // MARK: States

    @Test(arguments: [true, false])
    func `the function of a state is called with the result of its storage`(result: Bool) throws {
        let shelf = Shelf()
        let chat = try self.chat("kept.a = 1 print(relay.sync(kept, told))", states: StateStore(storage: shelf))
        #expect(self.printed(chat) == ["nil"])
        #expect(shelf.waiting.map(\.state) == ["kept"])
        let waiting = try #require(shelf.waiting.first)
        waiting.done(result)
        chat.hooks.runTimers()
        #expect(self.printed(chat) == ["nil", "stored\t\(result)"])
    }

    @Test func `a state that is not on disk cannot be stored`() throws {
        let shelf = Shelf()
        let chat = try self.chat("relay.sync(volatile, told)", states: StateStore(storage: shelf))
        chat.hooks.runTimers()
        #expect(self.printed(chat) == ["stored\tfalse"])
        // Nor is one that persists where there is no storage.
        let other = try self.chat("relay.sync(kept, told)")
        other.hooks.runTimers()
        #expect(self.printed(other) == ["stored\tfalse"])
    }

    @Test func `relay.sync is for hooks and timers`() throws {
        let error = #expect(throws: ScriptError.self) {
            try Chat("relay.sync(relay.state('s'), print)", hasStock: false)
        }
        #expect(error?.description.contains("relay.sync works only in hooks and timers") == true)
    }

    @Test func `results of other threads come by the loop`() async throws {
        let chat = try Chat(
            ["t.lua": "relay.after(0, function() relay.mail(\(self.mail), function(stored) print(stored) end) end)"],
            hasStock: false
        )
        let loop = Queue()
        chat.hooks.observers.onLoop = { work in loop.add(work) }
        chat.hooks.runTimers()
        let stored = try #require(chat.outbox.stored.first ?? nil)
        try await onThread { stored(true) }
        #expect(chat.hooks.nextTimer == nil)
        loop.run()
        chat.hooks.runTimers()
        #expect(self.printed(chat) == ["true"])
    }

    /// What is to be done on the loop.
    private final class Queue: Sendable {
        private let work = Mutex<[@Sendable () -> Void]>([])
        func add(_ item: @escaping @Sendable () -> Void) { self.work.withLock { $0.append(item) } }
        func run() { for item in self.work.withLock({ $0 }) { item() } }
    }
}
