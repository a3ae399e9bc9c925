// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Testing

@testable import RelayHooks

/// Who is paused or refused for time that hooks waste.
@Suite struct WasteLedgerTests {
    private let rules = WasteLedger.Rules(window: 10, hook: 0.2)
    private func record(_ script: String = "a.lua") -> CallRecord {
        CallRecord(event: .message, onError: .skip, nil, script: script, line: 1)
    }

    @Test func `a hook that wastes too much is paused, and begins anew then`() {
        var ledger = WasteLedger()
        let hook = self.record()
        #expect(ledger.note(0.15, by: hook, from: nil, at: 1, self.rules) == .nothing)
        #expect(ledger.note(0.06, by: hook, from: nil, at: 2, self.rules) == .pauseHook)
        #expect(ledger.note(0.15, by: hook, from: nil, at: 3, self.rules) == .nothing)
    }

    @Test func `what is older than the window does not count, nor what costs nothing`() {
        var ledger = WasteLedger()
        let hook = self.record()
        #expect(ledger.note(0.15, by: hook, from: nil, at: 1, self.rules) == .nothing)
        #expect(ledger.note(0.15, by: hook, from: .client(1), newest: 1, at: 11.5, self.rules) == .nothing)
        #expect(ledger.note(0, by: hook, from: .client(1), newest: 1, at: 11.6, self.rules) == .nothing)
    }

    @Test func `where one sender's texts cost most of it, that sender is refused`() {
        var ledger = WasteLedger()
        let hook = self.record()
        #expect(ledger.note(0.05, by: hook, from: .client(1), newest: 1, at: 1, self.rules) == .nothing)
        #expect(ledger.note(0.1, by: hook, from: .client(2), newest: 2, at: 2, self.rules) == .nothing)
        #expect(
            ledger.note(0.1, by: hook, from: .client(2), newest: 3, at: 3, self.rules)
                == .refuse([.init(source: .client(2), newest: 2)])
        )
        // Only what that sender cost is struck out.
        #expect(
            ledger.note(0.16, by: hook, from: .client(3), newest: 4, at: 4, self.rules)
                == .refuse([.init(source: .client(3), newest: 4)])
        )
    }

    @Test func `where nobody's texts cost most of it, the hook is paused`() {
        var ledger = WasteLedger()
        let hook = self.record()
        for id in 1...3 {
            let verdict = ledger.note(
                0.07,
                by: hook,
                from: .client(Int64(id)),
                newest: Int64(id),
                at: Double(id),
                self.rules
            )
            #expect(verdict == (id == 3 ? .pauseHook : .nothing))
        }
    }

    @Test func `for a hook that answers false for failures all who cost it time are refused`() {
        var ledger = WasteLedger()
        let hook = CallRecord(event: .message, onError: .fail, nil, script: "a.lua", line: 1)
        for id in 1...3 {
            let verdict = ledger.note(
                0.07,
                by: hook,
                from: .client(Int64(id)),
                newest: Int64(id),
                at: Double(id),
                self.rules
            )
            let all = (1...3).map { WasteLedger.Sender(source: .client(Int64($0)), newest: Int64($0)) }
            #expect(verdict == (id == 3 ? .refuse(all) : .nothing))
        }
        // Without senders to blame it is paused as any other.
        #expect(ledger.note(0.3, by: hook, from: nil, at: 4, self.rules) == .pauseHook)
    }

    @Test func `a sender who is refused already is not refused again`() {
        var ledger = WasteLedger()
        let hook = self.record()
        #expect(ledger.note(0.3, by: hook, from: .client(1), isRefused: true, at: 1, self.rules) == .pauseHook)
    }

    @Test func `somebody who reconnects is known by the address`() {
        var ledger = WasteLedger()
        let hook = self.record()
        #expect(ledger.note(0.09, by: hook, from: .client(1), newest: 1, at: 1, self.rules) == .nothing)
        ledger.move(1, to: "10.0.0.1")
        #expect(ledger.note(0.09, by: hook, from: .client(2), newest: 2, at: 2, self.rules) == .nothing)
        ledger.move(2, to: "10.0.0.1")
        #expect(
            ledger.note(0.09, by: hook, from: .client(3), newest: 3, at: 3, self.rules)
                == .refuse([.init(source: .former(host: "10.0.0.1"), newest: 1)])
        )
    }

    @Test func `the hooks of a file are paused together, and the worst file of all`() {
        var ledger = WasteLedger()
        for id in 1...3 {
            #expect(
                ledger.note(0.19, by: self.record(), from: nil, at: Double(id), self.rules)
                    == (id == 3 ? .pauseFile("a.lua") : .nothing)
            )
        }
        var last = WasteLedger.Verdict.nothing
        for (id, name) in ["b", "b", "c", "c", "d", "d"].enumerated() {
            #expect(last == .nothing)
            last = ledger.note(
                id == 3 ? 0.195 : 0.18,
                by: self.record(name),
                from: nil,
                at: 3 + Double(id) / 10,
                self.rules
            )
        }
        #expect(last == .pauseFile("c"))
    }

    @Test func `the number of entries is bounded`() {
        var ledger = WasteLedger()
        let hooks = (0..<2_000).map { _ in self.record() }
        for (index, hook) in hooks.enumerated() {
            _ = ledger.note(0.000_001, by: hook, from: .client(Int64(index)), newest: 1, at: 1, self.rules)
        }
        #expect(ledger.count == WasteLedger.most)
    }

    @Test func `a refusal ends, and holds for those who come from there afterwards`() {
        var refused = RefusedSenders()
        refused.refuse(.client(7), host: "h", newest: 10, at: 10, for: 30)
        #expect(refused.isRefused(client: 7, host: "h", at: 39))
        #expect(!refused.isRefused(client: 9, host: "h", at: 39), "somebody else, who was there before")
        #expect(refused.isRefused(client: 11, host: "h", at: 39), "the same person, perhaps")
        #expect(!refused.isRefused(client: 11, host: "i", at: 39))
        #expect(!refused.isRefused(host: "h", at: 39), "who is no client may become one")
        refused.refuse(.host("h"), host: "h", newest: 5, at: 10, for: 30)
        #expect(refused.isRefused(host: "h", at: 39))
        #expect(!refused.isRefused(client: 7, host: "h", at: 41))
        #expect(!refused.isRefused(client: 11, host: "h", at: 41))
        refused.removeExpired(at: 41)
        #expect(refused.isEmpty)
    }

    @Test func `an address is refused from its first waste on`() {
        var refused = RefusedSenders()
        refused.refuse(.former(host: "h"), host: "h", newest: 5, at: 10, for: 30)
        #expect(!refused.isRefused(host: "h", at: 11), "others may come from there")
        #expect(refused.isRefused(client: 6, host: "h", at: 11))
        #expect(!refused.isRefused(client: 4, host: "h", at: 11))
    }

    @Test func `addresses are bounded`() {
        var refused = RefusedSenders()
        for id in 0..<3_000 { refused.refuse(.host("\(id)"), host: "\(id)", newest: 0, at: 1, for: 30 + Double(id)) }
        #expect(refused.hostCount == RefusedSenders.mostHosts)
        #expect(refused.isRefused(host: "2999", at: 2))
        #expect(!refused.isRefused(host: "0", at: 2))
    }
}
