// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import TestSupport
import Testing

@testable import LatencyMonitor

#if canImport(Glibc)
import Glibc
#endif

/// Pings over real sockets.
///
/// What is right, the other side's notes say: no test here depends on a quick machine.
@Suite struct ProberTests {
    /// Runs a prober against responders on a thread that may wait.
    private static func run(
        _ impairments: [ImpairingResponder.Impairments],
        _ plan: ProbePlan,
        seed: UInt64 = 1,
        _ body: (ProbeRun) throws -> Void
    ) async throws {
        try await onThread {
            let run = try ProbeRun(impairments, plan, seed: seed)
            defer { run.stop() }
            try body(run)
        }
    }

    private static func plan(
        _ interval: Int,
        timeout: Int,
        burst: Int = 1,
        count: Int? = nil,
        sourcePort: UInt16? = nil
    ) -> ProbePlan {
        ProbePlan(
            interval: .milliseconds(interval),
            timeout: .milliseconds(timeout),
            burst: burst,
            count: count,
            sourcePort: sourcePort
        )
    }

    /// Sockets of this process or any other that are connected to a port of loopback, from proc(5).
    private static func sockets(to port: Int) throws -> Int {
        let table = try String(contentsOfFile: "/proc/net/udp", encoding: .utf8)
        let remote = "0100007F:" + String(format: "%04X", port)
        return table.split(separator: "\n").count { $0.split(separator: " ").dropFirst(2).first == remote[...] }
    }

