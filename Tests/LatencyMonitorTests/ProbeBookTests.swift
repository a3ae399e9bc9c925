// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Scheduling
import Testing

@testable import LatencyMonitor

/// What arrivals, and moments without one, mean.
@Suite struct ProbeBookTests {
    private static let second = Moment(nanoseconds: 1_000_000_000)

    private static func at(_ milliseconds: Int) -> Moment { Self.second + .milliseconds(milliseconds) }

    /// A book that expectations may change.
    @dynamicMemberLookup
    private final class Reference {
        private var book: ProbeBook
        init(_ book: ProbeBook) { self.book = book }
        subscript<Value>(dynamicMember path: KeyPath<ProbeBook, Value>) -> Value { self.book[keyPath: path] }
        var read: ProbeBook { self.book }
        func sent(_ id: ProbeBook.ID, slot: Int, isReprobe: Bool, at moment: Moment, time: Double) {
            self.book.sent(id, slot: slot, isReprobe: isReprobe, at: moment, time: time)
        }
        func reply(to id: ProbeBook.ID, at moment: Moment) -> ProbeEvent? { self.book.reply(to: id, at: moment) }
        func end(_ id: ProbeBook.ID, as outcome: PingOutcome) -> ProbeEvent? { self.book.end(id, as: outcome) }
        func foreign(to id: ProbeBook.ID) -> ProbeEvent? { self.book.foreign(to: id) }
        func close(_ id: ProbeBook.ID) { self.book.close(id) }
    }

    /// A book of a target 7 with a timeout of 100 ms, in which ping n was sent at n * 100 ms in slot n.
    private static func book(_ pings: Int = 1) -> Reference {
        let book = Reference(ProbeBook(target: 7, timeout: .milliseconds(100)))
        for ping in 0..<pings {
            book.sent(UInt64(ping), slot: ping, isReprobe: false, at: Self.at(100 * ping), time: Double(ping))
        }
        return book
    }

