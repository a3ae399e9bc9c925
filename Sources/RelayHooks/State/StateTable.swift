// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// The entries of one state: found by key, linked in the order of their last writes.
///
/// All entries last equally long, so the order of writes is the order in which they expire: what goes first, by time or for
/// room, is always the first. Confined to the script loop.
final class StateTable {
    private struct Slot {
        var record: StateRecord
        var previous: Int
        var next: Int
    }

    /// No slot.
    private static let none = -1

    let name: String
    private(set) var options: StateOptions
    /// What entries count towards the limit of all states.
    private(set) var bytes = 0
    private var slots: [Slot] = []
    private var free: [Int] = []
    private var places: [StateKey: Int] = [:]
    private var first = StateTable.none
    private var last = StateTable.none
    /// The keys in order, until one comes or goes.
    private var sorted: [StateKey]?
    /// Where changes are kept; nil while the state is not.
    private var storage: (any StateStorage)?

    init(name: String, options: StateOptions) {
        self.name = name
        self.options = options
    }

    /// Makes a draft: it has the same entries, and its changes go to a journal.
    ///
    /// Both share their memory until one of them changes.
    ///
    /// - Parameters:
    ///   - other: The state.
    ///   - journal: Takes changes, if the state is kept.
    init(draftOf other: StateTable, journal: StateJournal) {
        self.name = other.name
        self.options = other.options
        self.bytes = other.bytes
        self.slots = other.slots
        self.free = other.free
        self.places = other.places
        self.first = other.first
        self.last = other.last
        self.sorted = other.sorted
        self.storage = other.storage == nil ? nil : journal
    }

    /// Whether changes are kept.
    var isKept: Bool { self.storage != nil }

    /// Ends being a draft: further changes go to a storage.
    func leaveDraft(keptIn storage: (any StateStorage)?) { self.storage = storage }

    /// How many entries there are, expired ones included until ``removeExpired(at:)``.
    var count: Int { self.places.count }

    /// Fills an empty table with what was kept, the oldest first, and keeps it there from here on.
    ///
    /// - Parameters:
    ///   - records: What was kept.
    ///   - room: What the records may count.
    ///   - time: Now.
    ///   - storage: Where they were kept.
    func restore(_ records: [StateRecord], room: Int, at time: Double, from storage: any StateStorage) {
        for record in records { self.append(record) }
        self.storage = storage
        self.removeExpired(at: time)
        while self.bytes > room { self.removeFirst() }
        self.trim()
    }

    /// Takes other options for what is there.
    func apply(_ options: StateOptions, storage: (any StateStorage)?, at time: Double) {
        self.options = options
        self.removeExpired(at: time)
        self.trim()
        guard options.isPersistent != (self.storage != nil) else { return }
        // What the disk may have of it is older than what is here.
        (self.storage ?? storage)?.clear(self.name)
        self.storage = options.isPersistent ? storage : nil
        guard self.storage != nil else { return }
        var place = self.first
        while place != Self.none {
            self.keep(self.slots[place].record, isNew: true)
            place = self.slots[place].next
        }
    }

    // MARK: Time

    /// Removes what has expired.
    ///
    /// A clock that was set back counts for entries as if they were written now: none lasts longer than the ttl from here.
    func removeExpired(at time: Double) {
        var place = self.last
        while place != Self.none, self.slots[place].record.written > time {
            self.slots[place].record.written = time
            self.keep(self.slots[place].record, isNew: false)
            place = self.slots[place].previous
        }
        guard let ttl = self.options.ttl else { return }
        while self.first != Self.none, self.slots[self.first].record.written + ttl <= time { self.removeFirst() }
    }

    private func trim() { while self.count > self.options.max { self.removeFirst() } }

    // MARK: Entries

    func value(_ key: StateKey, at time: Double) -> StateValue? {
        self.removeExpired(at: time)
        return self.places[key].map { self.slots[$0].record.value }
    }

    /// What a write would add to ``bytes``, what goes for it counted off.
    func growth(_ key: StateKey, _ value: StateValue) -> Int {
        let size = StateRecord.size(key, value)
        if let place = self.places[key] { return size - self.slots[place].record.size }
        return self.count < self.options.max ? size : size - self.slots[self.first].record.size
    }

    /// Writes an entry; of a full state the one goes that was written longest ago.
    func write(_ key: StateKey, _ value: StateValue, at time: Double) {
        let isNew = self.places[key] == nil
        if isNew, self.count >= self.options.max { self.removeFirst() }
        let record = StateRecord(key: key, value: value, written: time)
        if let place = self.places[key] {
            self.bytes += record.size - self.slots[place].record.size
            self.slots[place].record = record
            self.unlink(place)
            self.linkLast(place)
        } else {
            self.append(record)
        }
        self.keep(record, isNew: isNew)
    }

    private func keep(_ record: StateRecord, isNew: Bool) {
        self.storage?.take(StateChange(state: self.name, key: record.key, record: record, isNew: isNew))
    }

    func remove(_ key: StateKey) {
        guard let place = self.places.removeValue(forKey: key) else { return }
        self.unlink(place)
        self.bytes -= self.slots[place].record.size
        // Its memory goes now; the slot waits for another entry.
        self.slots[place].record.value = .boolean(false)
        self.slots[place].record.key = .integer(0)
        self.free.append(place)
        self.sorted = nil
        self.storage?.take(StateChange(state: self.name, key: key, record: nil, isNew: false))
    }

    /// What ``visit(_:)`` costs, one for about 8 ns: copying the entries, and sorting them unless that was done.
    var listingCost: Int {
        let (count, bytes) = (self.count, self.bytes / 16)
        guard self.sorted == nil else { return 16 * count + bytes }
        return (16 + 4 * (Int.bitWidth - count.leadingZeroBitCount)) * count + bytes
    }

    /// All entries in the order of their keys.
    func visit(_ body: (StateKey, StateValue) -> Void) {
        let keys = self.sorted ?? self.places.keys.sorted()
        self.sorted = keys
        for key in keys {
            if let place = self.places[key] { body(key, self.slots[place].record.value) }
        }
    }

    private func removeFirst() { self.remove(self.slots[self.first].record.key) }

    private func append(_ record: StateRecord) {
        let slot = Slot(record: record, previous: Self.none, next: Self.none)
        let place: Int
        if let free = self.free.popLast() {
            place = free
            self.slots[place] = slot
        } else {
            place = self.slots.count
            self.slots.append(slot)
        }
        self.places[record.key] = place
        self.bytes += record.size
        self.sorted = nil
        self.linkLast(place)
    }

    // MARK: The order of writes

    private func unlink(_ place: Int) {
        let (previous, next) = (self.slots[place].previous, self.slots[place].next)
        if previous == Self.none { self.first = next } else { self.slots[previous].next = next }
        if next == Self.none { self.last = previous } else { self.slots[next].previous = previous }
    }

    private func linkLast(_ place: Int) {
        self.slots[place].previous = self.last
        self.slots[place].next = Self.none
        if self.last == Self.none { self.first = place } else { self.slots[self.last].next = place }
        self.last = place
    }
}
