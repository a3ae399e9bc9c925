// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
internal import RelayCore

#if canImport(Glibc)
internal import Glibc
#endif

/// The memory that this process may use, as far as the system says.
enum MachineMemory {
    /// The machine's memory in bytes, or less where a control group has a limit (cgroups(7), memory.max and, of version 1,
    /// memory.limit_in_bytes); nil where nothing is known.
    static let bytes: Int? = Self.bytes(
        ofMachine: sysconf(CInt(_SC_PHYS_PAGES)) * sysconf(CInt(_SC_PAGESIZE)),
        groups: Self.limitFiles.compactMap { try? String(contentsOfFile: $0, encoding: .utf8) }
    )

    /// A container sees its own group at the root of these.
    private static let limitFiles = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]

    static func bytes(ofMachine machine: Int, groups: [String]) -> Int? {
        let limits = groups.compactMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) } + [machine]
        return limits.filter { $0 > 0 }.min()
    }

    /// What all clients together may have unsent by default: 512 MiB, or a quarter of a smaller memory.
    static var unsentBytes: Int {
        let most = Limits().totalUnsentBytes
        return self.bytes.map { min(most, max(1 << 20, $0 / 4)) } ?? most
    }
}
