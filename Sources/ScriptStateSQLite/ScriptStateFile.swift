// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
internal import GRDB
internal import OwnedFiles
internal import RelayHooks

/// The database file: one table with the entries of all states.
///
/// It is locked while it is open, so a second relay cannot write to it. A file of another program, or a damaged one, is not
/// changed.
struct ScriptStateFile {
    /// Marks the file as ours, in the header field that SQLite has for it: `Luar`.
    fileprivate static let application: Int32 = 0x4C75_6172
    /// The schema's version; files have it in SQLite's `user_version`.
    private static var version: Int { self.migrator.migrations.count }

    /// The schema, as steps from each version to the next.
    ///
    /// A step is never changed once a release has it; a new schema adds one, which also sets `user_version`.
    private static let migrator: DatabaseMigrator = {
        var migrator = DatabaseMigrator()
        // Files that were made before there were steps have the table already.
        migrator.registerMigration("1 entries", foreignKeyChecks: .immediate) { database in
            try database.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS entry (
                        state TEXT NOT NULL,
                        key BLOB NOT NULL,
                        kind INTEGER NOT NULL,
                        value,
                        written REAL NOT NULL,
                        PRIMARY KEY (state, key)
                    ) WITHOUT ROWID;
                    PRAGMA user_version = 1;
                    """
            )
        }
        return migrator
    }()

    let path: String
    private let database: DatabaseQueue

    /// Opens the file, creates it if necessary, brings its schema up to date, and checks that it is sound and can be written.
    ///
    /// - Parameter path: The file, in a folder that exists.
    /// - Throws: ``StateStorageError`` with what is wrong and what to do.
    init(_ path: String) throws(StateStorageError) {
        self.path = path
        do {
            try Self.makeFile(path)
            var configuration = Configuration()
            configuration.label = "script states"
            // One that is being stopped is waited for, one that runs is not.
            configuration.busyMode = .timeout(1)
            // Before anything is read: then there is no file of shared memory either.
            configuration.prepareDatabase { try $0.execute(sql: "PRAGMA locking_mode = EXCLUSIVE") }
            let database = try DatabaseQueue(path: path, configuration: configuration)
            try database.writeWithoutTransaction { try Self.prepare($0, path) }
            try Self.migrator.migrate(database)
            self.database = database
        } catch let error as StateStorageError {
            throw error
        } catch {
            throw Self.describe(error, path)
        }
    }

    /// SQLite would make a file that others may read.
    private static func makeFile(_ path: String) throws {
        do {
            Foundation.close(try OwnedFile.open(path, O_RDWR | O_CREAT, privacy: .owner))
        } catch {
            throw self.refusal(path, error.reason, "make it writable")
        }
        // SQLite opens these by their names.
        for name in ["\(path)-wal", "\(path)-journal"] {
            do {
                try OwnedFile.check(name, privacy: .owner)
            } catch {
                throw self.refusal(name, error.reason, "make it writable")
            }
        }
    }

    /// Checks the file before anything in it is changed, and marks it as ours.
    private static func prepare(_ database: Database, _ path: String) throws {
        let application = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        let tables = try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM sqlite_master") ?? 0
        let isEmpty = application == 0 && version == 0 && tables == 0
        guard isEmpty || application == self.application else {
            throw self.refusal(path, "it is the database of another program", "move it away")
        }
        let unknown = try self.migrator.appliedIdentifiers(database).subtracting(self.migrator.migrations)
        guard version <= self.version, unknown.isEmpty else {
            throw self.refusal(
                path,
                "a newer luar wrote it (schema \(max(version, self.version + unknown.count)), this one knows \(self.version))",
                "run that one"
            )
        }
        let check = try String.fetchOne(database, sql: "PRAGMA quick_check(1)") ?? ""
        guard check == "ok" else { throw self.corrupt(path, check) }
        _ = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
        try database.execute(sql: "PRAGMA synchronous = NORMAL")
        // Written whether or not it is new, so that a file that cannot be written is reported now. Before the migrations: a
        // file with tables and without the mark would be another program's.
        try database.inTransaction(.immediate) {
            try database.execute(sql: "PRAGMA application_id = \(self.application)")
            return .commit
        }
    }

    /// Closes the file; waits for accesses that are under way.
    func close() { try? self.database.close() }

    // MARK: Accesses, one after the other

    /// Reads, after the accesses that were queued before.
    func read<Answer>(
        _ body: (Access) throws(StateStorageError) -> Answer
    ) throws(StateStorageError) -> Answer {
        let result = self.database.writeWithoutTransaction { database in
            Result { () throws(StateStorageError) in try body(Access(database: database, path: self.path)) }
        }
        return try result.get()
    }

    /// Queues an access that writes, and returns at once.
    func write(_ body: @escaping @Sendable (Access) -> Void) {
        self.database.asyncWriteWithoutTransaction { body(Access(database: $0, path: self.path)) }
    }

    /// Returns once all queued accesses have ended.
    func waitForWrites() { self.database.writeWithoutTransaction { _ in } }

    /// The open file, for the one who has access to it.
    struct Access {
        fileprivate let database: Database
        fileprivate let path: String
    }

    // MARK: What is wrong

    private static func refusal(_ path: String, _ reason: String, _ remedy: String) -> StateStorageError {
        StateStorageError("cannot keep states in '\(path)': \(reason); \(remedy), or name another folder with --data")
    }

    fileprivate static func corrupt(_ path: String, _ detail: String) -> StateStorageError {
        self.refusal(path, "it is damaged (\(detail))", "move it away or bring back a copy")
    }

    fileprivate static func describe(_ error: any Error, _ path: String) -> StateStorageError {
        guard let error = error as? DatabaseError else { return self.refusal(path, "\(error)", "solve that problem") }
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return self.refusal(path, "another process has it open", "stop that one")
        case .SQLITE_NOTADB: return self.refusal(path, "it is not a database", "move it away")
        case .SQLITE_CORRUPT: return self.corrupt(path, error.message ?? "")
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_CANTOPEN:
            return self.refusal(path, "it cannot be written", "make it and its folder writable")
        case .SQLITE_FULL: return self.refusal(path, "the disk is full", "free some space")
        default: return self.refusal(path, error.message ?? "\(error.resultCode)", "check the disk")
        }
    }
}

extension ScriptStateFile.Access {
    /// All entries of a state, the oldest first.
    func records(of state: String) throws(StateStorageError) -> [StateRecord] {
        do {
            let rows = try Row.fetchCursor(
                self.database,
                sql: "SELECT key, kind, value, written FROM entry WHERE state = ? ORDER BY written, key",
                arguments: [state]
            )
            var records: [StateRecord] = []
            while let row = try rows.next() {
                // As values of any type: a file that somebody changed may have others than ours.
                guard let key = StateKey(row[0] as DatabaseValue),
                    case .int64(let kind) = (row[1] as DatabaseValue).storage,
                    let value = StateValue(kind: Int(kind), row[2] as DatabaseValue),
                    let written = Double.fromDatabaseValue(row[3] as DatabaseValue), written.isFinite
                else { throw ScriptStateFile.corrupt(self.path, "an entry of state '\(state)' is of no known kind") }
                records.append(StateRecord(key: key, value: value, written: written))
            }
            return records
        } catch let error as StateStorageError {
            throw error
        } catch {
            throw ScriptStateFile.describe(error, self.path)
        }
    }

    /// Makes all changes, or none.
    ///
    /// - Parameters:
    ///   - pending: The changes.
    ///   - isDurable: Whether these changes and all earlier ones must survive a loss of power once this returns.
    /// - Throws: ``StateStorageError`` with what is wrong and what to do; nothing is changed then.
    func write(_ pending: PendingChanges, isDurable: Bool) throws(StateStorageError) {
        do {
            // With NORMAL a commit leaves fsync to the next checkpoint; with FULL it is part of the commit.
            if isDurable { try self.database.execute(sql: "PRAGMA synchronous = FULL") }
            defer { if isDurable { try? self.database.execute(sql: "PRAGMA synchronous = NORMAL") } }
            try self.database.inTransaction(.immediate) {
                try self.make(pending)
                // A commit without a change would not reach the disk.
                if isDurable {
                    try self.database.execute(sql: "PRAGMA application_id = \(ScriptStateFile.application)")
                }
                return .commit
            }
        } catch {
            throw ScriptStateFile.describe(error, self.path)
        }
    }

    private func make(_ pending: PendingChanges) throws {
        let clear = try self.database.cachedStatement(sql: "DELETE FROM entry WHERE state = ?")
        let remove = try self.database.cachedStatement(sql: "DELETE FROM entry WHERE state = ? AND key = ?")
        let put = try self.database.cachedStatement(sql: "INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?)")
        for (name, state) in pending.states {
            if state.isCleared { try clear.execute(arguments: [name]) }
            for (key, change) in state.changes {
                guard let record = change.record else {
                    try remove.execute(arguments: [name, key.databaseValue])
                    continue
                }
                let (kind, value) = record.value.stored
                try put.execute(arguments: [name, key.databaseValue, kind, value, record.written])
            }
        }
    }
}

/// The kind of a stored value, for the differences that SQLite's own types do not have.
private enum Kind: Int {
    case no
    case yes
    case integer
    case number
    case bytes
}

extension StateKey {
    fileprivate init?(_ stored: DatabaseValue) {
        switch stored.storage {
        case .int64(let number): self = .integer(number)
        case .blob(let bytes): self = .bytes(Array(bytes))
        default: return nil
        }
    }

    fileprivate var databaseValue: DatabaseValue {
        switch self {
        case .integer(let number): number.databaseValue
        case .bytes(let bytes): Data(bytes).databaseValue
        }
    }
}

extension StateValue {
    fileprivate init?(kind: Int, _ stored: DatabaseValue) {
        switch (Kind(rawValue: kind), stored.storage) {
        case (.no, _): self = .boolean(false)
        case (.yes, _): self = .boolean(true)
        case (.integer, .int64(let number)): self = .integer(number)
        case (.number, .double(let number)): self = .number(number)
        // SQLite stores NaN as NULL.
        case (.number, .null): self = .number(.nan)
        case (.bytes, .blob(let bytes)): self = .bytes(Array(bytes))
        default: return nil
        }
    }

    fileprivate var stored: (kind: Int, value: DatabaseValue) {
        switch self {
        case .boolean(let flag): ((flag ? Kind.yes : .no).rawValue, .null)
        case .integer(let number): (Kind.integer.rawValue, number.databaseValue)
        case .number(let number): (Kind.number.rawValue, number.databaseValue)
        case .bytes(let bytes): (Kind.bytes.rawValue, Data(bytes).databaseValue)
        }
    }
}
