// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import GRDB
import RelayHooks
import ScriptStateSQLite
import Synchronization
import TestSupport
import Testing

/// The database with real files.
@Suite(.timeLimit(.minutes(15))) struct ScriptStateDatabaseTests {
    @Test func `every kind of key and value comes back from the disk as it was`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let values: [StateValue] = [
            .boolean(true), .boolean(false), .integer(.min), .integer(7), .number(7), .number(-0.0), .number(.infinity),
            .number(.leastNonzeroMagnitude), .bytes([]), .bytes([0, 255, 10]), .bytes(Array("7".utf8)),
        ]
        let keys: [StateKey] = [.integer(1), .bytes(Array("1".utf8)), .bytes([]), .bytes([0]), .integer(.max)]
        let first = makeDatabase("\(folder.path)/state.sqlite")
        for (index, value) in values.enumerated() {
            first.take(put(.integer(Int64(100 + index)), value, written: Double(index)))
        }
        for key in keys { first.take(put(key, .boolean(true), written: 50)) }
        first.take(put(.integer(-1), .number(.nan), written: 60))
        first.close()
        let second = makeDatabase("\(folder.path)/state.sqlite")
        let records = try entries(second, "t")
        #expect(records.prefix(values.count).map(\.value) == values)
        #expect(records[5].value == .number(-0.0))
        if case .number(let zero) = records[5].value { #expect(zero.sign == .minus) }
        #expect(records.dropFirst(values.count).dropLast().map(\.key) == keys.sorted())
        let last = try #require(records.last)
        guard case .number(let number) = last.value else { return #expect(Bool(false), "\(last)") }
        #expect(number.isNaN && last.written == 60)
        #expect(try entries(second, "other").isEmpty)
        second.close()
    }

    @Test func `nothing is opened before a state is asked for, and the file is for its owner alone`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let path = "\(folder.path)/state.sqlite"
        let database = makeDatabase(path)
        database.close()
        #expect(!FileManager.default.fileExists(atPath: path))
        _ = try entries(database, "t")
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        database.close()
    }

    @Test func `what is read has in it what is not written yet`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let database = makeDatabase("\(folder.path)/state.sqlite")
        database.take(put(.integer(1), .integer(1)))
        database.take(put(.integer(2), .integer(1)))
        database.flush()
        database.take(put(.integer(1), .integer(5), written: 9, isNew: false))
        database.take(StateChange(state: "t", key: .integer(2), record: nil, isNew: false))
        database.take(put(.integer(3), .integer(6)))
        #expect(try entries(database, "t").map(\.key) == [.integer(3), .integer(1)])
        database.clear("t")
        #expect(try entries(database, "t") == [])
        database.take(put(.integer(4), .integer(7)))
        database.flush()
        #expect(try entries(database, "t").map(\.key) == [.integer(4)])
        database.close()
    }

    @Test func `changes are written by themselves`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let path = "\(folder.path)/state.sqlite"
        let database = ScriptStateDatabase(delay: 1, at: { path }, report: { _ in })
        database.take(put(.integer(1), .integer(1)))
        try poll("the entry is in a copy of the files") { try self.copy(path, in: folder) == [.integer(1)] }
        database.close()
    }

    @Test func `files that are copied while a database writes hold whole transactions`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let path = "\(folder.path)/state.sqlite"
        let database = makeDatabase(path)
        for round in 1...20 {
            for key in 1...50 {
                database.take(put(.integer(Int64(key)), .integer(Int64(round)), isNew: round == 1))
            }
            database.flush()
            // As after kill -9: the files as they are, without a word from whoever wrote them.
            #expect(try self.copy(path, in: folder).count == 50)
            let copied = makeDatabase("\(folder.path)/copy.sqlite")
            #expect(try entries(copied, "t").allSatisfy { $0.value == .integer(Int64(round)) })
            copied.close()
        }
        database.close()
    }

    /// Copies database and log as they are, and returns the copy's keys.
    private func copy(_ path: String, in folder: TemporaryFolder) throws -> [StateKey] {
        let copy = "\(folder.path)/copy.sqlite"
        for ending in ["", "-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: copy + ending)
            try? FileManager.default.copyItem(atPath: path + ending, toPath: copy + ending)
        }
        let database = makeDatabase(copy)
        defer { database.close() }
        return try entries(database, "t").map(\.key)
    }

    // MARK: Syncing

    /// Results, in the order in which they came.
    private final class Results: Sendable {
        private let all = Mutex<[Bool]>([])
        var seen: [Bool] { self.all.withLock { $0 } }
        func add(_ result: Bool) { self.all.withLock { $0.append(result) } }
    }

    @Test func `changes from before a sync are on disk when it is done`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let path = "\(folder.path)/state.sqlite"
        let database = makeDatabase(path)
        _ = try entries(database, "t")
        let copy = "\(folder.path)/copy.sqlite"
        let results = Results()
        database.take(put(.integer(1), .integer(1)))
        database.sync("t") { isStored in
            // Copied before anything else can be written.
            for end in ["", "-wal"] { try? FileManager.default.copyItem(atPath: path + end, toPath: copy + end) }
            results.add(isStored)
        }
        try poll("the sync is done") { results.seen == [true] }
        #expect(try entries(makeDatabase(copy), "t").map(\.key) == [.integer(1)])
        // Without a change since then it is done as well.
        database.sync("t") { results.add($0) }
        try poll("the second sync is done") { results.seen == [true, true] }
        // Many waiting syncs are one write, and each callback runs.
        for _ in 0..<100 { database.sync("t") { results.add($0) } }
        try poll("all are done") { results.seen.count == 102 && !results.seen.contains(false) }
        database.close()
        database.sync("t") { results.add($0) }
        #expect(results.seen.count == 103 && results.seen.last == false)
    }

    @Test func `changes and syncs do not wait while the file is being opened, and are written in order`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let path = "\(folder.path)/state.sqlite"
        let (hasBegun, mayEnd) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let database = ScriptStateDatabase(
            delay: 3_600_000,
            at: {
                hasBegun.signal()
                mayEnd.wait()
                return path
            },
            report: { _ in }
        )
        let results = Results()
        database.take(put(.integer(0), .integer(0)))
        database.sync("t") { results.add($0) }
        hasBegun.wait()
        // The disk hangs; these calls return.
        for number in 1...1_000 as ClosedRange<Int64> {
            database.take(put(.integer(number % 3), .integer(number), written: Double(number)))
            database.sync("t") { results.add($0) }
        }
        database.clear("t")
        database.take(put(.integer(4), .integer(4)))
        #expect(results.seen == [])
        mayEnd.signal()
        database.close()
        #expect(results.seen == Array(repeating: true, count: 1_001))
        let next = makeDatabase(path)
        #expect(try entries(next, "t").map(\.key) == [.integer(4)])
        next.close()
    }

    @Test(.enabled(if: SmallDisk.mayMount))
    func `a sync fails on a full disk, and its changes are written later`() throws {
        let disk = try #require(SmallDisk(kilobytes: 1_024))
        defer { disk.remove() }
        let database = makeDatabase("\(disk.path)/state.sqlite")
        _ = try entries(database, "t")
        disk.fill()
        let results = Results()
        for key in 1...100 as ClosedRange<Int64> {
            database.take(put(.integer(key), .bytes(.init(repeating: 1, count: 1_000))))
        }
        database.sync("t") { results.add($0) }
        try poll("the sync has failed") { results.seen == [false] }
        disk.free()
        database.sync("t") { results.add($0) }
        try poll("the next one is done") { results.seen == [false, true] }
        database.close()
        let next = makeDatabase("\(disk.path)/state.sqlite")
        #expect(try entries(next, "t").count == 100)
    }

    // MARK: A disk that fails later

    @Test(.enabled(if: SmallDisk.mayMount))
    func `a full disk is reported once, nothing is lost, and all is written when there is room again`() throws {
        let disk = try #require(SmallDisk(kilobytes: 1_024))
        defer { disk.remove() }
        let events = Events()
        let database = makeDatabase("\(disk.path)/state.sqlite", events)
        _ = try entries(database, "t")
        database.take(put(.integer(0), .integer(0)))
        database.flush()
        disk.fill()
        let large = StateValue.bytes(.init(repeating: 1, count: 5_000))
        for key in 1...20 as ClosedRange<Int64> {
            database.take(put(.integer(key), large))
            database.flush()
        }
        database.take(StateChange(state: "t", key: .integer(0), record: nil, isNew: false))
        database.take(StateChange(state: "t", key: .integer(1), record: nil, isNew: false))
        #expect(events.seen.count == 1)
        guard case .failed(let reason)? = events.seen.first else { return #expect(Bool(false), "\(events.seen)") }
        #expect(reason.contains("state.sqlite': the disk is full; free some space"))
        disk.free()
        database.flush()
        #expect(events.seen.dropFirst() == [.restored])
        database.close()
        let next = makeDatabase("\(disk.path)/state.sqlite")
        #expect(try entries(next, "t").map(\.key) == (2...20).map { .integer($0) })
        next.close()
    }

    @Test(.enabled(if: SmallDisk.mayMount))
    func `reports changes that cannot be written when it closes`() throws {
        let disk = try #require(SmallDisk(kilobytes: 512))
        defer { disk.remove() }
        let events = Events()
        let database = makeDatabase("\(disk.path)/state.sqlite", events)
        _ = try entries(database, "t")
        disk.fill()
        for key in 1...100 as ClosedRange<Int64> {
            database.take(put(.integer(key), .bytes(.init(repeating: 1, count: 1_000))))
        }
        database.close()
        #expect(events.seen.last == .lost(changes: 100))
    }
}
