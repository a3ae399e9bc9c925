// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// The states as one load of the scripts sees them.
///
/// Scripts read and write drafts. A draft shares its memory with the state that it was made of until one of them changes.
/// What was written counts once the load is accepted; a load that is dropped has changed nothing, neither in memory nor on
/// disk. Confined to the script loop.
final class StateLoad {
    private struct Draft {
        var table: StateTable
        var journal: StateJournal
    }

    private let store: StateStore
    private let fetched: [String: [StateRecord]]
    private var drafts: [String: Draft] = [:]
    /// Persistent states whose records are not in memory.
    private(set) var missing: Set<String> = []

    init(of store: StateStore, fetched: [String: [StateRecord]]) {
        self.store = store
        self.fetched = fetched
    }

    /// Finds a state, or makes it with what is kept of it.
    ///
    /// A persistent state without records is empty, and ``missing`` names it.
    ///
    /// - Parameters:
    ///   - name: The state's name.
    ///   - options: How it shall behave; one that exists keeps its own options until the load is accepted.
    ///   - time: Now.
    /// - Returns: The state's draft.
    func table(_ name: String, _ options: StateOptions, at time: Double) -> StateTable {
        if let draft = self.drafts[name] { return draft.table }
        let journal = StateJournal()
        let existing = self.store.existing(name)
        let table =
            existing.map { StateTable(draftOf: $0, journal: journal) } ?? StateTable(name: name, options: options)
        self.drafts[name] = Draft(table: table, journal: journal)
        guard options.isPersistent, self.store.isMissing(name) else { return table }
        guard let records = self.fetched[name] else {
            self.missing.insert(name)
            return table
        }
        // A state that is only now to be kept stays as it is in memory: fetching has shown that the storage works.
        if existing == nil {
            table.restore(records, room: max(0, self.store.limit - self.bytes), at: time, from: journal)
        }
        return table
    }

    /// What all entries count, with the drafts in place of the states that they were made of.
    private var bytes: Int {
        self.store.bytes(without: self.drafts.keys) + self.drafts.values.reduce(0) { $0 + $1.table.bytes }
    }

    /// Writes an entry, unless that is too much for all states together.
    ///
    /// - Returns: Whether it was written.
    func write(_ key: StateKey, _ value: StateValue, to table: StateTable, at time: Double) -> Bool {
        table.removeExpired(at: time)
        guard self.bytes + table.growth(key, value) <= self.store.limit else { return false }
        table.write(key, value, at: time)
        return true
    }

    /// Makes what was declared and written count.
    ///
    /// Options are applied, and states that were not declared are dropped; of those that persist, the disk keeps what it has.
    func accept(_ declared: [String: StateOptions], at time: Double) {
        for (name, draft) in self.drafts {
            let storage = self.store.storage
            let isKept = draft.table.isKept
            draft.table.leaveDraft(keptIn: isKept ? storage : nil)
            if isKept, let storage { for change in draft.journal.changes(of: name) { storage.take(change) } }
            self.store.replace(name, with: draft.table)
        }
        self.store.claim(declared, at: time)
    }
}

/// Collects the changes of a draft, of each key only the last.
///
/// It never holds more changes than the draft and the state that it was made of have entries.
final class StateJournal: StateStorage {
    private struct Change {
        var record: StateRecord?
        var isNew: Bool
    }

    private var changes: [StateKey: Change] = [:]

    func fetch(_ names: [String]) -> [String: [StateRecord]] { [:] }

    func take(_ change: StateChange) {
        let isNew = self.changes[change.key]?.isNew ?? change.isNew
        let isNothing = change.record == nil && isNew
        self.changes[change.key] = isNothing ? nil : Change(record: change.record, isNew: isNew)
    }

    func sync(_ state: String, done: @escaping @Sendable (Bool) -> Void) { done(false) }

    func clear(_ state: String) { self.changes = [:] }

    /// What the storage is to be told.
    func changes(of state: String) -> [StateChange] {
        self.changes.map { StateChange(state: state, key: $0.key, record: $0.value.record, isNew: $0.value.isNew) }
    }
}
