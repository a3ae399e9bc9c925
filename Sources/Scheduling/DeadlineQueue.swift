// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import HeapModule

/// Something that a loop does at a moment, unless it is cancelled before.
///
/// Confined to its loop.
public final class LoopDeadline {
    /// When it is due.
    public let moment: Moment
    fileprivate var body: (() -> Void)?
    fileprivate weak var queue: DeadlineQueue?

    fileprivate init(_ moment: Moment, _ queue: DeadlineQueue, _ body: @escaping () -> Void) {
        self.moment = moment
        self.queue = queue
        self.body = body
    }

    /// Has it not happen.
    public func cancel() {
        guard self.body != nil else { return }
        self.body = nil
        self.queue?.noteCancelled()
    }
}

/// What is to be done when: a heap by moment; of equal moments what was added first comes first.
///
/// Cancelling is cheap: the entry stays in the heap until it is due, or until cancelled entries outnumber the others.
final class DeadlineQueue {
    private struct Entry: Comparable {
        let deadline: LoopDeadline
        let number: UInt64

        static func < (left: Entry, right: Entry) -> Bool {
            (left.deadline.moment.nanoseconds, left.number) < (right.deadline.moment.nanoseconds, right.number)
        }
        static func == (left: Entry, right: Entry) -> Bool { left.number == right.number }
    }

    private var heap: Heap<Entry> = []
    private var lastNumber: UInt64 = 0
    private var cancelled = 0

    /// Cancelled entries that may stay, however few others there are.
    private static let fewCancelled = 64

    /// When the next one is due.
    var next: Moment? {
        self.dropCancelled()
        return self.heap.min?.deadline.moment
    }

    /// How many entries are in memory, cancelled ones included.
    var storedCount: Int { self.heap.count }

    func add(_ moment: Moment, _ body: @escaping () -> Void) -> LoopDeadline {
        let deadline = LoopDeadline(moment, self, body)
        self.lastNumber += 1
        self.heap.insert(Entry(deadline: deadline, number: self.lastNumber))
        return deadline
    }

    /// Takes out what the next deadline does, if it is due.
    func popDue(at moment: Moment) -> (() -> Void)? {
        self.dropCancelled()
        guard let first = self.heap.min, first.deadline.moment <= moment else { return nil }
        self.heap.removeMin()
        defer { first.deadline.body = nil }
        return first.deadline.body
    }

    func removeAll() {
        self.heap = []
        self.cancelled = 0
    }

    fileprivate func noteCancelled() {
        self.cancelled += 1
        guard self.cancelled > Self.fewCancelled, self.cancelled > self.heap.count / 2 else { return }
        self.heap = Heap(self.heap.unordered.filter { $0.deadline.body != nil })
        self.cancelled = 0
    }

    private func dropCancelled() {
        while let first = self.heap.min, first.deadline.body == nil {
            self.heap.removeMin()
            self.cancelled -= 1
        }
    }
}
