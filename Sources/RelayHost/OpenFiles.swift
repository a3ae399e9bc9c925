// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#if canImport(Glibc)
internal import Glibc
#endif

/// The process's limit on open files.
enum OpenFiles {
    /// Descriptors kept for everything but clients: listeners, the loop's own, scripts, refused connections.
    static let reserve = 256

    /// Raises the limit to what a number of clients needs.
    ///
    /// - Parameters:
    ///   - clients: Each has a descriptor.
    ///   - others: Descriptors for something else.
    /// - Returns: The clients that fit; fewer than asked for if the system does not allow more.
    static func raise(forClients clients: Int, and others: Int) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return clients }
        let needed = rlim_t(clients + others + self.reserve)
        if limit.rlim_cur < needed {
            let before = limit
            limit.rlim_cur = min(needed, limit.rlim_max)
            if limit.rlim_max < needed {
                // Only a privileged process may go beyond the hard limit; trying costs nothing.
                var both = rlimit(rlim_cur: needed, rlim_max: needed)
                if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &both) == 0 { return clients }
            }
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 { limit = before }
        }
        return limit.rlim_cur >= needed ? clients : max(0, Int(limit.rlim_cur) - others - self.reserve)
    }
}
