// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import TestSupport
import Testing

@testable import MailAlerts

/// When which mail is tried: with a clock that the test turns.
@Suite struct DeliveryPlanTests {
    /// A plan, its clock and mails that are made by the minute.
    private struct Stage {
        var plan: DeliveryPlan
        var now: Duration = .zero
        let expiry: Duration

        init(jitter: Double = 0, _ change: (inout MailLimits) -> Void = { _ in }) {
            var limits = MailLimits()
            limits.jitter = jitter
            change(&limits)
            self.expiry = limits.expiry
            self.plan = DeliveryPlan(limits, random: { 0.5 })
        }

        mutating func add(_ id: String, to recipient: String = "ana", bytes: Int = 100) {
            self.plan.add(.init(id: id, recipient: recipient, bytes: bytes, expires: self.now + self.expiry))
        }

        mutating func next() -> DeliveryPlan.Step { self.plan.next(at: self.now) }

        /// What is tried now, and what follows from it.
        mutating func tries(_ id: String, _ outcome: DeliveryOutcome) -> [DeliveryPlan.Effect] {
            #expect(self.next() == .send(id))
            return self.plan.finish(outcome, at: self.now)
        }

        /// Turns the clock to the next thing to do; how long that took.
        mutating func waits() -> Duration? {
            guard case .wait(let until) = self.next(), let until else { return nil }
            defer { self.now = until }
            return until - self.now
        }
    }

    private static let down = DeliveryOutcome.unreachable(reason: "down", isMailAtFault: false)
    private static let busy = DeliveryOutcome.delayed(reason: "busy")
    private static let untrusted = DeliveryOutcome.blocked(.tls, reason: "untrusted")

    @Test func `mails go one at a time, oldest first`() {
        var stage = Stage()
        #expect(stage.next() == .wait(until: nil))
        stage.add("2")
        stage.add("1")
        #expect(stage.next() == .send("1"))
        #expect(stage.next() == .wait(until: nil))
        #expect(stage.plan.finish(.delivered, at: stage.now) == [.sent("1")])
        #expect(stage.tries("2", .delivered) == [.sent("2")])
        #expect(stage.next() == .wait(until: nil))
    }

    @Test func `without a network it is tried after 5 s, 15 s, 1, 5, 15 and 30 minutes, and every 30 then, for 5 days`()
    {
        var stage = Stage()
        stage.add("1")
        var pauses: [Duration] = []
        var given: [DeliveryPlan.Mail] = []
        while given.isEmpty {
            switch stage.next() {
            case .send: _ = stage.plan.finish(Self.down, at: stage.now)
            case .giveUp(let mails): given = mails
            case .wait(let until):
                pauses.append((until ?? .seconds(9_999_999)) - stage.now)
                stage.now = until ?? .seconds(9_999_999)
            }
        }
        #expect(Array(pauses.prefix(8)) == [5, 15, 60, 300, 900, 1_800, 1_800, 1_800].map { .seconds($0) })
        #expect(stage.now == .seconds(5 * 86_400))
        #expect(given.map(\.id) == ["1"] && given.first?.lastError == "down")
        #expect(stage.next() == .wait(until: nil))
    }

    @Test func `a pause is longer or shorter by chance, by a fifth at the most`() {
        var random = SplitMix64(seed: 5)
        var pauses: [Duration] = []
        for _ in 0..<200 {
            let value = Double.random(in: 0..<1, using: &random)
            var plan = DeliveryPlan(MailLimits(), random: { value })
            plan.add(.init(id: "1", recipient: "ana", bytes: 1, expires: .seconds(99)))
            _ = plan.next(at: .zero)
            _ = plan.finish(Self.down, at: .zero)
            if case .wait(let until?) = plan.next(at: .zero) { pauses.append(until) }
        }
        #expect(pauses.count == 200 && Set(pauses).count > 190)
        #expect(pauses.allSatisfy { $0 >= .seconds(4) && $0 <= .seconds(6) })
        #expect(pauses.contains { $0 < .milliseconds(4_200) } && pauses.contains { $0 > .milliseconds(5_800) })
    }