    @Test func `a reply in time has the ping's slot, moments and round-trip time`() {
        let book = Self.book(3)
        let event = book.reply(to: 2, at: Self.at(242))
        #expect(
            event
                == ProbeEvent(
                    target: 7,
                    slot: 2,
                    moment: Self.at(200),
                    time: 2,
                    kind: .decided(.reply(.milliseconds(42)))
                )
        )
    }

    @Test func `a reply at the last moment is in time, and one just after is not`() {
        let book = Self.book()
        #expect(!book.read.isOverdue(0, at: Self.at(100)))
        #expect(book.read.isOverdue(0, at: Self.at(100) + .nanoseconds(1)))
        #expect(book.read.overdue(at: Self.at(100)) == [])
        #expect(book.read.overdue(at: Self.at(100) + .nanoseconds(1)) == [0])
        #expect(book.reply(to: 0, at: Self.at(100) + .nanoseconds(1)) == nil)
        #expect(book.reply(to: 0, at: Self.at(100))?.kind == .decided(.reply(.milliseconds(100))))
    }

    @Test func `after a timeout the first reply is late, and each further one a duplicate`() {
        let book = Self.book()
        #expect(book.end(0, as: .timeout)?.kind == .decided(.timeout))
        #expect(book.reply(to: 0, at: Self.at(250))?.kind == .late(.milliseconds(250)))
        #expect(book.reply(to: 0, at: Self.at(260))?.kind == .duplicate)
        #expect(book.reply(to: 0, at: Self.at(270))?.kind == .duplicate)
    }

    @Test func `after a reply each further one is a duplicate, however late`() {
        let book = Self.book()
        _ = book.reply(to: 0, at: Self.at(10))
        #expect(book.reply(to: 0, at: Self.at(20))?.kind == .duplicate)
        #expect(book.reply(to: 0, at: Self.at(900))?.kind == .duplicate)
    }

    @Test func `a late reply during the next ping is the earlier one's`() {
        let book = Self.book(2)
        _ = book.end(0, as: .timeout)
        #expect(book.reply(to: 0, at: Self.at(130))?.slot == 0)
        #expect(book.isWaiting)
        #expect(book.reply(to: 1, at: Self.at(150))?.kind == .decided(.reply(.milliseconds(50))))
        #expect(!book.isWaiting)
    }

    @Test func `a ping is decided once`() {
        for outcome in [PingOutcome.timeout, .refused, .inconclusive] {
            let book = Self.book()
            #expect(book.end(0, as: outcome)?.kind == .decided(outcome))
            #expect(book.end(0, as: .timeout) == nil)
            #expect(!book.read.isOverdue(0, at: Self.at(900)))
        }
        let book = Self.book()
        _ = book.reply(to: 0, at: Self.at(10))
        #expect(book.end(0, as: .timeout) == nil)
    }

    @Test func `a reply to what was refused, or of which nobody can know, says nothing`() {
        for outcome in [PingOutcome.refused, .inconclusive] {
            let book = Self.book()
            _ = book.end(0, as: outcome)
            #expect(book.reply(to: 0, at: Self.at(20)) == nil)
            #expect(book.reply(to: 0, at: Self.at(30)) == nil)
        }
    }

    @Test func `what is no reply is told and decides nothing`() {
        let book = Self.book()
        #expect(book.foreign(to: 0)?.kind == .foreign)
        #expect(book.foreign(to: 1) == nil)
        #expect(book.isWaiting)
        #expect(book.reply(to: 0, at: Self.at(20))?.kind == .decided(.reply(.milliseconds(20))))
    }

    @Test func `a moment before the sending is no negative time`() {
        let book = Self.book()
        #expect(book.reply(to: 0, at: Self.at(-5))?.kind == .decided(.reply(.zero)))
    }

    @Test func `the oldest undecided ping says when to look again`() {
        let book = Self.book(3)
        #expect(book.nextDeadline == Self.at(100))
        _ = book.reply(to: 1, at: Self.at(150))
        #expect(book.nextDeadline == Self.at(100))
        _ = book.end(0, as: .timeout)
        #expect(book.nextDeadline == Self.at(300))
        #expect(book.undecided == [2])
        #expect(book.read.overdue(at: Self.at(301)) == [2])
        _ = book.end(2, as: .timeout)
        #expect(book.nextDeadline == nil)
    }

    @Test func `the oldest socket is closed once it is too old or one too many, and never undecided`() {
        let book = Self.book(3)
        let old = Self.at(60_000)
        #expect(book.read.closable(at: old, lateness: .seconds(1), most: 0) == nil)
        #expect(book.read.nextClosing(lateness: .seconds(1)) == nil)
        _ = book.end(0, as: .timeout)
        _ = book.end(1, as: .timeout)
        #expect(book.read.nextClosing(lateness: .seconds(1)) == Self.at(1_000))
        #expect(book.read.closable(at: Self.at(1_000), lateness: .seconds(1), most: 3) == nil)
        #expect(book.read.closable(at: Self.at(1_001), lateness: .seconds(1), most: 3) == 0)
        #expect(book.read.closable(at: Self.at(200), lateness: .seconds(1), most: 2) == 0)
        book.close(0)
        #expect(book.read.closable(at: Self.at(200), lateness: .seconds(1), most: 2) == nil)
        #expect(book.read.nextClosing(lateness: .seconds(1)) == Self.at(1_100))
        #expect(book.reply(to: 0, at: Self.at(300)) == nil)
        book.close(2)
        #expect(!book.isWaiting)
    }

    @Test func `it is quiet once nothing waits, and nothing that was not answered can be any more`() {
        let book = Self.book(1)
        #expect(!book.read.isQuiet(at: Self.at(10)))
        _ = book.end(0, as: .timeout)
        let horizon = 100 * ProbeBook.quietTimeouts
        #expect(!book.read.isQuiet(at: Self.at(horizon)))
        #expect(book.read.isQuiet(at: Self.at(horizon + 1)))
        let answered = Self.book(1)
        _ = answered.reply(to: 0, at: Self.at(20))
        #expect(answered.read.isQuiet(at: Self.at(20)))
        let late = Self.book(1)
        _ = late.end(0, as: .timeout)
        _ = late.reply(to: 0, at: Self.at(150))
        #expect(late.read.isQuiet(at: Self.at(150)))
        let refused = Self.book(1)
        _ = refused.end(0, as: .refused)
        #expect(refused.read.isQuiet(at: Self.at(1)))
        // A stop of this process says nothing of the answer either.
        let stopped = Self.book(1)
        _ = stopped.end(0, as: .inconclusive)
        #expect(!stopped.read.isQuiet(at: Self.at(horizon)))
    }

    @Test func `what floods a ping is told a hundred times, and then its socket is closed`() {
        let book = Self.book(1)
        var told = 0
        for _ in 0..<150 where book.foreign(to: 0) != nil { told += 1 }
        #expect(told == ProbeBook.mostSurplus)
        #expect(!book.read.isFlooded(0))
        _ = book.reply(to: 0, at: Self.at(20))
        #expect(book.read.isFlooded(0))
        let echoed = Self.book(1)
        _ = echoed.reply(to: 0, at: Self.at(20))
        var duplicates = 0
        for _ in 0..<150 where echoed.reply(to: 0, at: Self.at(21))?.kind == .duplicate { duplicates += 1 }
        #expect(duplicates == ProbeBook.mostSurplus)
        #expect(echoed.read.isFlooded(0))
    }

    @Test func `re-probes are told apart`() {
        let book = Self.book()
        book.sent(9, slot: 0, isReprobe: true, at: Self.at(5), time: 0)
        #expect(book.read.isReprobe(9))
        #expect(!book.read.isReprobe(0))
    }
}