    /// A port at which nobody receives, and nobody can: held by a socket that is connected elsewhere.
    private static func closedPort() throws -> DatagramPeer {
        let peer = try DatagramPeer(to: 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = in_port_t(9).bigEndian
        name.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        let code = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(peer.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(code == 0)
        return peer
    }

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
        try await Self.run(all, Self.plan(25, timeout: 25, count: 105), seed: 2_026) { run in
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
        try await Self.run(impairments, Self.plan(limit, timeout: limit, count: slots)) { run in
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
        try await Self.run([impairments], Self.plan(100, timeout: 100, burst: 8, count: 5), seed: 5) { run in
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
        try await Self.run([impairments], Self.plan(20, timeout: 20, count: 30)) { run in
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
            let closed = try Self.closedPort()
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

    // MARK: Sending

    @Test func `each slot has a burst of pings, and after the last slot it finishes once`() async throws {
        let plan = Self.plan(60, timeout: 50, burst: 3, count: 4)
        try await Self.run([.init(), .init()], plan) { run in
            try run.finishes()
            for target in 0..<2 {
                let own = run.events.filter { $0.target == target }
                let slots = own.filter { if case .decided = $0.kind { true } else { false } }.map(\.slot)
                let counts = Dictionary(slots.map { ($0, 1) }, uniquingKeysWith: +)
                #expect(counts.values.allSatisfy { $0 == 3 }, "\(counts)")
                #expect(counts.keys.max() == 3)
                #expect(run.responders[target].pings.count == slots.count)
                #expect(own.count { $0.kind == .finished } == 1)
                #expect(own.last?.kind == .finished)
            }
        }
    }

    @Test func `no ping is sent before its slot, and none goes out of turn`() async throws {
        try await Self.run([.init()], Self.plan(10, timeout: 10, count: 100)) { run in
            try run.finishes()
            let pings = run.events.filter { if case .decided = $0.kind { true } else { false } }
                .sorted { $0.moment < $1.moment }
            #expect(pings.map(\.slot) == pings.map(\.slot).sorted())
            let first = try #require(pings.first)
            // The first one may be late, and the others not by as much.
            for ping in pings { #expect(ping.moment - first.moment > .milliseconds(10 * ping.slot - 1_000)) }
            for (earlier, later) in zip(pings, pings.dropFirst()) { #expect(later.slot > earlier.slot) }
        }
    }

    @Test func `a fixed port is the port of every ping, re-probes included`() async throws {
        let spare = try DatagramPeer(to: 0)
        let port = spare.port
        spare.close()
        let plan = Self.plan(20, timeout: 20, count: 20, sourcePort: UInt16(port))
        try await Self.run([.init()], plan) { run in
            try run.finishes()
            #expect(Set(run.responders[0].pings.map(\.sourcePort)) == [port])
            #expect(run.counts.replies > 0)
            run.reprobe(1)
            try run.waits(for: .reprobed(isLost: false))
            #expect(Set(run.responders[0].pings.map(\.sourcePort)) == [port])
            #expect(run.kinds().allSatisfy { if case .unsent = $0 { false } else { true } }, "\(run.kinds())")
        }
    }

    @Test func `from a fixed port with a timeout as long as the interval, lost pings do not hinder the next`()
        async throws
    {
        let spare = try DatagramPeer(to: 0)
        let port = spare.port
        spare.close()
        var lossy = ImpairingResponder.Impairments()
        lossy.loss = 1
        try await Self.run([lossy], Self.plan(20, timeout: 20, count: 30, sourcePort: UInt16(port))) { run in
            try run.finishes()
            #expect(run.counts.lost + run.counts.inconclusive == run.responders[0].pings.count)
            #expect(run.counts.lost > 0)
            #expect(run.kinds().allSatisfy { if case .unsent = $0 { false } else { true } }, "\(run.kinds())")
        }
    }

    @Test func `a stranger that floods a fixed port with pings answers none`() async throws {
        let spare = try DatagramPeer(to: 0)
        let port = spare.port
        spare.close()
        var lossy = ImpairingResponder.Impairments()
        lossy.loss = 1
        try await Self.run([lossy], Self.plan(10, timeout: 5, count: 150, sourcePort: UInt16(port))) { run in
            let stranger = try DatagramPeer(to: port)
            defer { stranger.close() }
            while !run.kinds().contains(.finished) { for _ in 0..<200 { stranger.send("ping") } }
            #expect(run.counts.replies == 0)
            #expect(run.counts.late == 0)
            #expect(run.counts.duplicates == 0)
        }
    }

    @Test func `a port that somebody has is refused at the start`() throws {
        let taken = try DatagramPeer(to: 0)
        defer { taken.close() }
        let plan = Self.plan(20, timeout: 20, sourcePort: UInt16(taken.port))
        let address = try ProbeAddress(host: "127.0.0.1", port: 9)
        let error = #expect(throws: ProberError.self) { try Prober([address], plan: plan) { _ in } }
        #expect(error?.code == EADDRINUSE)
    }

    @Test func `a target that moved is pinged where it is now`() async throws {
        try await Self.run([.init()], Self.plan(20, timeout: 20)) { run in
            let other = try ImpairingResponder()
            defer { other.close() }
            run.move(to: try ProbeAddress(host: "127.0.0.1", port: other.port))
            try poll("the other one is pinged") { other.pings.count >= 3 }
            let before = run.responders[0].pings.count
            try poll("the other one is pinged on") { other.pings.count >= 6 }
            #expect(run.responders[0].pings.count == before)
        }
    }

    @Test func `what this machine lacks says nothing of a target`() {
        for code in [EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRINUSE, EAGAIN, ENOSPC] {
            #expect(ProbeSockets.isOurs(code))
        }
        for code in [0, ENETUNREACH, EHOSTUNREACH, EPERM, EACCES, ECONNREFUSED] {
            #expect(!ProbeSockets.isOurs(code))
        }
    }

    // MARK: Re-probes

    @Test func `re-probes that are all lost say so, and are no samples`() async throws {
        var lossy = ImpairingResponder.Impairments()
        lossy.loss = 1
        try await Self.run([lossy], Self.plan(20, timeout: 20, count: 1)) { run in
            try run.waits(for: .finished)
            run.reprobe(2)
            try run.waits(for: .reprobed(isLost: true))
            #expect(run.responders[0].pings.count == 3)
            #expect(run.kinds().filter { if case .decided = $0 { true } else { false } }.count == 1)
        }
    }

    @Test func `the first re-probe that is answered ends them`() async throws {
        try await Self.run([.init()], Self.plan(200, timeout: 200, count: 1)) { run in
            try run.waits(for: .finished)
            run.reprobe(5)
            try run.waits(for: .reprobed(isLost: false))
            #expect(run.responders[0].pings.count == 2)
            #expect(run.kinds().contains(.reprobed(isLost: true)) == false)
        }
    }

    // MARK: Sockets

    @Test func `as many sockets stay open as may, and no more`() async throws {
        var plan = Self.plan(10, timeout: 10)
        plan.mostOpen = 8
        try await Self.run([.init()], plan) { run in
            let port = run.responders[0].port
            try poll("eight are open") { try Self.sockets(to: port) >= 8 }
            let most = try (0..<40).map { _ in try Self.sockets(to: port) }.max() ?? 0
            // The table is read in pieces, so that what is closed and opened meanwhile may be in it twice.
            #expect((8...10).contains(most))
            run.stop()
            try poll("none stays open") { try Self.sockets(to: port) == 0 }
        }
    }

    @Test func `a socket is closed when its time is over, though nothing else happens`() async throws {
        var plan = Self.plan(1_000, timeout: 50, count: 1)
        plan.lateness = .milliseconds(150)
        try await Self.run([.init(delays: [.milliseconds(400)])], plan) { run in
            try run.waits(for: .finished)
            try poll("the socket is closed") { try Self.sockets(to: run.responders[0].port) == 0 }
            // What comes after that is told to nobody.
            try poll("the answer is sent") { run.responders[0].pings.first?.answers.count == 1 }
            run.stop()
            #expect(!run.kinds().contains { if case .late = $0 { true } else { false } })
        }
    }

    @Test func `a prober that was stopped leaves neither threads nor descriptors`() async throws {
        try await onThread {
            let responder = try ImpairingResponder()
            defer { responder.close() }
            let address = try ProbeAddress(host: "127.0.0.1", port: responder.port)
            let before = try Self.possessions()
            // Other tests have some as well: those of so many would be seen.
            for _ in 0..<100 {
                let prober = try Prober([address], plan: Self.plan(10, timeout: 10)) { _ in }
                prober.stop()
                prober.stop()
                // Nobody is there, and nobody minds.
                prober.reprobe(target: 0, count: 1)
            }
            try poll("its sockets go") { try Self.sockets(to: responder.port) == 0 }
            try poll("threads and descriptors go: \((try? Self.possessions()) ?? [:]), before \(before)") {
                let now = try Self.possessions()
                return now.allSatisfy { $1 < (before[$0] ?? 0) + 50 }
            }
        }
    }

    /// Descriptors and threads of this process that a prober has, too.
    private static func possessions() throws -> [String: Int] {
        let files = FileManager.default
        var counts: [String: Int] = [:]
        for descriptor in try files.contentsOfDirectory(atPath: "/proc/self/fd") {
            guard let what = try? files.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)") else {
                continue
            }
            counts[String(what.prefix { $0 != "[" || what.hasPrefix("anon_inode") }.prefix(24)), default: 0] += 1
        }
        for task in try files.contentsOfDirectory(atPath: "/proc/self/task") {
            let name = (try? String(contentsOfFile: "/proc/self/task/\(task)/comm", encoding: .utf8)) ?? ""
            if name == "prober\n" { counts["threads", default: 0] += 1 }
        }
        return counts
    }
}
