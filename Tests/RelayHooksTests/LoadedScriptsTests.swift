// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayCore
import TestSupport
import Testing

@testable import RelayHooks

/// A load of the scripts counts as a whole or not at all.
@Suite struct LoadedScriptsTests {
    /// A storage that is a dictionary and counts how often it is read.
    private final class Shelf: StateStorage {
        var kept: [String: [StateKey: StateRecord]] = [:]
        var fetches = 0
        var changes = 0

        func fetch(_ names: [String]) -> [String: [StateRecord]] {
            self.fetches += 1
            return names.reduce(into: [:]) { all, name in
                all[name] = (self.kept[name] ?? [:]).values.sorted { $0.written < $1.written }
            }
        }

        func take(_ change: StateChange) {
            self.changes += 1
            self.kept[change.state, default: [:]][change.key] = change.record
        }

        func clear(_ state: String) { self.kept[state] = nil }
        func sync(_ state: String, done: @escaping @Sendable (Bool) -> Void) { done(true) }

        func keep(_ state: String, _ keys: [Int64]) {
            for key in keys {
                self.kept[state, default: [:]][.integer(key)] =
                    StateRecord(key: .integer(key), value: .integer(key), written: Double(key))
            }
        }
    }

    private final class Cabinet: FileOutput {
        var lines: [String] = []
        func problem(with file: FileDeclaration) -> String? { nil }
        func write(_ line: [UInt8], to file: FileDeclaration) -> Bool {
            self.lines.append(String(decoding: line, as: UTF8.self))
            return true
        }
    }

    private func set(_ script: String) -> ScriptSet { ScriptSet(stock: [:], own: ["test.lua": Array(script.utf8)]) }

    @discardableResult
    private func reload(
        _ chat: Chat,
        _ script: String,
        fetched: [String: [StateRecord]] = [:]
    ) throws -> RetiredScripts {
        try chat.hooks.reload(self.set(script), values: ScriptValues(), fetched: fetched)
    }

    private func says(_ chat: Chat, _ text: String) -> String {
        let (ana, bia) = (chat.connect(), chat.connect())
        chat.says(ana, text)
        return bia.hears
    }

    // MARK: Timers

    @Test func `scripts that were replaced are released, with what their timers have done`() throws {
        weak var record: CallRecord?
        weak var loaded: LoadedScripts?
        let chat = try Chat("relay.every(1, function() end) relay.on('message', function() end)")
        chat.says(chat.connect(), "oi")
        do {
            loaded = chat.hooks.loaded
            record = chat.hooks.loaded.timers.places.all.first
            chat.clock.now += 1
            chat.hooks.runTimers()
            #expect(record?.calls == 1)
            _ = try chat.hooks.reload(ScriptSet(stock: [:], own: [:]), values: ScriptValues())
        }
        #expect(record == nil && loaded == nil)
    }

