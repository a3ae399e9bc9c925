// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import DequeModule
internal import Synchronization

/// What other threads want of a loop, of one kind: a bounded queue, of which the loop takes a share each tick.
///
/// A full mailbox takes nothing more and counts what it refused; it never blocks who posts.
public final class Mailbox<Item: Sendable>: Sendable {
    private struct State {
        var items: Deque<Item> = []
        var refused = 0
        var isClosed = false
    }

    /// What a tick takes of a mailbox.
    public struct Share: Sendable {
        /// The most items.
        public var items: Int
        /// The time after which no further item is begun.
        public var time: Duration

        /// Makes a share.
        public init(items: Int, time: Duration) {
            self.items = items
            self.time = time
        }
    }

    private let state = Mutex(State())
    private let limit: Int
    private let share: Share
    nonisolated(unsafe) private var signal: LoopSignal?

    /// Makes a mailbox of a loop; call on the loop.
    ///
    /// - Parameters:
    ///   - loop: Whose it is.
    ///   - limit: Items that may wait.
    ///   - share: What a tick takes.
    ///   - receive: Called on the loop for each item, in the order in which they came.
    public convenience init(
        on loop: ScriptLoop,
        limit: Int,
        share: Share,
        _ receive: @escaping (Item) -> Void
    ) {
        self.init(limit: limit, share: share)
        // Unsafe because it is set once, before another thread knows the mailbox.
        self.signal = loop.signal { [unowned self] in self.handle(receive) }
    }

    init(limit: Int, share: Share) {
        self.limit = limit
        self.share = share
    }

    func attach(_ signal: LoopSignal) { self.signal = signal }

    /// Adds an item.
    ///
    /// - Returns: False if the mailbox is full or closed, or its loop has ended: then the item was not taken.
    @discardableResult
    public func post(_ item: Item) -> Bool {
        let hasEnded = self.signal?.isEnded == true
        let isTaken = self.state.withLock { state in
            guard !state.isClosed, !hasEnded else { return false }
            guard state.items.count < self.limit else {
                state.refused += 1
                return false
            }
            state.items.append(item)
            return true
        }
        if isTaken { self.signal?.raise() }
        return isTaken
    }

    /// How many items were refused because the mailbox was full, since this was last asked.
    public func takeRefused() -> Int {
        self.state.withLock { state in
            defer { state.refused = 0 }
            return state.refused
        }
    }

    /// Takes nothing more.
    ///
    /// - Returns: What waits, which the loop does not come to any more.
    @discardableResult
    public func close() -> [Item] {
        self.state.withLock { state in
            state.isClosed = true
            defer { state.items = [] }
            return Array(state.items)
        }
    }

    /// Deals a tick's share out; returns whether more waits.
    func handle(_ receive: (Item) -> Void) -> Bool {
        let end = Moment.now + self.share.time
        for _ in 0..<self.share.items {
            guard let item = self.state.withLock({ $0.items.popFirst() }) else { return false }
            receive(item)
            if Moment.now >= end { break }
        }
        return self.state.withLock { !$0.items.isEmpty }
    }
}
