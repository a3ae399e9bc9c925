// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#if canImport(Glibc)
internal import Glibc
#endif

/// The process's limit on open files.
enum OpenFiles {
    /// Descriptors kept for everything but clients: listeners, the loop's own, scripts, refused connections.
    static let reserve = 256

    /// Clients below which a relay makes no sense.
    static let fewestClients = 8

    /// Raises the limit to what a number of clients needs.
    ///
    /// - Parameters:
    ///   - clients: Each has a descriptor.
    ///   - others: Descriptors for something else.
    /// - Returns: The clients that fit; fewer than asked for if the system does not allow more.
    /// - Throws: ``RelayError`` if not even ``fewestClients`` fit, or what else is needed does not.
    @discardableResult
    static func raise(forClients clients: Int, and others: Int) throws(RelayError) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return clients }
        let needed = rlim_t(clients + others + self.reserve)
        if limit.rlim_cur < needed, !self.set(needed, max(needed, limit.rlim_max)) {
            // Only a privileged process may go beyond the hard limit.
            if self.set(limit.rlim_max, limit.rlim_max) { limit.rlim_cur = limit.rlim_max }
            return try self.fit(clients, others, into: limit.rlim_cur)
        }
        return clients
    }

    private static func set(_ soft: rlim_t, _ hard: rlim_t) -> Bool {
        var limit = rlimit(rlim_cur: soft, rlim_max: hard)
        return setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
    }

    /// How many clients a limit leaves room for.
    static func fit(_ clients: Int, _ others: Int, into limit: rlim_t) throws(RelayError) -> Int {
        let room = Int(min(limit, rlim_t(Int32.max))) - others - self.reserve
        let fewest = min(clients, self.fewestClients)
        guard room >= fewest else {
            throw RelayError(
                "the limit on open files is \(limit), and this relay needs at least \(others + self.reserve + fewest): "
                    + "raise it with 'ulimit -n' or, in a systemd unit, LimitNOFILE="
            )
        }
        return min(room, clients)
    }
}
