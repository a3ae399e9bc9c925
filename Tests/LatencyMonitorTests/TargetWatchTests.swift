// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Scheduling
import Testing

@testable import LatencyMonitor

/// What a watch makes of pings, as its policy sees it.
@Suite struct TargetWatchTests {
    /// Writes down what it is asked: level 0 below 100 ms, 1 below 300, 2 above, 3 without an answer.
    private final class Policy: MonitorPolicy {
        var calls: [String] = []
        var samples: [Sample] = []
        var reports: [Report] = []
        var judgesInconclusive = false
        var mails = false

        func judge(_ sample: Sample) -> HealthStatus? {
            self.calls.append("judge \(sample.sequence) \(sample.outcomeName)")
            switch sample.outcome {
            case .reply(let time) where time < .milliseconds(100): return HealthStatus(name: "good", level: 0)
            case .reply(let time) where time < .milliseconds(300): return HealthStatus(name: "slow", level: 1)
            case .reply: return HealthStatus(name: "bad", level: 2)
            case .timeout, .refused: return HealthStatus(name: "down", level: 3)
            case .inconclusive: return self.judgesInconclusive ? HealthStatus(name: "down", level: 3) : nil
            }
        }
        func measured(_ sample: Sample) {
            self.calls.append("measured \(sample.sequence) \(sample.status?.name ?? "-")")
            self.samples.append(sample)
        }
        func changed(_ report: Report) { self.calls.append("changed \(report.status.name)") }
        func alert(_ report: Report) -> Bool {
            self.calls.append("alert \(report.status.name)\(report.isHeld ? " held" : "")")
            self.reports.append(report)
            return self.mails
        }
    }

    /// A watch, and pings a second apart.
    private final class Bench {
        let policy = Policy()
        let watch: TargetWatch

        init(burst: Int = 1, _ rules: HealthTracker.Rules = .init()) {
            self.watch = TargetWatch(target: "relay:1", burst: burst, rules: rules, policy: self.policy)
        }

        /// A ping of a slot, decided; in a burst the pings are 10 ms apart.
        @discardableResult
        func decide(_ slot: Int, ping: Int = 0, _ outcome: PingOutcome) -> Bool {
            self.take(slot, ping: ping, .decided(outcome))
        }

        @discardableResult
        func take(_ slot: Int, ping: Int = 0, _ kind: ProbeEvent.Kind) -> Bool {
            self.watch.take(
                ProbeEvent(
                    target: 0,
                    slot: slot,
                    moment: Moment(nanoseconds: 9_000_000_000) + .milliseconds(1_000 * slot + 10 * ping),
                    time: 1_000 + Double(slot) + Double(ping) / 100,
                    kind: kind
                )
            )
        }

        /// What was asked since the last time.
        var calls: [String] {
            defer { self.policy.calls = [] }
            return self.policy.calls
        }
    }

    private static func ms(_ milliseconds: Int) -> PingOutcome { .reply(.milliseconds(milliseconds)) }

    @Test func `a sample is judged, then told, and then reported`() {
        let bench = Bench()
        bench.decide(0, Self.ms(10))
        #expect(bench.calls == ["judge 1 reply", "measured 1 good", "changed good", "alert good held"])
        bench.decide(1, Self.ms(20))
        #expect(bench.calls == ["judge 2 reply", "measured 2 good", "alert good"])
        #expect(bench.watch.status?.name == "good")
    }

    @Test func `a sample tells what it is made of`() throws {
        let bench = Bench()
        bench.decide(0, Self.ms(10))
        bench.decide(4, .timeout)
        let first = try #require(bench.policy.samples.first)
        #expect(first.target == "relay:1")
        #expect(first.sequence == 1)
        #expect(first.time == 1_000)
        #expect(first.milliseconds == 10)
        #expect((first.sent, first.lost) == (1, 0))
        #expect(first.previous == nil)
        let last = try #require(bench.policy.samples.last)
        #expect(last.sequence == 5)
        #expect(last.time == 1_004)
        #expect(last.milliseconds == nil)
        #expect((last.sent, last.lost) == (1, 1))
        #expect(last.previous?.name == "good")
        #expect(last.windows.summary(.m1).n == 2)
        #expect(last.windows.summary(.m1).lost == 1)
    }

