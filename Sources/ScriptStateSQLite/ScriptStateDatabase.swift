// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Dispatch
public import RelayHooks
internal import Synchronization

/// Keeps the states of scripts in an SQLite database.
///
/// The file is opened when a script first asks for a persistent state. Changes are collected for ``init(delay:at:report:)``'s
/// delay and written in one transaction. Changes that cannot be written stay in memory and are tried again.
///
/// Two serial queues share the work, so that no caller of ``take(_:)``, ``sync(_:done:)`` or ``clear(_:)`` waits for a disk. Ours
/// opens and closes the file and times the writes. GRDB's reads and writes; each access takes the collected changes when
/// its turn comes, so at most two writes are queued there: the scheduled one and one for all waiting syncs.
public final class ScriptStateDatabase: StateStorage, Sendable {
    /// What an operator should know.
    public enum Event: Sendable, Equatable {
        /// Changes could not be written and stay in memory; reported once until ``restored``.
        case failed(reason: String)
        /// Changes are written again.
        case restored
        /// The database was closed before this many changes could be written.
        case lost(changes: Int)
    }

    private struct Waiting {
        var changes = PendingChanges()
        var isScheduled = false
        /// Called after the next write, which must survive a loss of power.
        var syncs: [@Sendable (Bool) -> Void] = []
        var isSyncScheduled = false
        var isClosed = false
        /// Whether the last write failed.
        var isFailing = false

        /// Returns the callbacks of all waiting syncs, for the write that begins; later ones need another write.
        mutating func takeSyncs() -> [@Sendable (Bool) -> Void] {
            defer { (self.syncs, self.isSyncScheduled) = ([], false) }
            return self.syncs
        }
    }

    private let waiting = Mutex(Waiting())
    /// Changed on ``queue`` only.
    private let file = Mutex<ScriptStateFile?>(nil)
    private let queue = DispatchQueue(label: "script states")
    private let delay: DispatchTimeInterval
    private let locate: @Sendable () throws(StateStorageError) -> String
    private let report: @Sendable (Event) -> Void

    /// Makes a database that is not open.
    ///
    /// - Parameters:
    ///   - delay: How long changes are collected, and how long after a failed write the next one follows, in milliseconds.
    ///   - locate: Returns the file's path and creates its folder; called when the file is first needed.
    ///   - report: Receives events, on a thread of the database.
    public init(
        delay: Int = 1_000,
        at locate: @escaping @Sendable () throws(StateStorageError) -> String,
        report: @escaping @Sendable (Event) -> Void
    ) {
        self.delay = .milliseconds(delay)
        self.locate = locate
        self.report = report
    }

    /// Reads states; opens the file the first time, and waits for both.
    public func fetch(_ names: [String]) throws(StateStorageError) -> [String: [StateRecord]] {
        try self.queue
            .sync {
                Result { () throws(StateStorageError) in
                    try self.open()
                        .read { access throws(StateStorageError) in
                            var all: [String: [StateRecord]] = [:]
                            for name in names {
                                let records = try access.records(of: name)
                                all[name] = self.waiting.withLock { $0.changes.apply(to: records, of: name) }
                            }
                            return all
                        }
                }
            }
            .get()
    }

    /// Records a change.
    public func take(_ change: StateChange) { self.note { $0.note(change) } }

    /// Removes a state.
    public func clear(_ state: String) { self.note { $0.clear(state) } }

    /// Writes the changes recorded so far, and calls `done` on a thread of the database when they are on disk.
    public func sync(_ state: String, done: @escaping @Sendable (Bool) -> Void) {
        // Changes of all states are written together.
        let (isClosed, mustSchedule) = self.waiting.withLock { waiting in
            guard !waiting.isClosed else { return (true, false) }
            waiting.syncs.append(done)
            defer { waiting.isSyncScheduled = true }
            return (false, !waiting.isSyncScheduled)
        }
        if isClosed { done(false) }
        if mustSchedule { self.queue.async { self.startWrite() } }
    }

