// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// The states of scripts, which outlive the engine that runs them.
///
/// Engines that are made one after the other with the same store find the entries. What an engine declares counts once it
/// takes the store over; until then, and if it never does, what is there keeps the options it had. Confined to the script
/// loop; it does no I/O itself.
public final class StateStore {
    /// Why the states cannot be kept, once a script has asked for that in vain.
    public private(set) var failure: StateStorageError?
    /// What all entries count, at most ``limit``.
    public var bytes: Int { self.tables.values.reduce(0) { $0 + $1.bytes } }
    /// The most that all entries may count.
    public let limit: Int

    private let storage: (any StateStorage)?
    private var tables: [String: StateTable] = [:]
    /// The states of the engine that has taken over; nil before the first.
    private var claimed: Set<String>?

    /// Makes an empty store.
    ///
    /// - Parameters:
    ///   - storage: Where states are kept that persist; nil keeps none.
    ///   - limit: What all entries may count, in bytes.
    public init(storage: (any StateStorage)? = nil, limit: Int = StateLimits.bytes) {
        self.storage = storage
        self.limit = limit
    }

    /// The names of all states, sorted.
    public var names: [String] { self.tables.keys.sorted() }

    /// Whether no engine has taken the store over.
    var isFresh: Bool { self.claimed == nil }

    /// Finds a state, or makes it with what is kept of it.
    ///
    /// - Parameters:
    ///   - name: The state's name.
    ///   - options: How it shall behave; one that is there keeps its own for the time being.
    ///   - time: Now.
    /// - Returns: The state.
    /// - Throws: ``StateStorageError`` if it shall be kept and cannot be.
    func table(_ name: String, _ options: StateOptions, at time: Double) throws(StateStorageError) -> StateTable {
        let storage = options.isPersistent ? self.storage : nil
        if let table = self.tables[name] {
            // Whether it can be kept is found out while the scripts can still be refused.
            if let storage, !table.options.isPersistent { _ = try self.records(of: name, in: storage) }
            return table
        }
        let table = StateTable(name: name, options: options)
        if let storage {
            let records = try self.records(of: name, in: storage)
            table.restore(records, room: max(0, self.limit - self.bytes), at: time, from: storage)
        }
        self.tables[name] = table
        return table
    }

    private func records(
        of state: String,
        in storage: any StateStorage
    ) throws(StateStorageError) -> [StateRecord] {
        do {
            return try storage.records(of: state)
        } catch {
            self.failure = error
            throw error
        }
    }

    /// Makes declarations count: changed options are applied to what is there, and states that are not declared any more are
    /// dropped; of those that persist, the disk keeps what it has.
    func claim(_ declared: [String: StateOptions], at time: Double) {
        for (name, table) in self.tables {
            guard let options = declared[name] else {
                self.tables[name] = nil
                continue
            }
            table.apply(options, storage: self.storage, at: time)
        }
        self.claimed = Set(declared.keys)
    }

    /// Drops states that were made for scripts which did not load in the end.
    func dropUnclaimed() {
        let claimed = self.claimed ?? []
        self.tables = self.tables.filter { claimed.contains($0.key) }
    }

    /// Writes an entry, unless that is too much for all states together.
    ///
    /// - Returns: Whether it was written.
    func write(_ key: StateKey, _ value: StateValue, to table: StateTable, at time: Double) -> Bool {
        table.settle(at: time)
        if self.bytes + table.growth(key, value) > self.limit {
            for other in self.tables.values { other.settle(at: time) }
            guard self.bytes + table.growth(key, value) <= self.limit else { return false }
        }
        table.write(key, value, at: time)
        return true
    }
}