    @Test func `bad news lasts before it is held, and then says since when, and what was before`() throws {
        let bench = Bench()
        for slot in 0..<10 { bench.decide(slot, Self.ms(10 + slot)) }
        for slot in 10..<13 { bench.decide(slot, Self.ms(200)) }
        let report = try #require(bench.policy.reports.last)
        #expect(report.isHeld)
        #expect(!report.isReprobed)
        #expect(report.status.name == "slow")
        #expect(report.since == 1_010)
        #expect(report.previous?.name == "good")
        #expect(report.previousSince == 1_000)
        #expect(report.previousWindow?.n == 10)
        #expect(report.previousWindow?.max == 19)
        #expect(report.sample.sequence == 13)
        // The two before it were reports of what is not held.
        let others = bench.policy.reports.dropLast().suffix(2)
        #expect(others.map(\.isHeld) == [false, false])
        #expect(others.map(\.status.name) == ["slow", "slow"])
        #expect(others.map(\.since) == [1_010, 1_010])
        #expect(others.allSatisfy { $0.previous?.name == "good" && $0.previousWindow == nil })
    }

    @Test func `the first status that is held replaces none`() throws {
        let bench = Bench()
        bench.decide(0, Self.ms(10))
        let report = try #require(bench.policy.reports.first)
        #expect(report.isHeld)
        #expect(report.previous == nil)
        #expect(report.previousSince == nil)
        #expect(report.previousWindow == nil)
    }