    @Test func `a mail that comes while the server is away causes no attempt, and goes first afterwards`() {
        var stage = Stage()
        stage.add("1")
        _ = stage.tries("1", Self.down)
        stage.add("2")
        #expect(stage.waits() == .seconds(5))
        #expect(stage.tries("2", .delivered) == [.sent("2")])
        #expect(stage.tries("1", .delivered) == [.sent("1")])
        stage.add("3")
        #expect(stage.tries("3", .delivered) == [.sent("3")])
    }

    @Test func `after an outage the newest goes first, and the rest of every recipient becomes one digest`() {
        var stage = Stage()
        stage.add("1a")
        _ = stage.tries("1a", Self.down)
        for id in ["2a", "3a", "4a"] { stage.add(id) }
        for id in ["1b", "2b", "3b"] { stage.add(id, to: "bia") }
        stage.add("1c", to: "caio")
        _ = stage.waits()
        #expect(stage.tries("4a", .delivered) == [.sent("4a"), .merge(["1a", "2a", "3a"]), .merge(["1b", "2b"])])
        // The digests come back when they are written.
        stage.add("5a")
        stage.add("5b", to: "bia")
        for id in ["1c", "3b", "5a", "5b"] { #expect(stage.tries(id, .delivered) == [.sent(id)]) }
        #expect(stage.next() == .wait(until: nil))
    }

    @Test func `what an earlier run left goes the same way`() {
        var stage = Stage()
        stage.plan.recover(["1", "2", "3"].map { .init(id: $0, recipient: "ana", bytes: 1, expires: .seconds(9)) })
        #expect(stage.tries("3", .delivered) == [.sent("3"), .merge(["1", "2"])])
    }

    @Test func `the server's no for now delays that mail alone`() {
        var stage = Stage()
        stage.add("1")
        stage.add("2", to: "bia")
        #expect(stage.tries("1", Self.busy) == [.triedAgain("1", reason: "busy", after: .seconds(5))])
        #expect(stage.tries("2", .delivered) == [.sent("2")])
        #expect(stage.waits() == .seconds(5))
        #expect(stage.tries("1", Self.busy) == [.triedAgain("1", reason: "busy", after: .seconds(15))])
        #expect(stage.waits() == .seconds(15))
        #expect(stage.tries("1", .delivered) == [.sent("1")])
    }

    @Test func `the server's no for good ends that mail alone`() {
        var stage = Stage()
        stage.add("1")
        stage.add("2")
        #expect(stage.tries("1", .refused(reason: "never")) == [.failed("1", reason: "never")])
        #expect(stage.tries("2", .delivered) == [.sent("2")])
    }

    @Test func `TLS that is wrong holds the queue with one word, every 30 minutes`() {
        var stage = Stage()
        stage.add("1")
        #expect(stage.tries("1", Self.untrusted) == [.held(reason: "untrusted", retryAfter: .seconds(1_800))])
        stage.add("2")
        for outcome in [Self.untrusted, Self.down, Self.untrusted] {
            #expect(stage.waits() == .seconds(1_800))
            #expect(stage.tries("2", outcome) == [])
        }
        #expect(stage.waits() == .seconds(1_800))
        #expect(stage.tries("2", .delivered) == [.released, .sent("2")])
        #expect(stage.tries("1", Self.untrusted) == [.held(reason: "untrusted", retryAfter: .seconds(1_800))])
    }

    @Test func `a wrong login after wrong TLS is told as well`() {
        var stage = Stage()
        stage.add("1")
        _ = stage.tries("1", Self.untrusted)
        _ = stage.waits()
        let held = DeliveryPlan.Effect.held(reason: "login", retryAfter: .seconds(1_800))
        #expect(stage.tries("1", .blocked(.login, reason: "login")) == [held])
    }

    @Test func `a mail that the server stumbles over does not keep others from being tried`() {
        var stage = Stage()
        stage.add("1")
        stage.add("2", to: "bia")
        let crash = DeliveryOutcome.unreachable(reason: "closed", isMailAtFault: true)
        #expect(stage.tries("1", crash) == [.triedAgain("1", reason: "closed", after: .seconds(5))])
        #expect(stage.waits() == .seconds(5))
        #expect(stage.tries("2", .delivered) == [.sent("2")])
        #expect(stage.tries("1", crash) == [.triedAgain("1", reason: "closed", after: .seconds(5))])
    }

    @Test func `when we end, the mail stays as it was`() {
        var stage = Stage()
        stage.add("1")
        #expect(stage.tries("1", .aborted) == [])
        #expect(stage.plan.mails.map(\.id) == ["1"] && stage.plan.sending == nil)
    }

    @Test func `too many mails are merged, but for the newest of each recipient and the one under way`() {
        var stage = Stage { $0.mostWaiting = 6 }
        for number in 1...5 { stage.add("\(number)a") }
        #expect(stage.next() == .send("1a"))
        stage.add("1b", to: "bia")
        #expect(stage.plan.takeSurplus() == [])
        stage.add("2b", to: "bia")
        #expect(stage.plan.takeSurplus() == [["2a", "3a", "4a"]])
        #expect(stage.plan.mails.map(\.id) == ["1a", "1b", "2b", "5a"])
        #expect(stage.plan.finish(.delivered, at: stage.now) == [.sent("1a")])
    }

    @Test func `too many bytes are merged as well`() {
        var stage = Stage { $0.mostBytes = 1_000 }
        for number in 1...3 { stage.add("\(number)", bytes: 300) }
        #expect(stage.plan.takeSurplus() == [])
        stage.add("4", bytes: 300)
        #expect(stage.plan.takeSurplus() == [["1", "2", "3"]])
    }

    @Test func `more recipients than mails may wait are no reason to lose one`() {
        var stage = Stage { $0.mostWaiting = 3 }
        for number in 1...9 { stage.add("\(number)", to: "r\(number)") }
        #expect(stage.plan.takeSurplus() == [])
        #expect(stage.plan.mails.count == 9)
    }

    @Test(arguments: 0..<50) func `whatever happens, every mail is sent, failed, merged or waiting, once`(_ seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        var stage = Stage { $0.mostWaiting = 12 }
        var (made, ended, merging) = (Set<String>(), Set<String>(), [[String]]())
        var count = 0
        func end(_ id: String) { #expect(ended.insert(id).inserted, "\(id) ended twice") }
        for _ in 0..<2_000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<3:
                count += 1
                let id = String(100_000 + count)
                made.insert(id)
                stage.add(id, to: "r\(Int.random(in: 0..<4, using: &random))", bytes: 10)
                merging += stage.plan.takeSurplus()
            case 3 where !merging.isEmpty:
                let ids = merging.removeFirst()
                ids.forEach(end)
                count += 1
                made.insert(String(100_000 + count))
                stage.add(String(100_000 + count), to: "r0")
            case 4..<6: stage.now += .seconds(Int.random(in: 0..<4_000, using: &random))
            default:
                switch stage.next() {
                case .wait: break
                case .giveUp(let mails): mails.map(\.id).forEach(end)
                case .send(let id):
                    let outcomes = [
                        .delivered, .delivered, Self.busy, Self.down, Self.untrusted, .refused(reason: ""), .aborted,
                        .unreachable(reason: "", isMailAtFault: true),
                    ]
                    for effect in stage.plan.finish(outcomes.randomElement(using: &random) ?? .delivered, at: stage.now)
                    {
                        switch effect {
                        case .sent(let sent), .failed(let sent, _):
                            #expect(sent == id)
                            end(sent)
                        case .merge(let ids): merging.append(ids)
                        default: break
                        }
                    }
                }
            }
            let waiting = stage.plan.mails.map(\.id) + merging.flatMap { $0 }
            #expect(Set(waiting).count == waiting.count)
            #expect(Set(waiting) == made.subtracting(ended))
            #expect(stage.plan.mails.map(\.id) == stage.plan.mails.map(\.id).sorted())
        }
    }
}
