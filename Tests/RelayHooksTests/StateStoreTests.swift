// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import TestSupport
import Testing

@testable import RelayHooks

/// The store against a model that is too simple to be wrong, and what it hands to its storage.
@Suite struct StateStoreTests {
    /// A storage that is a dictionary; it takes changes as they come.
    private final class Shelf: StateStorage {
        var kept: [String: [StateKey: StateRecord]] = [:]
        var isBroken = false

        func fetch(_ names: [String]) throws(StateStorageError) -> [String: [StateRecord]] {
            if self.isBroken { throw StateStorageError("the shelf is broken") }
            var all: [String: [StateRecord]] = [:]
            for name in names {
                all[name] = (self.kept[name] ?? [:]).values.sorted { ($0.written, $0.key) < ($1.written, $1.key) }
            }
            return all
        }

        func take(_ change: StateChange) {
            #expect(!change.isNew || self.kept[change.state]?[change.key] == nil, "it is there already")
            self.kept[change.state, default: [:]][change.key] = change.record
        }

        func clear(_ state: String) { self.kept[state] = nil }
        func sync(_ state: String, done: @escaping @Sendable (Bool) -> Void) { done(true) }
    }

    /// Entries in the order of their writes.
    private struct Model {
        var options: StateOptions
        var entries: [StateRecord] = []

        mutating func settle(_ now: Double) {
            for index in self.entries.indices { self.entries[index].written = min(self.entries[index].written, now) }
            if let ttl = self.options.ttl { self.entries.removeAll { $0.written + ttl <= now } }
            self.entries.removeFirst(max(0, self.entries.count - self.options.max))
        }

        mutating func write(_ key: StateKey, _ value: StateValue, _ now: Double, limit: Int) -> Bool {
            self.settle(now)
            var next = self
            next.entries.removeAll { $0.key == key }
            if next.entries.count == self.options.max { next.entries.removeFirst() }
            next.entries.append(StateRecord(key: key, value: value, written: now))
            guard next.size <= limit else { return false }
            self = next
            return true
        }

        var size: Int {
            self.entries.reduce(0) { sum, entry in
                let key = if case .bytes(let bytes) = entry.key { bytes.count } else { 8 }
                let value = if case .bytes(let bytes) = entry.value { bytes.count } else { 8 }
                return sum + key + value + 64
            }
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func `random operations leave what the model has, in memory and on the shelf`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let shelf = Shelf()
        let limit = 3_000
        var store = StateStore(storage: shelf, limit: limit)
        var model = Model(options: StateOptions(max: 20, ttl: 50, isPersistent: true))
        var now = 1_000.0
        var table = try store.declare("t", model.options, at: now)
        var refusals = 0
        for step in 0..<1_500 {
            now += Double.random(in: 0...2, using: &random)
            let number = Int64.random(in: 0..<40, using: &random)
            let key: StateKey = Bool.random(using: &random) ? .integer(number) : .bytes(Array("\(number)".utf8))
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<60:
                let count = Int.random(in: 0...200, using: &random)
                let value: StateValue = count > 190 ? .number(0.5) : .bytes(.init(repeating: 7, count: count))
                let isWritten = store.write(key, value, to: table, at: now)
                #expect(isWritten == model.write(key, value, now, limit: limit), "step \(step)")
                refusals += isWritten ? 0 : 1
            case 60..<75:
                table.remove(key)
                model.entries.removeAll { $0.key == key }
            case 75..<96:
                model.settle(now)
                #expect(table.value(key, at: now) == model.entries.first { $0.key == key }?.value, "step \(step)")
            case 96: now -= Double.random(in: 0...30, using: &random)
            case 97, 98:
                model.options.max = Int.random(in: 1...40, using: &random)
                model.options.ttl = [nil, 20, 100].randomElement(using: &random) ?? nil
                model.options.isPersistent = Int.random(in: 0..<4, using: &random) > 0
                model.settle(now)
                store.claim(["t": model.options], at: now)
            default:
                // The process ends, and another one begins; what is not kept is gone.
                model.settle(now)
                table.removeExpired(at: now)
                if !model.options.isPersistent { model.entries = [] }
                store = StateStore(storage: shelf, limit: limit)
                table = try store.declare("t", model.options, at: now)
                // Among entries of one moment the keys decide.
                model.entries.sort { ($0.written, $0.key) < ($1.written, $1.key) }
            }
            model.settle(now)
            table.removeExpired(at: now)
            var found: [StateKey: StateValue] = [:]
            var keys: [StateKey] = []
            table.visit {
                keys.append($0)
                found[$0] = $1
            }
            #expect(keys == keys.sorted())
            #expect(found == Dictionary(uniqueKeysWithValues: model.entries.map { ($0.key, $0.value) }), "step \(step)")
            #expect(table.count == model.entries.count)
            #expect(store.bytes == model.size)
            let kept = (shelf.kept["t"] ?? [:]).mapValues(\.value)
            #expect(kept == (model.options.isPersistent ? found : [:]), "step \(step)")
        }
        #expect(refusals > 0, "the limit was never reached")
    }

