// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import Scheduling
import Synchronization
import TestSupport
import Testing

@testable import LatencyMonitor

#if canImport(Glibc)
import Glibc
#endif

/// What a prober sends, and what it opens and closes.
@Suite struct ProberTests {
    // MARK: Sending

    @Test func `each slot has a burst of pings, and after the last slot it finishes once`() async throws {
        let plan = ProbeRun.plan(60, timeout: 50, burst: 3, count: 4)
        try await ProbeRun.with([.init(), .init()], plan) { run in
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
        try await ProbeRun.with([.init()], ProbeRun.plan(10, timeout: 10, count: 100)) { run in
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
        let port = try DatagramPeer.sparePort()
        let plan = ProbeRun.plan(20, timeout: 20, count: 20, sourcePort: UInt16(port))
        try await ProbeRun.with([.init()], plan) { run in
            try run.finishes()
            #expect(Set(run.responders[0].pings.map(\.sourcePort)) == [port])
            #expect(run.counts.replies > 0)
            run.reprobe(1)
            try run.waits(for: .reprobed(isLost: false))
            #expect(Set(run.responders[0].pings.map(\.sourcePort)) == [port])
            #expect(run.kinds().allSatisfy { if case .unsent = $0 { false } else { true } }, "\(run.kinds())")
        }
    }

    @Test func `from a fixed port, answers that come after the next slot began are late, and nobody else's`()
        async throws
    {
        let port = try DatagramPeer.sparePort()
        let slow = ImpairingResponder.Impairments(delays: [.milliseconds(150)])
        let plan = ProbeRun.plan(100, timeout: 90, count: 20, sourcePort: UInt16(port))
        try await ProbeRun.with([slow], plan) { run in
            try run.waits(for: .finished)
            #expect(run.counts.replies == 0, "\(run.kinds())")
            #expect(run.counts.late > 0)
            #expect(run.kinds().contains(.deferred))
            for case .late(let span) in run.kinds() { #expect(span >= .milliseconds(150)) }
            #expect(run.kinds().allSatisfy { if case .unsent = $0 { false } else { true } }, "\(run.kinds())")
        }
    }

    @Test func `whoever floods an answered ping is heard no more`() async throws {
        let peer = try DatagramPeer(to: 0)
        defer { peer.close() }
        try await onThread {
            let events = Mutex<[ProbeEvent.Kind]>([])
            let address = try ProbeAddress(host: "127.0.0.1", port: peer.port)
            let prober = try Prober([address], plan: ProbeRun.plan(60_000, timeout: 1_000)) { new in
                events.withLock { $0 += new.map(\.kind) }
            }
            defer { prober.stop() }
            let ping = peer.receiveFrom()
            try poll("the socket is closed") {
                for _ in 0..<50 { peer.send("ping", to: ping.host, port: ping.port) }
                return ProbeRun.sockets(to: peer.port) == 0
            }
            let kinds = events.withLock { $0 }
            #expect(kinds.count { $0 == .duplicate } <= ProbeBook.mostSurplus)
            #expect(kinds.count { if case .decided(.reply) = $0 { true } else { false } } == 1)
        }
    }

    @Test func `a stranger that floods a fixed port with pings answers none`() async throws {
        let port = try DatagramPeer.sparePort()
        var lossy = ImpairingResponder.Impairments()
        lossy.loss = 1
        try await ProbeRun.with([lossy], ProbeRun.plan(10, timeout: 5, count: 150, sourcePort: UInt16(port))) { run in
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
        let plan = ProbeRun.plan(20, timeout: 20, sourcePort: UInt16(taken.port))
        let address = try ProbeAddress(host: "127.0.0.1", port: 9)
        let error = #expect(throws: ProberError.self) { try Prober([address], plan: plan) { _ in } }
        #expect(error?.code == EADDRINUSE)
    }

    @Test func `a target that moved is pinged where it is now`() async throws {
        try await ProbeRun.with([.init()], ProbeRun.plan(20, timeout: 20)) { run in
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
            #expect(ProbeSockets.isLocalResourceError(code))
        }
        for code in [0, ENETUNREACH, EHOSTUNREACH, EPERM, EACCES, ECONNREFUSED] {
            #expect(!ProbeSockets.isLocalResourceError(code))
        }
    }

    // MARK: Re-probes

    @Test func `re-probes that are all lost say so, and are no samples`() async throws {
        var lossy = ImpairingResponder.Impairments()
        lossy.loss = 1
        try await ProbeRun.with([lossy], ProbeRun.plan(20, timeout: 20, count: 1)) { run in
            try run.waits(for: .finished)
            run.reprobe(2)
            try run.waits(for: .reprobed(isLost: true))
            #expect(run.responders[0].pings.count == 3)
            #expect(run.kinds().filter { if case .decided = $0 { true } else { false } }.count == 1)
        }
    }

    @Test func `the first re-probe that is answered ends them`() async throws {
        try await ProbeRun.with([.init()], ProbeRun.plan(200, timeout: 200, count: 1)) { run in
            try run.waits(for: .finished)
            run.reprobe(5)
            try run.waits(for: .reprobed(isLost: false))
            #expect(run.responders[0].pings.count == 2)
            #expect(run.kinds().contains(.reprobed(isLost: true)) == false)
        }
    }

    // MARK: Sockets

    @Test func `as many sockets stay open as may, and no more`() async throws {
        var plan = ProbeRun.plan(10, timeout: 10)
        plan.mostOpen = 8
        try await ProbeRun.with([.init()], plan) { run in
            let port = run.responders[0].port
            try poll("eight are open") { ProbeRun.sockets(to: port) >= 8 }
            let most = (0..<40).map { _ in ProbeRun.sockets(to: port) }.max() ?? 0
            // They are looked at one after the other: what is closed and opened meanwhile may be counted twice.
            #expect((8...10).contains(most))
            run.stop()
            try poll("none stays open") { ProbeRun.sockets(to: port) == 0 }
        }
    }

    @Test func `a socket is closed when its time is over, though nothing else happens`() async throws {
        var plan = ProbeRun.plan(1_000, timeout: 50, count: 1)
        plan.lateness = .milliseconds(150)
        try await ProbeRun.with([.init(delays: [.milliseconds(400)])], plan) { run in
            try run.waits(for: .finished)
            try poll("the socket is closed") { ProbeRun.sockets(to: run.responders[0].port) == 0 }
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
                let prober = try Prober([address], plan: ProbeRun.plan(10, timeout: 10)) { _ in }
                prober.stop()
                prober.stop()
                // Nobody is there, and nobody minds.
                prober.reprobe(target: 0, count: 1)
            }
            try poll("its sockets go") { ProbeRun.sockets(to: responder.port) == 0 }
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
