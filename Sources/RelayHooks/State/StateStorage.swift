// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// What became of an entry of a state that is kept.
public struct StateChange: Sendable, Equatable {
    /// The state's name.
    public var state: String
    /// The entry's key.
    public var key: StateKey
    /// What it is now; nil if it is gone.
    public var record: StateRecord?
    /// Whether there was no such entry before: then a removal that follows leaves nothing to tell the disk.
    public var isNew: Bool

    /// Makes a change.
    public init(state: String, key: StateKey, record: StateRecord?, isNew: Bool) {
        self.state = state
        self.key = key
        self.record = record
        self.isNew = isNew
    }
}

/// Why states cannot be kept.
public struct StateStorageError: Error, CustomStringConvertible {
    /// What is wrong, where, and what to do.
    public var description: String

    /// Makes an error.
    public init(_ description: String) { self.description = description }
}

/// Keeps the entries of states beyond the process.
public protocol StateStorage: AnyObject {
    /// Everything that is kept of some states, the oldest entries first.
    ///
    /// It may wait for a disk, so it is never called on the script loop.
    ///
    /// - Parameter names: The states' names.
    /// - Returns: Records for each name: what was taken last, whether or not it has been written.
    /// - Throws: ``StateStorageError`` if nothing can be kept.
    func fetch(_ names: [String]) throws(StateStorageError) -> [String: [StateRecord]]
    /// Takes a change, to be written soon; never blocks.
    func take(_ change: StateChange)
    /// Writes what was taken of a state so far; never blocks.
    ///
    /// - Parameters:
    ///   - state: The state's name.
    ///   - done: Called once, on any thread: with true when all of it is on disk, also after a loss of power; with false if it
    ///     could not be written.
    func sync(_ state: String, done: @escaping @Sendable (Bool) -> Void)
    /// Forgets all of a state, and changes to it that are not written; never blocks.
    func clear(_ state: String)
}