    @Test func `what was kept is there for the next process, the expired and the surplus is not, and leaves the disk`()
        throws
    {
        let shelf = Shelf()
        let written = { (key: Int64, time: Double) in
            StateRecord(key: .integer(key), value: .boolean(true), written: time)
        }
        for record in [written(1, 10), written(2, 40), written(3, 45), written(4, 46), written(5, 1_000)] {
            shelf.kept["t", default: [:]][record.key] = record
        }
        let options = StateOptions(max: 3, ttl: 50, isPersistent: true)
        let table = try StateStore(storage: shelf).declare("t", options, at: 60)
        var keys: [StateKey] = []
        table.visit { key, _ in keys.append(key) }
        #expect(keys == [.integer(3), .integer(4), .integer(5)])
        #expect(shelf.kept["t"]?.keys.sorted() == keys)
        // One of the future counts as written now.
        #expect(table.value(.integer(5), at: 109) != nil)
        #expect(table.value(.integer(5), at: 110) == nil)
    }

    @Test func `a state that becomes persistent is kept from then on, and what the disk had of it is forgotten`() throws
    {
        let shelf = Shelf()
        shelf.kept["t"] = [.integer(9): StateRecord(key: .integer(9), value: .boolean(true), written: 1)]
        let store = StateStore(storage: shelf)
        let table = try store.declare("t", StateOptions(), at: 10)
        #expect(store.write(.integer(1), .boolean(false), to: table, at: 10))
        #expect(shelf.kept["t"]?.keys.sorted() == [.integer(9)])
        store.claim(["t": StateOptions(isPersistent: true)], at: 10)
        #expect(shelf.kept["t"]?.keys.sorted() == [.integer(1)])
        store.claim(["t": StateOptions()], at: 10)
        #expect(shelf.kept["t"] == nil)
        #expect(table.count == 1)
    }

    @Test func `a persistent state that is dropped stays on disk, and is there when it is declared again`() throws {
        let shelf = Shelf()
        let store = StateStore(storage: shelf)
        let options = StateOptions(isPersistent: true)
        let table = try store.declare("t", options, at: 10)
        #expect(store.write(.integer(1), .boolean(false), to: table, at: 10))
        store.claim([:], at: 10)
        #expect(store.names == [])
        #expect(try store.declare("t", options, at: 10).value(.integer(1), at: 10) == .boolean(false))
    }

    @Test func `a storage that fails makes the declaration fail, of a state that is there too`() throws {
        let shelf = Shelf()
        shelf.isBroken = true
        let store = StateStore(storage: shelf)
        #expect(throws: StateStorageError.self) { try store.declare("t", StateOptions(isPersistent: true), at: 1) }
        _ = try store.declare("other", StateOptions(), at: 1)
        #expect(throws: StateStorageError.self) { try store.declare("other", StateOptions(isPersistent: true), at: 1) }
    }
}

extension StateStore {
    /// Loads scripts that declare one state and do nothing else.
    fileprivate func declare(_ name: String, _ options: StateOptions, at time: Double) throws -> StateTable {
        try self.fetching { fetched in
            let load = self.beginLoad(fetched: fetched)
            let table = load.table(name, options, at: time)
            guard load.missing.isEmpty else { throw MissingStates(names: load.missing.sorted()) }
            load.accept([name: options], at: time)
            return table
        }
    }
}
