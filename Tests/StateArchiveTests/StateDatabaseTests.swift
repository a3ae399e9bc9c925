// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import GRDB
import RelayHooks
import StateArchive
import Synchronization
import TestSupport
import Testing

/// The archive with real files.
@Suite(.timeLimit(.minutes(15))) struct StateDatabaseTests {
    /// What an archive reported.
    private final class Events: Sendable {
        private let all = Mutex<[StateDatabase.Event]>([])
        var seen: [StateDatabase.Event] { self.all.withLock { $0 } }
        func add(_ event: StateDatabase.Event) { self.all.withLock { $0.append(event) } }
    }

    /// An archive that writes when it is told to and at no other time.
    private func archive(_ path: String, _ events: Events = Events()) -> StateDatabase {
        StateDatabase(delay: 3_600_000, at: { path }, report: { events.add($0) })
    }

    private func put(_ key: StateKey, _ value: StateValue, written: Double = 1, isNew: Bool = true) -> StateChange {
        let record = StateRecord(key: key, value: value, written: written)
        return StateChange(state: "t", key: key, record: record, isNew: isNew)
    }

    private func failure(of path: String) -> String? {
        do throws(StateStorageError) {
            let archive = self.archive(path)
            _ = try entries(archive, "t")
            archive.close()
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `every kind of key and value comes back from the disk as it was`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let values: [StateValue] = [
            .boolean(true), .boolean(false), .integer(.min), .integer(7), .number(7), .number(-0.0), .number(.infinity),
            .number(.leastNonzeroMagnitude), .bytes([]), .bytes([0, 255, 10]), .bytes(Array("7".utf8)),
        ]
        let keys: [StateKey] = [.integer(1), .bytes(Array("1".utf8)), .bytes([]), .bytes([0]), .integer(.max)]
        let first = self.archive("\(folder.path)/state.sqlite")
        for (index, value) in values.enumerated() {
            first.take(self.put(.integer(Int64(100 + index)), value, written: Double(index)))
        }
        for key in keys { first.take(self.put(key, .boolean(true), written: 50)) }
        first.take(self.put(.integer(-1), .number(.nan), written: 60))
        first.close()
        let second = self.archive("\(folder.path)/state.sqlite")
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
        let archive = self.archive(path)
        archive.close()
        #expect(!FileManager.default.fileExists(atPath: path))
        _ = try entries(archive, "t")
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        archive.close()
    }

    @Test func `what is read has in it what is not written yet`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let archive = self.archive("\(folder.path)/state.sqlite")
        archive.take(self.put(.integer(1), .integer(1)))
        archive.take(self.put(.integer(2), .integer(1)))
        archive.flush()
        archive.take(self.put(.integer(1), .integer(5), written: 9, isNew: false))
        archive.take(StateChange(state: "t", key: .integer(2), record: nil, isNew: false))
        archive.take(self.put(.integer(3), .integer(6)))
        #expect(try entries(archive, "t").map(\.key) == [.integer(3), .integer(1)])
        archive.clear("t")
        #expect(try entries(archive, "t") == [])
        archive.take(self.put(.integer(4), .integer(7)))
        archive.flush()
        #expect(try entries(archive, "t").map(\.key) == [.integer(4)])
        archive.close()
    }

    @Test func `changes are written by themselves`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let path = "\(folder.path)/state.sqlite"
        let archive = StateDatabase(delay: 1, at: { path }, report: { _ in })
        archive.take(self.put(.integer(1), .integer(1)))
        try poll("the entry is in a copy of the files") { try self.copy(path, in: folder) == [.integer(1)] }
        archive.close()
    }

    @Test func `files that are copied while an archive writes hold whole transactions`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let path = "\(folder.path)/state.sqlite"
        let archive = self.archive(path)
        for round in 1...20 {
            for key in 1...50 {
                archive.take(self.put(.integer(Int64(key)), .integer(Int64(round)), isNew: round == 1))
            }
            archive.flush()
            // As after kill -9: the files as they are, without a word from whoever wrote them.
            #expect(try self.copy(path, in: folder).count == 50)
            let copied = self.archive("\(folder.path)/copy.sqlite")
            #expect(try entries(copied, "t").allSatisfy { $0.value == .integer(Int64(round)) })
            copied.close()
        }
        archive.close()
    }

    /// Copies database and log as they are, and returns the copy's keys.
    private func copy(_ path: String, in folder: TemporaryFolder) throws -> [StateKey] {
        let copy = "\(folder.path)/copy.sqlite"
        for ending in ["", "-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: copy + ending)
            try? FileManager.default.copyItem(atPath: path + ending, toPath: copy + ending)
        }
        let archive = self.archive(copy)
        defer { archive.close() }
        return try entries(archive, "t").map(\.key)
    }

    // MARK: Files that are not to be used

    @Test func `a file that is no database is told, and stays as it is`() throws {
        let text = String(repeating: "these are my recipes\n", count: 100)
        let folder = try TemporaryFolder(["state.sqlite": text])
        defer { folder.remove() }
        let path = "\(folder.path)/state.sqlite"
        #expect(
            self.failure(of: path)
                == "cannot keep states in '\(path)': it is no database; move it away, or name another folder with --data"
        )
        #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    }

    @Test func `another program's database, and one of a newer luar, are told and stay as they are`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let path = "\(folder.path)/state.sqlite"
        for (sql, expected) in [
            ("CREATE TABLE recipes (name TEXT)", "it is the database of another program; move it away"),
            (
                "PRAGMA application_id = 1282761074; PRAGMA user_version = 2",
                "a newer luar wrote it (schema 2, this one knows 1); run that one"
            ),
        ] {
            try? FileManager.default.removeItem(atPath: path)
            let other = try DatabaseQueue(path: path)
            try other.writeWithoutTransaction { try $0.execute(sql: sql) }
            try other.close()
            let before = try Data(contentsOf: URL(fileURLWithPath: path))
            let failure = try #require(self.failure(of: path))
            #expect(failure == "cannot keep states in '\(path)': \(expected), or name another folder with --data")
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
        }
    }

    @Test(arguments: ["NULL, NULL, NULL", "'x', 1, 1", "1.5, 1, 1", "3, 1, 'later'", "3, 1, NULL"])
    func `an entry that somebody else wrote is told`(columns: String) throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let path = folder.path + "/state.sqlite"
        let archive = self.archive(path)
        archive.take(self.put(.integer(1), .integer(1)))
        archive.close()
        let other = try DatabaseQueue(path: path)
        try other.writeWithoutTransaction {
            try $0.execute(
                sql: """
                    DROP TABLE entry; CREATE TABLE entry (state, key, kind, value, written);
                    INSERT INTO entry VALUES ('t', x'41', \(columns))
                    """
            )
        }
        try other.close()
        let damaged = self.archive(path)
        defer { damaged.close() }
        let error = #expect(throws: StateStorageError.self) { try entries(damaged, "t") }
        #expect(error?.description.contains("an entry of state 't' is of no known kind") == true, "\(error as Any)")
    }

    @Test func `a damaged database is told, and stays as it is`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let path = "\(folder.path)/state.sqlite"
        let archive = self.archive(path)
        for key in 0..<2_000 { archive.take(self.put(.integer(Int64(key)), .bytes(.init(repeating: 1, count: 40)))) }
        archive.close()
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        // The middle of the file, which is full of pages of the table.
        for index in stride(from: bytes.count / 2, to: bytes.count / 2 + 8_192, by: 3) { bytes[index] = 0xA5 }
        try bytes.write(to: URL(fileURLWithPath: path))
        let failure = try #require(self.failure(of: path))
        #expect(failure.hasPrefix("cannot keep states in '\(path)': it is damaged ("))
        #expect(failure.hasSuffix("; move it away or bring back a copy, or name another folder with --data"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes)
    }

    @Test func `a database that another archive has open is told, until that is closed`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let path = "\(folder.path)/state.sqlite"
        let first = self.archive(path)
        first.take(self.put(.integer(1), .integer(1)))
        _ = try entries(first, "t")
        #expect(
            self.failure(of: path)
                == "cannot keep states in '\(path)': another process has it open; stop that one, "
                + "or name another folder with --data"
        )
        first.close()
        #expect(self.failure(of: path) == nil)
    }

    @Test func `a link, a folder, and a place that is none are told`() throws {
        let folder = try TemporaryFolder(["real": ""])
        defer { folder.remove() }
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/link",
            withDestinationPath: "\(folder.path)/real"
        )
        for name in ["link", "lib", "real/state.sqlite"] {
            let failure = try #require(self.failure(of: "\(folder.path)/\(name)"), "\(name)")
            #expect(failure.hasSuffix("; make it writable, or name another folder with --data"))
        }
    }

    @Test(.enabled(if: SmallDisk.mayMount))
    func `a disk that can only be read is told at once`() throws {
        let disk = try #require(SmallDisk(kilobytes: 512))
        defer { disk.remove() }
        let path = "\(disk.path)/state.sqlite"
        #expect(self.failure(of: path) == nil)
        try #require(disk.remount(isReadOnly: true))
        let failure = try #require(self.failure(of: path))
        #expect(failure.contains("Read-only file system; make it writable, or name another folder with --data"))
    }

    // MARK: Syncing

    /// Results, in the order in which they came.
    private final class Results: Sendable {
        private let all = Mutex<[Bool]>([])
        var seen: [Bool] { self.all.withLock { $0 } }
        func add(_ result: Bool) { self.all.withLock { $0.append(result) } }
    }

    @Test func `what was taken before a sync is on disk when it is done`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let path = "\(folder.path)/state.sqlite"
        let archive = self.archive(path)
        _ = try entries(archive, "t")
        let copy = "\(folder.path)/copy.sqlite"
        let results = Results()
        archive.take(self.put(.integer(1), .integer(1)))
        archive.sync("t") { isStored in
            // Copied before anything else can be written.
            for end in ["", "-wal"] { try? FileManager.default.copyItem(atPath: path + end, toPath: copy + end) }
            results.add(isStored)
        }
        try poll("the sync is done") { results.seen == [true] }
        #expect(try entries(self.archive(copy), "t").map(\.key) == [.integer(1)])
        // Without a change since then it is done as well.
        archive.sync("t") { results.add($0) }
        try poll("the second sync is done") { results.seen == [true, true] }
        // Many that wait are one write, and each is told.
        for _ in 0..<100 { archive.sync("t") { results.add($0) } }
        try poll("all are done") { results.seen.count == 102 && !results.seen.contains(false) }
        archive.close()
        archive.sync("t") { results.add($0) }
        #expect(results.seen.count == 103 && results.seen.last == false)
    }

    @Test(.enabled(if: SmallDisk.mayMount))
    func `a sync on a full disk is told so, and what it was about is written later`() throws {
        let disk = try #require(SmallDisk(kilobytes: 1_024))
        defer { disk.remove() }
        let archive = self.archive("\(disk.path)/state.sqlite")
        _ = try entries(archive, "t")
        disk.fill()
        let results = Results()
        for key in 1...100 as ClosedRange<Int64> {
            archive.take(self.put(.integer(key), .bytes(.init(repeating: 1, count: 1_000))))
        }
        archive.sync("t") { results.add($0) }
        try poll("the sync has failed") { results.seen == [false] }
        disk.free()
        archive.sync("t") { results.add($0) }
        try poll("the next one is done") { results.seen == [false, true] }
        archive.close()
        let next = self.archive("\(disk.path)/state.sqlite")
        #expect(try entries(next, "t").count == 100)
    }

    // MARK: A disk that fails later

    @Test(.enabled(if: SmallDisk.mayMount))
    func `a full disk is reported once, nothing is lost, and all is written when there is room again`() throws {
        let disk = try #require(SmallDisk(kilobytes: 1_024))
        defer { disk.remove() }
        let events = Events()
        let archive = self.archive("\(disk.path)/state.sqlite", events)
        _ = try entries(archive, "t")
        archive.take(self.put(.integer(0), .integer(0)))
        archive.flush()
        disk.fill()
        let large = StateValue.bytes(.init(repeating: 1, count: 5_000))
        for key in 1...20 as ClosedRange<Int64> {
            archive.take(self.put(.integer(key), large))
            archive.flush()
        }
        archive.take(StateChange(state: "t", key: .integer(0), record: nil, isNew: false))
        archive.take(StateChange(state: "t", key: .integer(1), record: nil, isNew: false))
        #expect(events.seen.count == 1)
        guard case .failed(let reason)? = events.seen.first else { return #expect(Bool(false), "\(events.seen)") }
        #expect(reason.contains("state.sqlite': the disk is full; free some space"))
        disk.free()
        archive.flush()
        #expect(events.seen.dropFirst() == [.restored])
        archive.close()
        let next = self.archive("\(disk.path)/state.sqlite")
        #expect(try entries(next, "t").map(\.key) == (2...20).map { .integer($0) })
        next.close()
    }

    @Test(.enabled(if: SmallDisk.mayMount))
    func `what cannot be written at the end is told`() throws {
        let disk = try #require(SmallDisk(kilobytes: 512))
        defer { disk.remove() }
        let events = Events()
        let archive = self.archive("\(disk.path)/state.sqlite", events)
        _ = try entries(archive, "t")
        disk.fill()
        for key in 1...100 as ClosedRange<Int64> {
            archive.take(self.put(.integer(key), .bytes(.init(repeating: 1, count: 1_000))))
        }
        archive.close()
        #expect(events.seen.last == .lost(changes: 100))
    }
}

/// What is kept of one state.
private func entries(_ archive: StateDatabase, _ state: String) throws(StateStorageError) -> [StateRecord] {
    try archive.fetch([state])[state] ?? []
}
