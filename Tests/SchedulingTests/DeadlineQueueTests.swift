// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import TestSupport
import Testing

@testable import Scheduling

@Suite struct DeadlineQueueTests {
    private static func at(_ nanoseconds: Int64) -> Moment { Moment(nanoseconds: nanoseconds) }

    @Test func `what is due earliest comes first, and of equals what was added first`() {
        let queue = DeadlineQueue()
        var done: [String] = []
        for (name, moment) in [("c", Int64(30)), ("a", 10), ("b1", 20), ("b2", 20), ("d", 40)] {
            _ = queue.add(Self.at(moment)) { done.append(name) }
        }
        #expect(queue.next == Self.at(10))
        while let body = queue.popDue(at: Self.at(30)) { body() }
        #expect(done == ["a", "b1", "b2", "c"])
        #expect(queue.next == Self.at(40))
    }

    @Test func `a cancelled deadline does not happen, and is not waited for`() {
        let queue = DeadlineQueue()
        var done: [Int] = []
        let first = queue.add(Self.at(1)) { done.append(1) }
        _ = queue.add(Self.at(2)) { done.append(2) }
        first.cancel()
        first.cancel()
        #expect(queue.next == Self.at(2))
        while let body = queue.popDue(at: Self.at(5)) { body() }
        #expect(done == [2])
        #expect(queue.next == nil)
    }

    @Test func `cancelling what has happened changes nothing`() {
        let queue = DeadlineQueue()
        let first = queue.add(Self.at(1)) {}
        queue.popDue(at: Self.at(1))?()
        first.cancel()
        _ = queue.add(Self.at(2)) {}
        #expect(queue.next == Self.at(2))
    }

    @Test func `cancelled deadlines of a distant future take up no memory for long`() {
        let queue = DeadlineQueue()
        _ = queue.add(Self.at(1)) {}
        for _ in 0..<10_000 { queue.add(Self.at(1_000_000_000_000)) {}.cancel() }
        #expect(queue.storedCount <= 200)
        #expect(queue.next == Self.at(1))
    }

    @Test(arguments: 0..<50)
    func `random deadlines are those of a sorted list`(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        let queue = DeadlineQueue()
        var expected: [(moment: Int64, number: Int)] = []
        var done: [Int] = []
        for number in 0..<300 {
            let moment = Int64.random(in: 0..<100, using: &random)
            let deadline = queue.add(Self.at(moment)) { done.append(number) }
            if Bool.random(using: &random) { deadline.cancel() } else { expected.append((moment, number)) }
        }
        while let body = queue.popDue(at: Self.at(1_000)) { body() }
        #expect(done == expected.sorted { $0 < $1 }.map(\.number))
    }
}
