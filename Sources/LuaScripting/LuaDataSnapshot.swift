// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CLua

/// The data tables of one state's objects on their way to another state.
///
/// They are plain bytes that belong to neither state: both may be gone. One snapshot can be unpacked into any number of
/// states.
public final class LuaDataSnapshot {
    /// Why data cannot be carried.
    public enum Refusal: Error, Sendable, Equatable {
        /// Values that are not plain data, each with its object and path; the first ten.
        case values([String])
        /// Packing itself failed, for want of memory.
        case failed(LuaError)
    }

    fileprivate let bytes: OpaquePointer

    fileprivate init(_ bytes: OpaquePointer) {
        self.bytes = bytes
    }

    deinit {
        luar_discard(self.bytes)
    }
}

extension LuaState {
    /// Copies the data tables of all objects of a type, and leaves the state as it is.
    ///
    /// Carried are booleans, numbers, strings, objects of that type, the library's constants, and tables of these as
    /// keys and values, up to 16 within each other (the data table is the first) and 100,000 entries in all; what
    /// was one table stays one, for all objects together. An object that was forgotten (``forget(_:_:)``) comes without
    /// its data.
    ///
    /// Of refusals the shallow ones come first. Call it between runs: memory that ends here
    /// would end the run, too.
    ///
    /// - Parameter type: A type whose objects keep their identity and have a field of ``Access/data``.
    /// - Returns: The data, for ``unpack(_:as:)``.
    /// - Throws: ``LuaDataSnapshot/Refusal``.
    public func pack(dataOf type: LuaType) throws(LuaDataSnapshot.Refusal) -> LuaDataSnapshot {
        var bytes: OpaquePointer?
        guard luar_pack(self.state, type.number, &bytes) == CInt(LUAR_OK), let bytes else {
            throw .failed(self.lastError)
        }
        let snapshot = LuaDataSnapshot(bytes)
        let refusals = (0..<luar_refusals(bytes)).compactMap { luar_refusal(bytes, $0).map { String(cString: $0) } }
        guard refusals.isEmpty else { throw .values(refusals) }
        return snapshot
    }

    /// Makes packed data tables, for this state's objects with the same identities.
    ///
    /// A data table that is there already stays the same table and gets the packed entries, over its own.
    ///
    /// - Parameters:
    ///   - snapshot: What another state packed.
    ///   - type: The type in this state that stands for the one whose data was packed.
    /// - Throws: ``LuaError`` of kind `memory`; some of the data is there then, and the state is best thrown away.
    public func unpack(_ snapshot: LuaDataSnapshot, as type: LuaType) throws(LuaError) {
        guard luar_unpack(self.state, type.number, snapshot.bytes) == CInt(LUAR_OK) else { throw self.lastError }
    }
}
