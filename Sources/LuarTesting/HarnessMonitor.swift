// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LatencyMonitor
internal import RelayHooks
internal import Scheduling

/// Measures targets in a harness: the real watches and rules, and pings that a test makes up.
final class HarnessMonitor: MonitorPolicy {
    /// The time between two samples of a target.
    static let interval = Duration.seconds(10)

    private let hooks: HookEngine
    private var watches: [String: TargetWatch] = [:]
    private var slots: [String: Int] = [:]
    private var judged: HealthStatus?
    private var held: HealthStatus?

    init(_ hooks: HookEngine) { self.hooks = hooks }

    /// Whether a target has had a sample.
    func hasMeasured(_ target: String) -> Bool { self.slots[target] != nil }

    func measure(_ outcome: PingOutcome, of target: String, uptime: Double, time: Double) -> HarnessSample {
        let slot = self.slots[target, default: -1] + 1
        self.slots[target] = slot
        let watch =
            self.watches[target]
            ?? TargetWatch(target: target, burst: 1, rules: HealthTracker.Rules(), policy: self)
        self.watches[target] = watch
        self.hooks.targets = self.watches.count
        (self.judged, self.held) = (nil, nil)
        // A test may let more time pass than a moment can hold.
        let moment = Moment(nanoseconds: Int64(min(uptime * 1e9, 9e18)))
        let event = { (kind: ProbeEvent.Kind) in
            ProbeEvent(target: 0, slot: slot, moment: moment, time: time, kind: kind)
        }
        if watch.take(event(.decided(outcome))) { _ = watch.take(event(.reprobed(isLost: true))) }
        return HarnessSample(status: self.judged?.name, level: self.judged?.level, held: self.held?.name)
    }

    func judge(_ sample: Sample) -> HealthStatus? {
        self.judged = self.hooks.judge(sample)
        return self.judged
    }

    func measured(_ sample: Sample) { self.hooks.measured(sample) }

    func changed(_ report: Report) {
        self.held = report.status
        self.hooks.changed(report)
    }

    func alert(_ report: Report) -> Bool { self.hooks.alert(report) }
}