    @Test func `timers are announced once after a reload, also after a failed one, and never while scripts are loaded`()
        throws
    {
        let chat = try Chat("relay.every(10, function() print('old') end)", hasStock: false)
        var announced: [Double?] = []
        chat.hooks.observers.onTimers = { [unowned chat] in announced.append(chat.hooks.nextTimer) }
        #expect(throws: ScriptError.self) {
            try self.reload(chat, "local t = relay.after(1, print) t:cancel() relay.every(2, print) error('no')")
        }
        #expect(announced == [chat.clock.now + 10])
        chat.clock.now += 10
        chat.hooks.runTimers()
        #expect(chat.log.entries.map(\.message) == ["old"])
        announced = []
        try self.reload(chat, "local t = relay.after(1, print) t:cancel() relay.every(2, print)")
        #expect(announced == [chat.clock.now + 2])
    }

    // MARK: States

    @Test func `what a failed load wrote to states is undone, in memory and on disk`() throws {
        let shelf = Shelf()
        shelf.keep("kept", [1, 2, 3])
        let store = StateStore(storage: shelf)
        let script = """
            local kept = relay.state("kept", { persist = true })
            local shared = relay.state("shared")
            relay.on("format", function(m)
              local keys = {}
              for key, value in pairs(kept) do keys[#keys + 1] = key .. "=" .. tostring(value) end
              return table.concat(keys, " ") .. "|" .. tostring(shared.a)
            end)
            """
        let chat = try store.fetching { fetched in
            try Chat(["test.lua": script + " shared.a = 1"], hasStock: false, states: store, fetched: fetched)
        }
        #expect(self.says(chat, "x") == "1=1 2=2 3=3|1")
        let before = shelf.changes
        #expect(throws: ScriptError.self) {
            try self.reload(chat, script + " kept[1] = nil kept[2] = 5 kept.new = true shared.a = 2 error('no')")
        }
        #expect(self.says(chat, "x") == "1=1 2=2 3=3|1")
        #expect(shelf.changes == before)
        #expect(store.names == ["kept", "shared"])
        try self.reload(
            chat,
            script + " kept[1] = nil kept[2] = 5 kept.new = true kept.gone = 1 kept.gone = nil shared.a = 2"
        )
        #expect(self.says(chat, "x") == "2=5 3=3 new=true|2")
        #expect(shelf.kept["kept"]?.keys.sorted() == [.integer(2), .integer(3), .bytes(Array("new".utf8))])
        // And it goes on being kept.
        try self.reload(chat, script + " kept[3] = 7")
        #expect(shelf.kept["kept"]?[.integer(3)]?.value == .integer(7))
    }

    @Test func `a failed load deletes nothing from disk, whatever its options say`() throws {
        let shelf = Shelf()
        shelf.keep("kept", [1, 2, 3])
        let store = StateStore(storage: shelf)
        #expect(throws: ScriptError.self) {
            try store.fetching { fetched in
                try Chat(
                    ["test.lua": "relay.state('kept', { persist = true, max = 1 }) error('no')"],
                    states: store,
                    fetched: fetched
                )
            }
        }
        #expect(shelf.kept["kept"]?.count == 3)
        _ = try store.fetching { fetched in
            try Chat(
                ["test.lua": "relay.state('kept', { persist = true, max = 1 })"],
                states: store,
                fetched: fetched
            )
        }
        #expect(shelf.kept["kept"]?.count == 1)
    }

    @Test func `the limit of all states holds while scripts are loaded`() throws {
        let store = StateStore(limit: 250)
        let error = #expect(throws: ScriptError.self) {
            try Chat("local s = relay.state('s') for i = 1, 4 do s[i] = i end", states: store)
        }
        #expect(error?.description.contains("no room for key 4") == true, "\(String(describing: error))")
        _ = try Chat("local s = relay.state('s') for i = 1, 3 do s[i] = i end", states: store)
        #expect(store.bytes == 240)
    }

    // MARK: Storage

    @Test func `a load does not read the storage: it says what it misses, and leaves nothing behind`() throws {
        let shelf = Shelf()
        shelf.keep("a", [1])
        let chat = try Chat([:], hasStock: false, states: StateStore(storage: shelf))
        let script = """
            print("loading")
            local a, b = relay.state("a", { persist = true }), relay.state("b", { persist = true })
            relay.state("c")
            b.x = 1
            assert(a[1], "a is empty")
            """
        let missing = #expect(throws: MissingStates.self) { try self.reload(chat, script) }
        #expect(missing?.names == ["a", "b"])
        #expect(shelf.fetches == 0 && shelf.changes == 0)
        // A script that is loaded twice logs once.
        #expect(chat.log.entries.isEmpty)
        #expect(chat.hooks.missingStates(of: ["b", "a", "b"]) == ["a", "b"])
        try self.reload(chat, script, fetched: shelf.fetch(["a", "b"]))
        #expect(chat.log.entries.map(\.message) == ["loading"])
        #expect(chat.hooks.persistentStates == ["a", "b"])
        #expect(shelf.kept["b"]?.count == 1)
        // What is in memory is not asked for again.
        #expect(chat.hooks.missingStates(of: ["a", "b"]) == [])
        try self.reload(chat, script)
        #expect(shelf.fetches == 1)
    }

    @Test func `scripts that declare other states each time are tried a few times only`() throws {
        let shelf = Shelf()
        let store = StateStore(storage: shelf)
        var loads = 0
        #expect(throws: MissingStates.self) {
            try store.fetching { fetched in
                loads += 1
                return try Chat(
                    ["test.lua": "relay.state('s\(loads)', { persist = true })"],
                    states: store,
                    fetched: fetched
                )
            }
        }
        #expect(loads == StateLimits.fetches)
        #expect(store.names == [])
    }

    // MARK: Everything else

    @Test(arguments: [
        ("relay.send(relay.everyone, 'x')", "relay.send"),
        ("relay.client(1):send('x')", "client:send"),
        ("relay.client(1):close('x')", "client:close"),
        ("relay.client(1).name = 'x'", "assigning client.name"),
        ("relay.client(1).room = 'x'", "assigning client.room"),
        ("relay.client(1).dialect = 'x'", "assigning client.dialect"),
    ])
    func `clients are out of reach while scripts are loaded`(call: String, what: String) throws {
        let chat = try Chat("", hasStock: false)
        let ana = chat.connect()
        let name = ana.client?.name.string
        let error = #expect(throws: ScriptError.self) { try self.reload(chat, call) }
        #expect(
            error?.description
                == "scripts/test.lua:1: \(what) works only in hooks and timers, not while scripts are loaded"
        )
        // Not even where the script catches the error.
        try self.reload(chat, "print(pcall(function() \(call) end))")
        chat.hub.endTick()
        #expect(ana.hears == "" && !ana.isClosed)
        #expect(ana.client?.name.string == name && ana.client?.room.string == "tcp")
        #expect(chat.log.entries.last?.message.hasPrefix("false") == true)
    }

    @Test func `the dialects of a failed load do not count`() throws {
        var limits = Limits()
        limits.dialects = 3
        let chat = try Chat("relay.on('format', { dialect = 'a' }, print)", hasStock: false, limits: limits)
        for number in 0..<10 {
            #expect(throws: ScriptError.self) {
                try self.reload(chat, "relay.on('format', { dialect = 'n\(number)' }, print) error('no')")
            }
        }
        #expect(chat.hub.dialectCount == 2)
        try self.reload(
            chat,
            """
            relay.on('format', { dialect = 'b' }, function(m) return 'b' .. m.text end)
            relay.on('connect', function(client) client.dialect = 'b' end)
            """
        )
        #expect(self.says(chat, "x") == "bx")
    }

    @Test func `lines for files wait until the load is accepted`() throws {
        let cabinet = Cabinet()
        let chat = try Chat("", hasStock: false, fileOutput: cabinet)
        let script = "local file = relay.file('f') assert(file:write('one')) assert(file:write('two')) "
        #expect(throws: ScriptError.self) { try self.reload(chat, script + "error('no')") }
        #expect(cabinet.lines == [] && chat.hooks.fileLines == FileLineCounts())
        try self.reload(chat, script)
        #expect(cabinet.lines == ["one\n", "two\n"])
        #expect(chat.hooks.fileLines.taken == 2)
        // There is a bound to what waits.
        try self.reload(
            chat,
            "local file, taken = relay.file('f'), 0 for _ = 1, 100 do if file:write(('x'):rep(65535)) then taken = taken + 1 end end print(taken)"
        )
        #expect(chat.log.entries.last?.message == "16")
        #expect(cabinet.lines.count == 18)
    }

    @Test func `what a failed load made is handed over to be closed`() throws {
        let chat = try Chat("", hasStock: false)
        var discarded = 0
        chat.hooks.observers.onDiscard = { _ in discarded += 1 }
        #expect(throws: ScriptError.self) { try self.reload(chat, "error('no')") }
        #expect(discarded == 1)
        try self.reload(chat, "")
        #expect(discarded == 1)
    }
}
