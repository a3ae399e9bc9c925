// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#if canImport(Glibc)
internal import Glibc
#endif

/// What one harness may keep in memory of what happened in it.
///
/// Confined to the harness, which is used by one task at a time.
final class HarnessBudget {
    /// The most bytes of texts, console lines, log lines, lines of files and mails that a harness keeps.
    static let mostBytes = 64 << 20
    /// The most failures that it keeps.
    static let mostFailures = 10_000
    /// What an entry counts beside its bytes, and what a client counts.
    private static let entryBytes = 64
    static let clientBytes = 1_024

    /// What is said where the limit is passed.
    static let problem =
        "more than \(mostBytes >> 20) MiB of texts, lines and mails came together, which is the most that is kept; "
        + "let less happen in one test"

    private var bytes = 0
    /// Whether something had no room.
    private(set) var isExceeded = false

    /// Whether an entry of so many bytes may be kept.
    func admit(_ count: Int) -> Bool {
        guard !self.isExceeded, self.bytes + count + Self.entryBytes <= Self.mostBytes else {
            self.isExceeded = true
            return false
        }
        self.bytes += count + Self.entryBytes
        return true
    }

    /// Begins again, as everything kept was forgotten.
    func reset() { (self.bytes, self.isExceeded) = (0, false) }
}

/// The CPU time of the thread that asks: a busy machine makes no test fail.
enum ThreadTime {
    static var now: Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
