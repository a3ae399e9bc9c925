// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import GRDB
import RelayHooks
import ScriptStateSQLite
import TestSupport
import Testing

/// Files that a database opens, and files that it must not touch.
@Suite(.timeLimit(.minutes(15))) struct ScriptStateFileTests {
    private func failure(of path: String) -> String? {
        do throws(StateStorageError) {
            let database = makeDatabase(path)
            _ = try entries(database, "t")
            database.close()
            return nil
        } catch {
            return error.description
        }
    }

    /// What the first releases wrote, which had no table of migrations.
    private func makeFirstLayout(_ path: String) throws {
        let database = try DatabaseQueue(path: path)
        try database.writeWithoutTransaction {
            try $0.execute(
                sql: """
                    CREATE TABLE entry (
                        state TEXT NOT NULL,
                        key BLOB NOT NULL,
                        kind INTEGER NOT NULL,
                        value,
                        written REAL NOT NULL,
                        PRIMARY KEY (state, key)
                    ) WITHOUT ROWID;
                    PRAGMA application_id = 1282761074;
                    PRAGMA user_version = 1;
                    INSERT INTO entry VALUES ('t', x'41', 2, 7, 3.5), ('t', 5, 4, x'00FF', 4), ('u', 1, 1, NULL, 1);
                    """
            )
        }
        try database.close()
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }

    @Test func `opens a file of the first layout, keeps its entries, and leaves it readable for the first program`()
        throws
    {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let path = "\(folder.path)/state.sqlite"
        try self.makeFirstLayout(path)
        let old = [
            StateRecord(key: .bytes([0x41]), value: .integer(7), written: 3.5),
            StateRecord(key: .integer(5), value: .bytes([0, 255]), written: 4),
        ]
        let first = makeDatabase(path)
        #expect(try entries(first, "t") == old)
        #expect(try entries(first, "u").map(\.value) == [.boolean(true)])
        first.take(put(.integer(6), .boolean(false), written: 5))
        first.close()
        let second = makeDatabase(path)
        #expect(try entries(second, "t").dropLast() == old[...])
        #expect(try entries(second, "t").last?.key == .integer(6))
        second.close()
        // What the first program checks, and a later one.
        let database = try DatabaseQueue(path: path)
        let (mark, version, steps) = try database.read { database in
            (
                try Int.fetchOne(database, sql: "PRAGMA application_id"),
                try Int.fetchOne(database, sql: "PRAGMA user_version"),
                try String.fetchAll(database, sql: "SELECT identifier FROM grdb_migrations")
            )
        }
        #expect(mark == 1_282_761_074 && version == 1 && steps == ["1 entries"])
        try database.close()
    }

    // MARK: Files that cannot be used

    @Test func `rejects a file that is not a database, and does not change it`() throws {
        let text = String(repeating: "these are my recipes\n", count: 100)
        let folder = try TemporaryFolder(["state.sqlite": text])
        defer { folder.remove() }
        let path = "\(folder.path)/state.sqlite"
        #expect(
            self.failure(of: path)
                == "cannot keep states in '\(path)': it is not a database; move it away, or name another folder with --data"
        )
        #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    }

    @Test func `rejects the databases of another program and of a newer luar, and does not change them`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let path = "\(folder.path)/state.sqlite"
        for (sql, expected) in [
            ("CREATE TABLE recipes (name TEXT)", "it is the database of another program; move it away"),
            (
                "PRAGMA application_id = 1282761074; PRAGMA user_version = 2",
                "a newer luar wrote it (schema 2, this one knows 1); run that one"
            ),
            (
                """
                PRAGMA application_id = 1282761074; PRAGMA user_version = 1;
                CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
                INSERT INTO grdb_migrations VALUES ('1 entries'), ('2 later'), ('3 later')
                """, "a newer luar wrote it (schema 3, this one knows 1); run that one"
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
    func `rejects an entry of an unknown kind`(columns: String) throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let path = folder.path + "/state.sqlite"
        let database = makeDatabase(path)
        database.take(put(.integer(1), .integer(1)))
        database.close()
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
        let damaged = makeDatabase(path)
        defer { damaged.close() }
        let error = #expect(throws: StateStorageError.self) { try entries(damaged, "t") }
        #expect(error?.description.contains("an entry of state 't' is of no known kind") == true, "\(error as Any)")
    }

    @Test func `rejects a damaged database, and does not change it`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let path = "\(folder.path)/state.sqlite"
        let database = makeDatabase(path)
        for key in 0..<2_000 { database.take(put(.integer(Int64(key)), .bytes(.init(repeating: 1, count: 40)))) }
        database.close()
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        // The middle of the file, which is full of pages of the table.
        for index in stride(from: bytes.count / 2, to: bytes.count / 2 + 8_192, by: 3) { bytes[index] = 0xA5 }
        try bytes.write(to: URL(fileURLWithPath: path))
        let failure = try #require(self.failure(of: path))
        #expect(failure.hasPrefix("cannot keep states in '\(path)': it is damaged ("))
        #expect(failure.hasSuffix("; move it away or bring back a copy, or name another folder with --data"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes)
    }

    @Test func `rejects a database that is open elsewhere, until it is closed`() throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let path = "\(folder.path)/state.sqlite"
        let first = makeDatabase(path)
        first.take(put(.integer(1), .integer(1)))
        _ = try entries(first, "t")
        #expect(
            self.failure(of: path)
                == "cannot keep states in '\(path)': another process has it open; stop that one, "
                + "or name another folder with --data"
        )
        first.close()
        #expect(self.failure(of: path) == nil)
    }

    @Test func `rejects a link, a folder, and a path below a file`() throws {
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
    func `reports a read-only disk when the file is opened`() throws {
        let disk = try #require(SmallDisk(kilobytes: 512))
        defer { disk.remove() }
        let path = "\(disk.path)/state.sqlite"
        #expect(self.failure(of: path) == nil)
        try #require(disk.remount(isReadOnly: true))
        let failure = try #require(self.failure(of: path))
        #expect(failure.contains("Read-only file system; make it writable, or name another folder with --data"))
    }
}