    @Test func `mails of one trouble share an incident, its end included, and the next trouble has another`() {
        let bench = Bench()
        let levels = [10, 500, 500, 500, 10, 10, 10, 10, 10, 500]
        for (slot, time) in levels.enumerated() { bench.decide(slot, Self.ms(time)) }
        #expect(
            bench.policy.reports.map(\.incident)
                == [nil] + [String?](repeating: "relay:1 1001000", count: 6) + [nil, nil, "relay:1 1009000"]
        )
        #expect(bench.policy.reports[6].isHeld)
    }

    @Test func `one odd sample ends its incident as soon as all is well`() {
        let bench = Bench()
        for (slot, time) in [10, 500, 10, 10, 500].enumerated() { bench.decide(slot, Self.ms(time)) }
        #expect(
            bench.policy.reports.map(\.incident)
                == [nil, "relay:1 1001000", "relay:1 1001000", nil, "relay:1 1004000"]
        )
    }

    @Test func `a report says when the last mail was made`() {
        let bench = Bench()
        bench.decide(0, Self.ms(10))
        bench.policy.mails = true
        bench.decide(1, Self.ms(10))
        bench.policy.mails = false
        bench.decide(2, Self.ms(10))
        bench.decide(3, Self.ms(10))
        #expect(bench.policy.reports.map(\.lastMail) == [nil, nil, 1_001, 1_001])
    }

    // MARK: Re-probes

    @Test func `a lost ping that would make it worse asks for re-probes, and nothing else does`() {
        let bench = Bench()
        #expect(!bench.decide(0, Self.ms(10)))
        #expect(!bench.decide(1, Self.ms(500)))
        #expect(bench.decide(2, .timeout))
        #expect(bench.decide(3, .refused))
        #expect(!bench.decide(4, .inconclusive))
        // Three of five: it is held, and need not be confirmed.
        #expect(!bench.decide(5, .timeout))
        #expect(!bench.decide(6, .timeout))
    }

    @Test func `without re-probes none are asked for`() {
        var rules = HealthTracker.Rules()
        rules.reprobes = 0
        let bench = Bench(rules)
        bench.decide(0, Self.ms(10))
        #expect(!bench.decide(1, .timeout))
    }

    @Test func `re-probes that are lost confirm the sample at once`() throws {
        let bench = Bench()
        bench.decide(0, Self.ms(10))
        bench.decide(1, .timeout)
        _ = bench.calls
        bench.take(1, .reprobed(isLost: true))
        #expect(bench.calls == ["changed down", "alert down held"])
        let report = try #require(bench.policy.reports.last)
        #expect(report.isReprobed)
        #expect(report.isHeld)
        #expect(report.since == 1_001)
        #expect(report.previous?.name == "good")
        #expect(report.previousWindow?.n == 1)
        #expect(report.previousWindow?.lost == 0)
        #expect(report.incident == "relay:1 1001000")
        bench.take(1, .reprobed(isLost: true))
        #expect(bench.calls == [])
    }

    @Test func `re-probes that are answered, or come after good news, change nothing`() {
        let bench = Bench()
        bench.decide(0, Self.ms(10))
        bench.decide(1, .timeout)
        _ = bench.calls
        bench.take(1, .reprobed(isLost: false))
        #expect(bench.calls == [])
        bench.decide(2, Self.ms(10))
        _ = bench.calls
        bench.take(2, .reprobed(isLost: true))
        #expect(bench.calls == [])
    }

    // MARK: What nobody can know

    @Test func `an inconclusive sample is told, and counts for nothing`() {
        for judges in [false, true] {
            let bench = Bench()
            bench.policy.judgesInconclusive = judges
            bench.decide(0, Self.ms(10))
            _ = bench.calls
            for slot in 1..<5 { #expect(!bench.decide(slot, .inconclusive)) }
            let name = judges ? "down" : "-"
            #expect(bench.calls == (2..<6).flatMap { ["judge \($0) inconclusive", "measured \($0) \(name)"] })
            #expect(bench.watch.inconclusive == 4)
            #expect(bench.watch.status?.name == "good")
            #expect(bench.watch.windows.total.n == 1)
            #expect(bench.policy.samples.last?.lost == 0)
        }
    }

    @Test func `what is no sample is counted`() {
        let bench = Bench()
        bench.decide(0, .timeout)
        for _ in 0..<2 { bench.take(0, .duplicate) }
        for _ in 0..<3 { bench.take(0, .foreign) }
        bench.take(4, .missed(slots: 3))
        bench.take(9, .missed(slots: 4))
        bench.take(0, .late(.seconds(3)))
        for kind in [ProbeEvent.Kind.unsent(code: 1), .finished] { #expect(!bench.take(9, kind)) }
        #expect(bench.watch.duplicates == 2)
        #expect(bench.watch.foreign == 3)
        #expect(bench.watch.missed == 7)
        #expect(bench.watch.windows.total.late == 1)
        #expect(bench.watch.windows.total.lost == 1)
        #expect(bench.watch.windows.total.max == 3_000)
        #expect(bench.policy.samples.count == 1)
    }

    // MARK: Bursts

    /// The sample that a burst makes.
    private static func burst(_ outcomes: [PingOutcome]) -> Sample? {
        let bench = Bench(burst: outcomes.count)
        for (ping, outcome) in outcomes.enumerated() { bench.decide(0, ping: ping, outcome) }
        return bench.policy.samples.first
    }

    @Test func `a burst's sample is its median, lost pings being slower than any`() {
        let ms = Self.ms
        #expect(Self.burst([ms(30), ms(10), ms(20)])?.outcome == ms(20))
        #expect(Self.burst([ms(30), ms(10), ms(20), ms(40)])?.outcome == ms(20))
        #expect(Self.burst([ms(30), .timeout, ms(20)])?.outcome == ms(30))
        #expect(Self.burst([.timeout, .refused, ms(20)])?.outcome == .timeout)
        #expect(Self.burst([.refused, .refused, ms(20)])?.outcome == .refused)
        #expect(Self.burst([.inconclusive, .inconclusive, ms(20)])?.outcome == .inconclusive)
        #expect(Self.burst([.inconclusive, ms(20)])?.outcome == ms(20))
        #expect(Self.burst([.inconclusive, ms(20), .timeout])?.outcome == ms(20))
        #expect(Self.burst([.inconclusive])?.outcome == .inconclusive)
        #expect(Self.burst([.timeout, .refused, ms(20), .inconclusive])?.lost == 2)
        #expect(Self.burst([.timeout, .refused, ms(20), .inconclusive])?.sent == 4)
    }

    @Test func `a burst begins with the ping that was sent first, whichever is answered first`() {
        let bench = Bench(burst: 3)
        for ping in [2, 0, 1] { bench.decide(5, ping: ping, Self.ms(10)) }
        #expect(bench.policy.samples.map(\.time) == [1_005])
        #expect(bench.policy.samples.map(\.sequence) == [6])
    }

    @Test func `a slot that is decided after the next one has begun is a sample all the same`() {
        let bench = Bench(burst: 2)
        bench.decide(0, ping: 0, Self.ms(10))
        bench.decide(1, ping: 0, Self.ms(10))
        bench.decide(1, ping: 1, Self.ms(10))
        #expect(bench.policy.samples.map(\.sequence) == [])
        bench.decide(0, ping: 1, .timeout)
        #expect(bench.policy.samples.map(\.sequence) == [1, 2])
        bench.decide(3, ping: 0, Self.ms(10))
        bench.decide(2, ping: 0, .timeout)
        bench.decide(2, ping: 1, .timeout)
        bench.decide(3, ping: 1, Self.ms(10))
        #expect(bench.policy.samples.map(\.sequence) == [1, 2, 3, 4])
        #expect(bench.watch.windows.total.n == 8)
        #expect(bench.watch.windows.total.lost == 3)
    }
}
