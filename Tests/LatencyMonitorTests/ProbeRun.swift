// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import Scheduling
import Synchronization
import TestSupport
import Testing

@testable import LatencyMonitor

/// What a prober saw.
final class EventRecord: Sendable {
    private let collected = Mutex<[ProbeEvent]>([])
    func add(_ events: [ProbeEvent]) { self.collected.withLock { $0 += events } }
    var events: [ProbeEvent] { self.collected.withLock { $0 } }
    var kinds: [ProbeEvent.Kind] { self.events.map(\.kind) }
}

/// A prober and the responders that it pings, and what both wrote down.
final class ProbeRun: Sendable {
    private let record = EventRecord()
    let responders: [ImpairingResponder]
    let plan: ProbePlan
    private let prober: Mutex<Prober?>

    /// Starts to ping.
    ///
    /// - Parameters:
    ///   - impairments: What each target does.
    ///   - plan: When and how.
    ///   - seed: Of the first target; the others' follow.
    /// - Throws: What keeps either side from starting.
    init(_ impairments: [ImpairingResponder.Impairments], _ plan: ProbePlan, seed: UInt64 = 1) throws {
        self.plan = plan
        self.responders = try impairments.enumerated()
            .map { try ImpairingResponder($1, seed: seed + UInt64($0)) }
        let addresses = try self.responders.map { try ProbeAddress(host: "127.0.0.1", port: $0.port) }
        self.prober = Mutex(nil)
        let prober = try Prober(addresses, plan: plan, onEvents: self.record.add)
        self.prober.withLock { $0 = prober }
    }

    func reprobe(_ count: Int, target: Int = 0) { self.prober.withLock { $0?.reprobe(target: target, count: count) } }

    func move(to address: ProbeAddress) { self.prober.withLock { $0?.move(target: 0, to: address) } }

    /// Ends both sides.
    func stop() {
        self.prober.withLock { $0?.stop() }
        for responder in self.responders { responder.close() }
    }

    var events: [ProbeEvent] { self.record.events }

    /// Events of a target, as their kinds.
    func kinds(_ target: Int = 0) -> [ProbeEvent.Kind] { self.events.filter { $0.target == target }.map(\.kind) }

    /// Waits until a target has had so many events of a kind.
    func waits(for kind: ProbeEvent.Kind, times: Int = 1, target: Int = 0) throws {
        try poll("\(kind) is among \(self.kinds(target))") {
            self.kinds(target).count { $0 == kind } >= times
        }
    }

    /// Waits until all slots are decided, all answers have been sent, and as many of them were seen.
    func finishes() throws {
        try poll("all targets finish") { self.events.count { $0.kind == .finished } == self.responders.count }
        try poll("all answers are sent") { self.responders.allSatisfy(\.isIdle) }
        try poll("all answers arrive") {
            let events = self.events
            return self.responders.indices.allSatisfy { target in
                let pings = self.responders[target].pings
                let sent = pings.reduce(0) { $0 + $1.answers.count + $1.garbled }
                let seen = events.count { event in
                    guard event.target == target else { return false }
                    switch event.kind {
                    case .decided(.reply), .late, .duplicate, .foreign: return true
                    default: return false
                    }
                }
                let unknown = events.contains { $0.target == target && $0.kind == .decided(.inconclusive) }
                return seen >= sent || unknown
            }
        }
    }

    /// What was counted, of all targets.
    struct Counts: Equatable {
        var replies = 0
        var lost = 0
        var late = 0
        var duplicates = 0
        var foreign = 0
        var inconclusive = 0
    }

    var counts: Counts {
        self.events.reduce(into: Counts()) { counts, event in
            switch event.kind {
            case .decided(.reply): counts.replies += 1
            case .decided(.timeout), .decided(.refused): counts.lost += 1
            case .decided(.inconclusive): counts.inconclusive += 1
            case .late: counts.late += 1
            case .duplicate: counts.duplicates += 1
            case .foreign: counts.foreign += 1
            case .missed, .deferred, .unsent, .reprobed, .finished: break
            }
        }
    }

    /// Compares what was seen of each ping with what its target did to it.
    ///
    /// The n-th ping that was sent is the n-th that arrived: one thread sends them, and loopback keeps their order.
    func check() throws {
        let events = self.events
        for (target, responder) in self.responders.enumerated() {
            let own = events.filter { $0.target == target }
            let decided = own.filter { if case .decided = $0.kind { true } else { false } }
                .sorted { $0.moment < $1.moment }
            let pings = responder.pings
            try #require(decided.count == pings.count)
            for (event, ping) in zip(decided, pings) {
                let extras = own.filter { $0.moment == event.moment && $0.kind != event.kind }
                self.check(event, extras, ping)
            }
        }
    }

    private func check(_ event: ProbeEvent, _ extras: [ProbeEvent], _ ping: ImpairingResponder.Ping) {
        let sent = event.moment.nanoseconds
        // Both sides convert the kernel's wall clock times.
        let tolerance: Int64 = 100_000
        #expect(ping.arrival >= sent - tolerance, "matched with another ping")
        #expect(extras.count { $0.kind == .foreign } == ping.garbled, "\(extras) \(ping)")
        guard case .decided(let outcome) = event.kind, outcome != .inconclusive else { return }
        let answers = ping.answers.sorted { $0.before < $1.before }
        var lates: [Duration] = []
        for case .late(let time) in extras.map(\.kind) { lates.append(time) }
        let duplicates = extras.count { $0.kind == .duplicate }
        guard let first = answers.first else {
            #expect(outcome == .timeout, "lost: \(outcome)")
            #expect((lates.count, duplicates) == (0, 0))
            return
        }
        #expect(duplicates == answers.count - 1, "\(extras) \(ping)")
        let timeout = self.plan.timeout.nanoseconds
        switch outcome {
        case .reply(let time):
            // An earlier answer than the one that was sent to it would be another ping's.
            #expect(sent + time.nanoseconds >= first.before - tolerance, "\(event) \(ping)")
            #expect(first.before - sent <= timeout + tolerance, "answered after \(first.before - sent) ns")
            #expect(lates == [])
        case .timeout:
            #expect(first.after - sent > timeout - tolerance, "answered after \(first.after - sent) ns")
            #expect(lates.count == 1, "\(extras) \(ping)")
            for time in lates {
                #expect(sent + time.nanoseconds >= first.before - tolerance, "\(extras) \(ping)")
                #expect(time > self.plan.timeout)
            }
        case .refused, .inconclusive: Issue.record("\(event)")
        }
    }
}
