// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Testing

@testable import HostSettings

@Suite struct MachineMemoryTests {
    @Test func `the smallest limit counts, and what is no number is none`() {
        #expect(MachineMemory.bytes(ofMachine: 1_000, groups: []) == 1_000)
        #expect(MachineMemory.bytes(ofMachine: 1_000, groups: ["max\n", "300\n"]) == 300)
        #expect(MachineMemory.bytes(ofMachine: 1_000, groups: ["9223372036854771712\n"]) == 1_000)
        #expect(MachineMemory.bytes(ofMachine: -1, groups: ["0\n"]) == nil)
    }
}
