// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Scheduling

/// When a target's next ping is due: the n-th slot at the start plus n intervals, however late the one before was.
struct ProbeSchedule {
    /// A ping to send.
    struct Due: Equatable {
        var slot: Int
        /// Slots before it that went by.
        var missed: Int
    }

    private let start: Moment
    private let interval: Duration
    private let spacing: Duration
    private let burst: Int
    private let count: Int?
    private var slot = 0
    /// Pings of the slot that were sent.
    private var sent = 0

    init(_ plan: ProbePlan, start: Moment) {
        self.start = start
        self.interval = plan.interval
        self.burst = plan.burst
        self.spacing = min(ProbePlan.spacing, plan.interval / plan.burst)
        self.count = plan.count
    }

    /// When the next ping is due; nil after the last.
    var next: Moment? {
        if let count, self.slot >= count { return nil }
        return self.begin(of: self.slot) + self.spacing * self.sent
    }

    /// Takes the next ping if it is due.
    mutating func take(at now: Moment) -> Due? {
        guard let next = self.next, now >= next else { return nil }
        var missed = 0
        if self.sent == 0 {
            let current = Int((now - self.start).nanoseconds / self.interval.nanoseconds)
            missed = min(current, (self.count ?? .max) - 1) - self.slot
            self.slot += missed
        }
        defer {
            self.sent += 1
            if self.sent == self.burst {
                self.sent = 0
                self.slot += 1
            }
        }
        return Due(slot: self.slot, missed: missed)
    }

    private func begin(of slot: Int) -> Moment {
        Moment(nanoseconds: self.start.nanoseconds + self.interval.nanoseconds * Int64(slot))
    }
}
