// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// The states of scripts, which outlive the engine that runs them.
///
/// Engines that are made one after the other with the same store find the entries; only the last one may run. What scripts
/// declare counts once their load is accepted (``StateLoad``). Confined to the script loop; it does no I/O itself.
public final class StateStore {
    /// What all entries count, at most ``limit``.
    public var bytes: Int { self.tables.values.reduce(0) { $0 + $1.bytes } }
    /// The most that all entries may count.
    public let limit: Int

    let storage: (any StateStorage)?
    private var tables: [String: StateTable] = [:]

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

    /// Begins a load of scripts.
    ///
    /// - Parameter fetched: The records of persistent states that are not in memory.
    /// - Returns: The states as that load sees them.
    func beginLoad(fetched: [String: [StateRecord]]) -> StateLoad { StateLoad(of: self, fetched: fetched) }

    func existing(_ name: String) -> StateTable? { self.tables[name] }

    /// Whether the records of a persistent state have to be fetched before scripts that declare it are loaded.
    func isMissing(_ name: String) -> Bool {
        // The state may be there without being kept: then the fetch shows whether it can be.
        self.storage != nil && self.tables[name]?.options.isPersistent != true
    }

    /// Of some persistent states those whose records have to be fetched, sorted.
    public func missing(of names: some Sequence<String>) -> [String] {
        Set(names).filter { self.isMissing($0) }.sorted()
    }

    /// Runs a load of scripts, and again with what it misses, until it misses nothing.
    ///
    /// It waits for the storage, so it is for tests and tools. A relay fetches on another thread, by
    /// ``StateStorage/fetch(_:)``.
    ///
    /// - Parameter load: Loads scripts with the records that were fetched.
    /// - Returns: What the load returned.
    /// - Throws: ``StateStorageError`` if the storage cannot be read, and what the load throws.
    public func fetching<Result>(_ load: (_ fetched: [String: [StateRecord]]) throws -> Result) throws -> Result {
        var fetched: [String: [StateRecord]] = [:]
        for _ in 1..<StateLimits.fetches {
            do {
                return try load(fetched)
            } catch let missing as MissingStates {
                let more = try self.storage?.fetch(missing.names) ?? [:]
                fetched.merge(more) { _, new in new }
            }
        }
        return try load(fetched)
    }

    /// What the entries count of all states but some.
    func bytes(without names: some Sequence<String>) -> Int {
        names.reduce(self.bytes) { $0 - (self.tables[$1]?.bytes ?? 0) }
    }

    func replace(_ name: String, with table: StateTable) { self.tables[name] = table }

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
    }

    /// Writes an entry, unless that is too much for all states together.
    ///
    /// - Returns: Whether it was written.
    func write(_ key: StateKey, _ value: StateValue, to table: StateTable, at time: Double) -> Bool {
        table.removeExpired(at: time)
        if self.bytes + table.growth(key, value) > self.limit {
            for other in self.tables.values { other.removeExpired(at: time) }
            guard self.bytes + table.growth(key, value) <= self.limit else { return false }
        }
        table.write(key, value, at: time)
        return true
    }
}
