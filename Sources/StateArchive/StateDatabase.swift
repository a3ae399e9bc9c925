// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Dispatch
public import RelayHooks
internal import Synchronization

/// Keeps states in an SQLite database, on a thread of its own.
///
/// Nothing is opened or made before a script asks for a state that persists. Changes are written together, one transaction
/// for all that came within ``delay``. What cannot be written waits, and is tried again.
public final class StateDatabase: StateStorage, Sendable {
    /// What happened that an operator should know.
    public enum Event: Sendable, Equatable {
        /// Changes could not be written, and wait; told once until ``restored``.
        case failed(reason: String)
        /// They are written now.
        case restored
        /// The database was closed before so many changes could be written.
        case lost(changes: Int)
    }

    private struct Waiting {
        var changes = PendingChanges()
        var isScheduled = false
        /// Who waits for the next write, which is then to survive a loss of power.
        var syncs: [@Sendable (Bool) -> Void] = []
        var isSyncScheduled = false
        var isClosed = false
    }

    private let waiting = Mutex(Waiting())
    /// The open file, and whether the last write to it failed.
    private let file = Mutex<(open: StateFile?, isFailing: Bool)>((nil, false))
    private let queue = DispatchQueue(label: "state archive")
    private let delay: DispatchTimeInterval
    private let locate: @Sendable () throws(StateStorageError) -> String
    private let report: @Sendable (Event) -> Void

    /// Makes a database that is not open.
    ///
    /// - Parameters:
    ///   - delay: How long changes are collected, and how long a failed write waits for the next one, in milliseconds.
    ///   - locate: Says which file it is, and makes the file's folder; called once it is needed.
    ///   - report: Takes events, on the database's thread.
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
        try self.wait {
            Result { () throws(StateStorageError) in
                var all: [String: [StateRecord]] = [:]
                for name in names {
                    let records = try self.open().records(of: name)
                    all[name] = self.waiting.withLock { $0.changes.apply(to: records, of: name) }
                }
                return all
            }
        }
        .get()
    }

    /// Takes a change.
    public func take(_ change: StateChange) { self.note { $0.note(change) } }

    /// Forgets a state.
    public func clear(_ state: String) { self.note { $0.clear(state) } }

    /// Writes what was taken so far, and calls `done` on the database's thread when that is on disk.
    public func sync(_ state: String, done: @escaping @Sendable (Bool) -> Void) {
        // Changes of all states are written together.
        let (isClosed, mustSchedule) = self.waiting.withLock { waiting in
            guard !waiting.isClosed else { return (true, false) }
            waiting.syncs.append(done)
            defer { waiting.isSyncScheduled = true }
            return (false, !waiting.isSyncScheduled)
        }
        if isClosed { done(false) }
        if mustSchedule { self.queue.async { self.write() } }
    }

    /// Writes what waits, and waits for that.
    public func flush() { self.wait { self.write() } }

    /// Writes what waits and closes the file; what cannot be written now is lost.
    public func close() {
        self.wait {
            self.write()
            let (lost, late) = self.waiting.withLock { waiting in
                waiting.isClosed = true
                defer { waiting.syncs = [] }
                return (waiting.changes.count, waiting.syncs)
            }
            for done in late { done(false) }
            if lost > 0 { self.report(.lost(changes: lost)) }
            self.file.withLock { file in
                file.open?.close()
                file = (nil, false)
            }
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
        self.queue.asyncAfter(deadline: .now() + self.delay) { [weak self] in self?.write(isScheduled: true) }
    }

    // MARK: On the queue

    private func open() throws(StateStorageError) -> StateFile {
        if let file = self.file.withLock({ $0.open }) { return file }
        let file = try StateFile(try self.locate())
        self.file.withLock { $0.open = file }
        return file
    }

    /// - Parameter isScheduled: Whether this is the write that was scheduled for the changes that wait.
    private func write(isScheduled: Bool = false) {
        let (changes, syncs) = self.waiting.withLock { waiting in
            if isScheduled { waiting.isScheduled = false }
            waiting.isSyncScheduled = false
            defer { (waiting.changes, waiting.syncs) = (PendingChanges(), []) }
            return (waiting.changes, waiting.syncs)
        }
        guard !changes.isEmpty || !syncs.isEmpty else { return }
        let wasFailing = self.file.withLock { $0.isFailing }
        do throws(StateStorageError) {
            try self.open().write(changes, isDurable: !syncs.isEmpty)
            self.file.withLock { $0.isFailing = false }
            if wasFailing { self.report(.restored) }
            for done in syncs { done(true) }
        } catch {
            self.file.withLock { $0.isFailing = true }
            let mustSchedule = self.waiting.withLock { waiting in
                waiting.changes.restore(changes)
                defer { waiting.isScheduled = true }
                return !waiting.isScheduled
            }
            if mustSchedule { self.schedule() }
            if !wasFailing { self.report(.failed(reason: error.description)) }
            for done in syncs { done(false) }
        }
    }

    /// Runs something on the queue's own thread, and waits for it.
    private func wait<Answer: Sendable>(_ body: @escaping @Sendable () -> Answer) -> Answer {
        let answer = Answered<Answer>()
        self.queue.async {
            answer.value.withLock { $0 = body() }
            answer.done.signal()
        }
        answer.done.wait()
        guard let value = answer.value.withLock({ $0 }) else { preconditionFailure("the queue lost its work") }
        return value
    }

    /// What a thread waits for.
    private final class Answered<Answer: Sendable>: Sendable {
        let value = Mutex<Answer?>(nil)
        let done = DispatchSemaphore(value: 0)
    }
}
