// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import RelayHooks

/// Changes that are not on disk yet: of each key only the last one.
///
/// Of a key that never was on disk a removal is forgotten, so at no time are there more changes than entries in memory and
/// on disk together, however long the disk fails.
struct PendingChanges {
    struct Change {
        /// What the entry is now; nil if it is gone.
        var record: StateRecord?
        /// Whether the disk may have the key.
        var mayBeOnDisk: Bool
    }

    /// What is to be done about one state: first everything is removed, if so, then the changes are made.
    struct State {
        var isCleared = false
        var changes: [StateKey: Change] = [:]
    }

    private(set) var states: [String: State] = [:]

    var isEmpty: Bool { self.states.isEmpty }

    var count: Int { self.states.values.reduce(0) { $0 + $1.changes.count + ($1.isCleared ? 1 : 0) } }

    mutating func note(_ change: StateChange) {
        var state = self.states.removeValue(forKey: change.state) ?? State()
        let mayBeOnDisk = state.changes[change.key]?.mayBeOnDisk ?? (!change.isNew && !state.isCleared)
        let isNothing = change.record == nil && !mayBeOnDisk
        state.changes[change.key] = isNothing ? nil : Change(record: change.record, mayBeOnDisk: mayBeOnDisk)
        if state.isCleared || !state.changes.isEmpty { self.states[change.state] = state }
    }

    mutating func clear(_ state: String) { self.states[state] = State(isCleared: true) }

    /// Takes back what could not be written; what was noted meanwhile is newer.
    mutating func restore(_ older: PendingChanges) {
        for (name, old) in older.states {
            guard let newer = self.states[name] else {
                self.states[name] = old
                continue
            }
            guard !newer.isCleared else { continue }
            var both = old
            for (key, change) in newer.changes {
                let mayBeOnDisk = old.changes[key]?.mayBeOnDisk ?? (change.mayBeOnDisk && !old.isCleared)
                let isNothing = change.record == nil && !mayBeOnDisk
                both.changes[key] = isNothing ? nil : Change(record: change.record, mayBeOnDisk: mayBeOnDisk)
            }
            self.states[name] = both
        }
    }

    /// Applies the changes of a state to what the disk has of it.
    func apply(to records: [StateRecord], of state: String) -> [StateRecord] {
        guard let pending = self.states[state] else { return records }
        var all: [StateKey: StateRecord] = [:]
        if !pending.isCleared { for record in records { all[record.key] = record } }
        for (key, change) in pending.changes { all[key] = change.record }
        return all.values.sorted { ($0.written, $0.key) < ($1.written, $1.key) }
    }
}