    /// Writes all changes, and waits for that.
    public func flush() { self.queue.sync { self.startWrite()?.waitForWrites() } }

    /// Writes all changes and closes the file; changes that cannot be written now are lost.
    public func close() {
        self.queue.sync {
            self.startWrite()?.waitForWrites()
            let (lost, late) = self.waiting.withLock { waiting in
                waiting.isClosed = true
                waiting.isFailing = false
                defer { waiting.syncs = [] }
                return (waiting.changes.count, waiting.syncs)
            }
            for done in late { done(false) }
            if lost > 0 { self.report(.lost(changes: lost)) }
            self.file.withLock { file in
                defer { file = nil }
                return file
            }?
            .close()
        }
    }

    private func note(_ body: (inout PendingChanges) -> Void) {
        let mustSchedule = self.waiting.withLock { waiting in
            body(&waiting.changes)
            defer { waiting.isScheduled = true }
            return !waiting.isScheduled
        }
        if mustSchedule { self.schedule() }
    }

    private func schedule() {
        self.queue.asyncAfter(deadline: .now() + self.delay) { [weak self] in self?.startWrite(isScheduled: true) }
    }

    // MARK: On our queue

    private func open() throws(StateStorageError) -> ScriptStateFile {
        if let file = self.file.withLock({ $0 }) { return file }
        let file = try ScriptStateFile(try self.locate())
        self.file.withLock { $0 = file }
        return file
    }

    /// Queues a write of all changes, and opens the file if necessary.
    ///
    /// - Parameter isScheduled: Whether this is the write that was scheduled for the collected changes.
    /// - Returns: The file with the queued write; nil if there is nothing to write, or the file cannot be opened.
    @discardableResult
    private func startWrite(isScheduled: Bool = false) -> ScriptStateFile? {
        let isIdle = self.waiting.withLock { waiting in
            guard waiting.changes.isEmpty, waiting.syncs.isEmpty else { return false }
            if isScheduled { waiting.isScheduled = false }
            return true
        }
        // A write that is under way may put its changes back.
        guard !isIdle else { return self.file.withLock { $0 } }
        do throws(StateStorageError) {
            let file = try self.open()
            file.write { self.write(to: $0, isScheduled: isScheduled) }
            return file
        } catch {
            let syncs = self.waiting.withLock { waiting in
                if isScheduled { waiting.isScheduled = false }
                return waiting.takeSyncs()
            }
            self.finish(PendingChanges(), syncs, .failure(error))
            return nil
        }
    }

    // MARK: On either queue

    private func write(to access: ScriptStateFile.Access, isScheduled: Bool) {
        let (changes, syncs) = self.waiting.withLock { waiting in
            // Only now: otherwise writes would pile up behind one that hangs.
            if isScheduled { waiting.isScheduled = false }
            defer { waiting.changes = PendingChanges() }
            return (waiting.changes, waiting.takeSyncs())
        }
        // An earlier write has included them.
        guard !changes.isEmpty || !syncs.isEmpty else { return }
        let result = Result { () throws(StateStorageError) in try access.write(changes, isDurable: !syncs.isEmpty) }
        self.finish(changes, syncs, result)
    }

    private func finish(
        _ changes: PendingChanges,
        _ syncs: [@Sendable (Bool) -> Void],
        _ result: Result<Void, StateStorageError>
    ) {
        var failure: StateStorageError?
        if case .failure(let error) = result { failure = error }
        let (wasFailing, mustSchedule) = self.waiting.withLock { waiting in
            defer { waiting.isFailing = failure != nil }
            guard failure != nil else { return (waiting.isFailing, false) }
            waiting.changes.restore(changes)
            defer { waiting.isScheduled = true }
            return (waiting.isFailing, !waiting.isScheduled)
        }
        if mustSchedule { self.schedule() }
        if let failure, !wasFailing { self.report(.failed(reason: failure.description)) }
        if failure == nil, wasFailing { self.report(.restored) }
        for done in syncs { done(failure == nil) }
    }
}
