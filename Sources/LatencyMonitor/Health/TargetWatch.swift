// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Watches one target: makes samples of pings, keeps its windows, and asks the policy what they mean.
///
/// Confined to whoever passes it the prober's events.
public final class TargetWatch {
    /// The target, as it was asked for.
    public let target: String
    /// Its windows.
    public let windows: LatencyWindows
    /// Slots that went by without a ping.
    public private(set) var missed = 0
    /// Replies that came once more, and arrivals that were none.
    public private(set) var duplicates = 0
    /// Arrivals that were no replies.
    public private(set) var foreign = 0
    /// Samples of which nobody can know.
    public private(set) var inconclusive = 0

    private let burst: Int
    private unowned let policy: any MonitorPolicy
    private var tracker: HealthTracker
    /// The decided pings of the slots under way, which are in order: the next one may begin before the last one's burst is
    /// decided.
    private var slots: [[ProbeEvent]] = []
    private var last: Sample?
    /// The status of the latest samples, and since when.
    private var current: HealthTracker.Held?
    private var incident: String?
    private var lastMail: Double?

    /// Makes a watch.
    ///
    /// - Parameters:
    ///   - target: What the target is called.
    ///   - burst: Pings in a slot.
    ///   - rules: When a status has lasted.
    ///   - policy: Who says what samples mean; not kept alive.
    public init(target: String, burst: Int, rules: HealthTracker.Rules, policy: any MonitorPolicy) {
        self.target = target
        self.burst = burst
        self.tracker = HealthTracker(rules)
        self.windows = LatencyWindows(decidedBy: burst * max(rules.worseWindow, rules.betterSamples))
        self.policy = policy
    }

    /// The status of the last sample.
    public var status: HealthStatus? { self.current?.status }

    /// Takes what the prober saw of this target.
    ///
    /// - Returns: Whether re-probes are asked for.
    public func take(_ event: ProbeEvent) -> Bool {
        switch event.kind {
        case .decided: return self.noteDecided(event)
        case .late(let time): self.windows.addLate(time, at: event.moment, time: event.time)
        case .duplicate: self.duplicates += 1
        case .foreign: self.foreign += 1
        case .missed(let slots): self.missed += slots
        case .deferred: self.missed += 1
        case .reprobed(isLost: true): self.confirmLost()
        case .reprobed, .unsent, .finished: break
        }
        return false
    }

    // MARK: Samples

    private func noteDecided(_ event: ProbeEvent) -> Bool {
        if let index = self.slots.firstIndex(where: { $0.first?.slot == event.slot }) {
            self.slots[index].append(event)
        } else {
            let index = self.slots.firstIndex { $0.first.map { $0.slot > event.slot } ?? false }
            self.slots.insert([event], at: index ?? self.slots.endIndex)
        }
        var wantsReprobes = false
        while let pings = self.slots.first, pings.count >= self.burst {
            self.slots.removeFirst()
            wantsReprobes = self.endSlot(pings)
        }
        return wantsReprobes
    }

    private func endSlot(_ unordered: [ProbeEvent]) -> Bool {
        let pings = unordered.sorted { $0.moment < $1.moment }
        var outcomes: [PingOutcome] = []
        for ping in pings {
            guard case .decided(let outcome) = ping.kind else { continue }
            outcomes.append(outcome)
            switch outcome {
            case .reply(let time): self.windows.add(time, at: ping.moment, time: ping.time)
            case .timeout, .refused: self.windows.add(nil, at: ping.moment, time: ping.time)
            case .inconclusive: break
            }
        }
        let median = Self.median(outcomes)
        var sample = Sample(
            target: self.target,
            sequence: (pings.first?.slot ?? 0) + 1,
            time: pings.first?.time ?? 0,
            outcome: median,
            sent: outcomes.count,
            lost: outcomes.count { $0 == .timeout || $0 == .refused },
            previous: self.current?.status,
            windows: self.windows
        )
        sample.status = self.policy.judge(sample)
        return self.weigh(sample)
    }

    /// The lower median of the pings that say something; none does if they are few.
    private static func median(_ outcomes: [PingOutcome]) -> PingOutcome {
        let decided = outcomes.filter { $0 != .inconclusive }
        guard 2 * decided.count >= outcomes.count, !decided.isEmpty else { return .inconclusive }
        let replies = decided.compactMap { outcome -> Duration? in
            guard case .reply(let time) = outcome else { return nil }
            return time
        }
        let rank = (decided.count - 1) / 2
        if rank < replies.count { return .reply(replies.sorted()[rank]) }
        return decided.contains(.timeout) ? .timeout : .refused
    }

    /// Says what a judged sample changes, and whether it asks for re-probes.
    private func weigh(_ sample: Sample) -> Bool {
        self.last = sample
        if sample.outcome == .inconclusive { self.inconclusive += 1 }
        guard let status = sample.status, sample.outcome != .inconclusive else {
            self.policy.measured(sample)
            return false
        }
        if self.current?.status != status { self.current = HealthTracker.Held(status: status, since: sample.time) }
        let before = self.tracker.held
        let held = self.tracker.take(status, at: sample.time)
        self.noteIncident(status, sample.time)
        self.policy.measured(sample)
        self.report(sample, status, before: before, held: held, isReprobed: false)
        // An end of trouble is told in its own thread of mails, the next trouble in another.
        if status.level == 0, (self.tracker.held?.status.level ?? 0) == 0 { self.incident = nil }
        let isLost = sample.outcome == .timeout || sample.outcome == .refused
        return isLost && self.tracker.wantsReprobes(for: status)
    }

    private func confirmLost() {
        guard let sample = self.last, let status = sample.status else { return }
        let before = self.tracker.held
        guard let held = self.tracker.confirmLost() else { return }
        self.report(sample, status, before: before, held: held, isReprobed: true)
    }

    private func noteIncident(_ status: HealthStatus, _ time: Double) {
        guard self.incident == nil, status.level > 0 else { return }
        // A clock may say anything; only that incidents differ matters.
        self.incident = "\(self.target) \(Int64(exactly: (time * 1_000).rounded(.down)) ?? 0)"
    }

    // MARK: Reports

    private func report(
        _ sample: Sample,
        _ status: HealthStatus,
        before: HealthTracker.Held?,
        held: HealthTracker.Held?,
        isReprobed: Bool
    ) {
        var report = Report(
            target: self.target,
            status: held?.status ?? status,
            since: held?.since ?? self.current?.since ?? sample.time,
            previous: before?.status,
            previousSince: before?.since,
            isHeld: held != nil,
            isReprobed: isReprobed,
            lastMail: self.lastMail,
            incident: self.incident,
            sample: sample
        )
        if let held {
            let window = self.windows.endHeld(at: held.since)
            report.previousWindow = before == nil ? nil : window
            self.policy.changed(report)
        }
        report.lastMail = self.lastMail
        if self.policy.alert(report) { self.lastMail = sample.time }
    }
}
