// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import Scheduling
import TestSupport
import Testing

@testable import LatencyMonitor

#if canImport(Glibc)
import Glibc
#endif

/// Which ping a reply answers, over real sockets.
///
/// What is right, the other side's notes say: no test here depends on a quick machine.
@Suite struct ProberAttributionTests {
    // MARK: Attribution

    @Test func `two thousand pings through loss, duplicates, forgery and reordering are all told apart`() async throws {
        var impairments = ImpairingResponder.Impairments(
            delays: [0, 3, 12, 24, 26, 40, 75, 130].map { .milliseconds($0) }
        )
        impairments.loss = 0.1
        impairments.duplicates = 0.05
        impairments.strangers = 0.05
        impairments.garbled = 0.05
        let all = [ImpairingResponder.Impairments](repeating: impairments, count: 20)
        try await ProbeRun.with(all, ProbeRun.plan(25, timeout: 25, count: 105), seed: 2_026) { run in
            try run.finishes()
            try run.check()
            let pings = run.responders.flatMap(\.pings)
            let missed = run.events.reduce(0) { sum, event in
                if case .missed(let slots) = event.kind { sum + slots } else { sum }
            }
            #expect(pings.count + missed == 2_100)
            let counts = run.counts
            #expect(counts.replies + counts.lost + counts.inconclusive == pings.count)
            // The rest has nothing to say about pings of which nobody can know.
            #expect(counts.inconclusive < pings.count / 4, "this machine stops too often")
            guard counts.inconclusive == 0 else { return }
            #expect(counts.late == counts.lost - pings.count { $0.isLost })
            #expect(counts.duplicates == pings.reduce(0) { $0 + max(0, $1.answers.count - 1) })
            #expect(counts.foreign == pings.reduce(0) { $0 + $1.garbled })
            // Each of them happened.
            #expect(min(counts.replies, counts.lost, counts.late, counts.duplicates, counts.foreign) > 0)
            #expect(pings.contains { $0.strangers > 0 })
            #expect(Set(pings.map(\.sourcePort)).count > 1_000)
        }
    }

    @Test(arguments: [(100, [99, 101, 0, 50], 15), (300, [299, 301, 150], 6), (2_000, [1_900, 2_100, 350], 2)])
    func `replies just before and after a limit are told apart as the other side wrote down`(
        limit: Int,
        delays: [Int],
        slots: Int
    ) async throws {
        let impairments = delays.map { ImpairingResponder.Impairments(delays: [.milliseconds($0)]) }
        try await ProbeRun.with(impairments, ProbeRun.plan(limit, timeout: limit, count: slots)) { run in
            try run.finishes()
            try run.check()
            // An answer is never sent early, so what takes longer than the limit is late, if anything is known.
            for (target, delay) in delays.enumerated() where delay > limit {
                for case .decided(.reply(let time)) in run.kinds(target) { Issue.record("\(delay) ms: \(time)") }
            }
            #expect(run.counts.replies + run.counts.lost + run.counts.inconclusive >= delays.count)
            #expect(run.counts.duplicates == 0)
        }
    }

    @Test func `replies that come in another order each answer their own ping`() async throws {
        let impairments = ImpairingResponder.Impairments(delays: [45, 5].map { .milliseconds($0) })
        try await ProbeRun.with([impairments], ProbeRun.plan(100, timeout: 100, burst: 8, count: 5), seed: 5) { run in
            try run.finishes()
            try run.check()
            let pings = run.responders[0].pings
            let answers = pings.compactMap(\.answers.first).map(\.before)
            #expect(answers != answers.sorted(), "nothing was reordered")
        }
    }

    @Test func `strangers' pings and other bytes answer nothing`() async throws {
        var impairments = ImpairingResponder.Impairments()
        impairments.loss = 1
        impairments.strangers = 1
        impairments.garbled = 1
        try await ProbeRun.with([impairments], ProbeRun.plan(20, timeout: 20, count: 30)) { run in
            try run.finishes()
            try run.check()
            let counts = run.counts
            #expect(counts.lost + counts.inconclusive == run.responders[0].pings.count)
            #expect(counts.foreign == run.responders[0].pings.count)
            #expect((counts.replies, counts.late, counts.duplicates) == (0, 0, 0))
        }
    }

    @Test func `a closed port refuses at once`() async throws {
        try await onThread {
            let closed = try DatagramPeer.closed()
            defer { closed.close() }
            let events = EventRecord()
            let prober = try Prober(
                [ProbeAddress(host: "127.0.0.1", port: closed.port)],
                // A timeout would take longer than the test waits.
                plan: ProbePlan(interval: .seconds(100), timeout: .seconds(100), count: 1),
                onEvents: events.add
            )
            defer { prober.stop() }
            try poll("refused: \(events.kinds)") { events.kinds == [.decided(.refused), .finished] }
        }
    }

    // MARK: Stops

    /// Pings a responder many times while the prober's thread stands still from the first event on: that of a closed port.
    private static func stop(
        for stop: Duration,
        pings: Int,
        _ check: (_ decided: [ProbeEvent], _ record: [ImpairingResponder.Ping]) throws -> Void
    ) async throws {
        try await onThread {
            let closed = try DatagramPeer.closed()
            defer { closed.close() }
            let responder = try ImpairingResponder(.init(delays: [.milliseconds(50)]))
            defer { responder.close() }
            let address = try ProbeAddress(host: "127.0.0.1", port: responder.port)
            let addresses =
                [try ProbeAddress(host: "127.0.0.1", port: closed.port)]
                + [ProbeAddress](repeating: address, count: pings)
            let events = EventRecord()
            let plan = ProbePlan(interval: .seconds(100), timeout: .milliseconds(400), count: 1)
            let prober = try Prober(addresses, plan: plan) {
                if events.events.isEmpty { usleep(UInt32(stop / .microseconds(1))) }
                events.add($0)
            }
            defer { prober.stop() }
            try poll("all are decided") { events.kinds.count { $0 == .finished } == addresses.count }
            let decided = events.events.filter { if case .decided = $0.kind { $0.target > 0 } else { false } }
            try check(decided.sorted { $0.moment < $1.moment }, responder.pings)
        }
    }

    @Test func `replies that arrive while the process stands still have the time at which they came`() async throws {
        // More of them than are looked at in one go, and for longer than the timeout.
        try await Self.stop(for: .milliseconds(600), pings: 100) { decided, pings in
            try #require((decided.count, pings.count) == (100, 100))
            for (event, ping) in zip(decided, pings) {
                let answer = try #require(ping.answers.first)
                // The other side may have stood still, too.
                let isLate = answer.after - event.moment.nanoseconds > 390_000_000
                guard !isLate, event.kind != .decided(.inconclusive) else { continue }
                guard case .decided(.reply(let time)) = event.kind else {
                    Issue.record("\(event) \(ping)")
                    continue
                }
                #expect(event.moment.nanoseconds + time.nanoseconds >= answer.before - 100_000)
                #expect(event.moment.nanoseconds + time.nanoseconds <= answer.after + 100_000)
            }
        }
    }

    @Test func `of pings during which the process stood still for over a second nobody can know`() async throws {
        try await Self.stop(for: .milliseconds(1_200), pings: 3) { decided, pings in
            #expect(pings.count == 3)
            #expect(decided.map(\.kind) == Array(repeating: .decided(.inconclusive), count: 3))
        }
    }
}
