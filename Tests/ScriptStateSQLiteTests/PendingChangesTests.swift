// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayHooks
import TestSupport
import Testing

@testable import ScriptStateSQLite

/// What waits for the disk, against a disk that fails at random.
@Suite struct PendingChangesTests {
    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func `whatever fails and whenever, the disk has in the end what memory has, and little waits`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var memory: [StateKey: StateRecord] = [:]
        var disk: [StateKey: StateRecord] = [:]
        var pending = PendingChanges()
        var batch: PendingChanges?
        for step in 0..<5_000 {
            let key = StateKey.integer(Int64.random(in: 0..<12, using: &random))
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<40:
                let record = StateRecord(key: key, value: .integer(Int64(step)), written: Double(step))
                pending.note(StateChange(state: "t", key: key, record: record, isNew: memory[key] == nil))
                memory[key] = record
            case 40..<80:
                guard memory.removeValue(forKey: key) != nil else { continue }
                pending.note(StateChange(state: "t", key: key, record: nil, isNew: false))
            case 80..<83:
                memory = [:]
                pending.clear("t")
            case 83..<92:
                // A write begins; what comes meanwhile waits for the next.
                guard batch == nil else { continue }
                batch = pending
                pending = PendingChanges()
            default:
                guard let written = batch else { continue }
                batch = nil
                if Bool.random(using: &random) { pending.restore(written) } else { Self.write(written, to: &disk) }
            }
            #expect(pending.count <= memory.count + 12 + 1)
            if batch == nil {
                let all = pending.apply(to: Array(disk.values), of: "t")
                #expect(Dictionary(uniqueKeysWithValues: all.map { ($0.key, $0) }) == memory, "step \(step)")
            }
        }
        if let batch { Self.write(batch, to: &disk) }
        Self.write(pending, to: &disk)
        #expect(disk == memory)
    }

    private static func write(_ changes: PendingChanges, to disk: inout [StateKey: StateRecord]) {
        guard let state = changes.states["t"] else { return }
        if state.isCleared { disk = [:] }
        for (key, change) in state.changes { disk[key] = change.record }
    }

    @Test func `keys that come and go while nothing can be written leave nothing behind`() {
        var pending = PendingChanges()
        for number in 0..<10_000 as Range<Int64> {
            let record = StateRecord(key: .integer(number), value: .boolean(true), written: 1)
            pending.note(StateChange(state: "t", key: record.key, record: record, isNew: true))
            pending.note(StateChange(state: "t", key: record.key, record: nil, isNew: false))
        }
        #expect(pending.isEmpty)
    }
}
