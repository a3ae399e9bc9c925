// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayHooks
import ScriptStateSQLite
import Synchronization

/// What a database reported.
final class Events: Sendable {
    private let all = Mutex<[ScriptStateDatabase.Event]>([])
    var seen: [ScriptStateDatabase.Event] { self.all.withLock { $0 } }
    func add(_ event: ScriptStateDatabase.Event) { self.all.withLock { $0.append(event) } }
}

/// A database that writes only when a test asks for it.
func makeDatabase(_ path: String, _ events: Events = Events()) -> ScriptStateDatabase {
    ScriptStateDatabase(delay: 3_600_000, at: { path }, report: { events.add($0) })
}

/// A change of state `t` that sets an entry.
func put(_ key: StateKey, _ value: StateValue, written: Double = 1, isNew: Bool = true) -> StateChange {
    let record = StateRecord(key: key, value: value, written: written)
    return StateChange(state: "t", key: key, record: record, isNew: isNew)
}

/// What is kept of one state.
func entries(_ database: ScriptStateDatabase, _ state: String) throws(StateStorageError) -> [StateRecord] {
    try database.fetch([state])[state] ?? []
}
