// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CSockets
internal import Foundation
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// The loop has ended, or takes no more requests.
public struct LoopRefusal: Error, CustomStringConvertible {
    /// Why.
    public var description: String
}

/// The event loop that everything of a relay runs on which scripts can see: one thread, and the only scheduler there is.
///
/// A *tick* looks at the sockets (epoll(7)), then gives each kind of work its share: mailboxes from other threads, deadlines,
/// and the ``work``. What is left waits for the next tick. Nothing can be queued that keeps the loop from its sockets: what
/// is made due in a tick is done in the next one at the earliest.
///
/// Unchecked because all of its mutable state is touched on its own thread alone, which the methods check; other threads
/// reach it by signals, mailboxes and ``run(_:)``.
public final class ScriptLoop: @unchecked Sendable {
    /// A descriptor that is waited for.
    private struct Slot {
        var source: (any DescriptorSource)?
        var descriptor: CInt = -1
        /// Counts the descriptors of this slot, so that an event of an earlier one is recognised.
        var generation: UInt32 = 0
    }

    /// Stands for a descriptor that is waited for.
    public struct Watch: Sendable {
        fileprivate var index: Int
        fileprivate var generation: UInt32
        fileprivate var token: UInt64 { UInt64(self.generation) << 32 | UInt64(self.index) }
    }

    /// What somebody waits for who called from outside.
    private struct Request: Sendable {
        var body: @Sendable () -> Void
        var refuse: @Sendable () -> Void
    }

    /// Deadlines are run for as long in a tick.
    public static let deadlineShare = Duration.milliseconds(4)
    /// Requests of other threads that may wait.
    private static let requestLimit = 1_024
    /// Events that one look at the sockets takes; the others are taken in the next tick.
    private static let eventsPerTick = 256
    private static let wakeToken = UInt64.max

    // Any thread.
    private let poller: CInt
    private let waker: ThreadWaker
    private let isEnding = Atomic(false)
    private let thread = Atomic<UInt>(0)
    private let requests = Mailbox<Request>(limit: requestLimit, share: .init(items: 1, time: .zero))
    private let ending = Mutex<(hasEnded: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

    // The loop's thread.
    private var slots: [Slot] = []
    private var freeSlots: [Int] = []
    private var signals: [LoopSignal] = []
    private let deadlines = DeadlineQueue()
    private var tickStart = Moment.past
    private var ready = [csockets_ready](repeating: csockets_ready(), count: eventsPerTick)
    /// Those who wait for something that takes more than one tick, by number.
    private var unfinished: [UInt64: CheckedContinuation<Void, any Error>] = [:]
    private var lastUnfinished: UInt64 = 0
    /// What is done in each tick.
    public var work: (any LoopWork)? {
        didSet { self.preconditionOnLoop() }
    }

    /// Starts a loop.
    ///
    /// - Parameter name: What its thread is called.
    /// - Throws: ``LoopRefusal`` where the system has no descriptor left.
    public init(name: String) throws(LoopRefusal) {
        let waker = ThreadWaker()
        self.poller = waker == nil ? -EMFILE : csockets_poller_make()
        var code = min(self.poller, 0)
        if code == 0, let waker {
            code = csockets_poller_add(
                self.poller,
                waker.descriptor,
                Self.wakeToken,
                DescriptorState.readable.rawValue
            )
        }
        guard code == 0, let waker else {
            if self.poller >= 0 { close(self.poller) }
            throw LoopRefusal(description: "cannot make an event loop: \(String(cString: strerror(-code)))")
        }
        self.waker = waker
        let signal = LoopSignal(self.waker) { [unowned self] in self.requests.handle { $0.body() } }
        self.requests.attach(signal)
        self.signals = [signal]
        let thread = Thread { self.main() }
        thread.name = name
        // Lua calls C functions that call Lua: as much as the main thread has.
        thread.stackSize = 8 << 20
        thread.start()
    }

    deinit { close(self.poller) }

    // MARK: From any thread

    /// Whether the caller is on the loop's thread.
    public var isCurrent: Bool { self.thread.load(ordering: .relaxed) == UInt(pthread_self()) }

    /// Stops the process where something of the loop is touched by another thread: that would be a fault of ours.
    public func preconditionOnLoop() { precondition(self.isCurrent, "touched outside the script loop") }

    /// Does something on the loop, and waits for it.
    ///
    /// One request runs a tick, so requests cannot keep texts waiting.
    ///
    /// - Parameter body: What is done; it does not block.
    /// - Returns: Its result.
    /// - Throws: Its error, or ``LoopRefusal`` once the loop ends and when too many requests wait.
    public func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Value, any Error>) in
            self.request(
                { continuation.resume(with: Result(catching: body)) },
                refuse: { continuation.resume(throwing: $0) }
            )
        }
    }

    /// Does something on the loop, some time soon.
    ///
    /// - Returns: False if the loop ends, or too many requests wait: then it is not done.
    @discardableResult
    public func post(_ body: @escaping @Sendable () -> Void) -> Bool {
        self.requests.post(Request(body: body, refuse: {}))
    }

    /// Begins something on the loop, and waits until it says that it is finished, which may take many ticks.
    ///
    /// - Parameter body: Begins it, and has `finish` called on the loop, once.
    /// - Throws: What `body` throws, or ``LoopRefusal`` if the loop ends before it is finished.
    public func runUntilFinished(
        _ body: @escaping @Sendable (_ finish: @escaping () -> Void) throws -> Void
    ) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            self.request(
                {
                    self.lastUnfinished += 1
                    let number = self.lastUnfinished
                    self.unfinished[number] = continuation
                    do {
                        try body { self.unfinished.removeValue(forKey: number)?.resume() }
                    } catch {
                        self.unfinished.removeValue(forKey: number)?.resume(throwing: error)
                    }
                },
                refuse: { continuation.resume(throwing: $0) }
            )
        }
    }

    private func request(
        _ body: @escaping @Sendable () -> Void,
        refuse: @escaping @Sendable (LoopRefusal) -> Void
    ) {
        let ended = LoopRefusal(description: "the event loop has ended")
        guard !self.requests.post(Request(body: body, refuse: { refuse(ended) })) else { return }
        let isEnding = self.isEnding.load(ordering: .acquiring)
        refuse(isEnding ? ended : LoopRefusal(description: "too many requests wait for the event loop"))
    }

    /// Ends the loop after the tick that runs, and waits for that unless it is called on the loop.
    ///
    /// What waits in mailboxes is refused. Ending twice is once.
    public func end() async {
        self.beginEnding()
        guard !self.isCurrent else { return }
        await withCheckedContinuation { continuation in
            let hasEnded = self.ending.withLock { ending in
                if !ending.hasEnded { ending.waiting.append(continuation) }
                return ending.hasEnded
            }
            if hasEnded { continuation.resume() }
        }
    }

    /// Ends the loop after the tick that runs.
    public func beginEnding() {
        self.isEnding.store(true, ordering: .sequentiallyConsistent)
        self.waker.wake()
    }

    // MARK: On the loop

    /// Makes a signal that other threads can raise.
    ///
    /// - Parameter action: Called once a tick while it is raised; returns whether more is left for the next tick.
    /// - Returns: The signal, which the loop keeps until ``remove(_:)``.
    public func signal(_ action: @escaping () -> Bool) -> LoopSignal {
        self.preconditionOnLoop()
        let signal = LoopSignal(self.waker, action)
        self.signals.append(signal)
        return signal
    }

    /// Forgets a signal: its action is not called any more.
    public func remove(_ signal: LoopSignal) {
        self.preconditionOnLoop()
        signal.end()
        self.signals.removeAll { $0 === signal }
    }

    /// Does something at a moment, in the first tick that begins then or later, but never in the tick that runs.
    @discardableResult
    public func schedule(at moment: Moment, _ body: @escaping () -> Void) -> LoopDeadline {
        self.preconditionOnLoop()
        return self.deadlines.add(max(moment, self.tickStart + .nanoseconds(1)), body)
    }

    /// Waits for a descriptor; the loop keeps the source until ``unwatch(_:)``.
    ///
    /// - Returns: What stands for it; nil if the system cannot.
    public func watch(_ descriptor: CInt, for state: DescriptorState, _ source: any DescriptorSource) -> Watch? {
        self.preconditionOnLoop()
        let index = self.freeSlots.popLast() ?? self.slots.count
        if index == self.slots.count { self.slots.append(Slot()) }
        let watch = Watch(index: index, generation: self.slots[index].generation)
        guard csockets_poller_add(self.poller, descriptor, watch.token, state.rawValue) == 0 else {
            self.freeSlots.append(index)
            return nil
        }
        self.slots[index].source = source
        self.slots[index].descriptor = descriptor
        return watch
    }

    /// Waits for something else of a descriptor.
    public func change(_ watch: Watch, to state: DescriptorState) {
        guard let descriptor = self.descriptor(of: watch) else { return }
        _ = csockets_poller_change(self.poller, descriptor, watch.token, state.rawValue)
    }

    /// Waits for a descriptor no longer: to be called before it is closed.
    public func unwatch(_ watch: Watch) {
        guard let descriptor = self.descriptor(of: watch) else { return }
        csockets_poller_remove(self.poller, descriptor)
        self.slots[watch.index].source = nil
        self.slots[watch.index].descriptor = -1
        self.slots[watch.index].generation &+= 1
        self.freeSlots.append(watch.index)
    }

    private func descriptor(of watch: Watch) -> CInt? {
        self.preconditionOnLoop()
        guard self.slots[watch.index].generation == watch.generation else { return nil }
        return self.slots[watch.index].descriptor
    }

    // MARK: The thread

    private func main() {
        self.thread.store(UInt(pthread_self()), ordering: .relaxed)
        while !self.isEnding.load(ordering: .sequentiallyConsistent) {
            self.look()
            let start = Moment.now
            self.tickStart = start
            // By index: a handler may add one.
            var index = 0
            while index < self.signals.count {
                self.signals[index].handle()
                index += 1
            }
            self.runDeadlines(at: start)
            self.work?.tick(at: start)
        }
        self.finish()
    }

    /// Looks at the descriptors, and waits for them while there is nothing else to do.
    private func look() {
        // In this order: who raises a signal sees that the loop may sleep, or the loop sees the signal.
        self.waker.willWait()
        let nanoseconds = self.patience()
        let count = self.ready.withUnsafeMutableBufferPointer {
            csockets_poller_wait(self.poller, $0.baseAddress, CInt($0.count), nanoseconds)
        }
        self.waker.hasWaited()
        for index in 0..<Int(max(0, count)) {
            let event = self.ready[index]
            guard event.token != Self.wakeToken else {
                self.waker.clear()
                continue
            }
            let slot = self.slots[Int(event.token & 0xFFFF_FFFF)]
            guard slot.generation == UInt32(event.token >> 32) else { continue }
            slot.source?.descriptorReady(DescriptorState(rawValue: event.state))
        }
    }

    /// For how many nanoseconds nothing has to be done; -1 for as long as nothing happens.
    private func patience() -> Int64 {
        if self.isEnding.load(ordering: .sequentiallyConsistent) || self.signals.contains(where: \.isPending) {
            return 0
        }
        var next = self.work?.nextMoment
        if let deadline = self.deadlines.next { next = next.map { min($0, deadline) } ?? deadline }
        guard let next else { return -1 }
        // A moment that has passed needs no look at the clock.
        return next == .past ? 0 : max(0, (next - Moment.now).nanoseconds)
    }

    private func runDeadlines(at start: Moment) {
        let end = start + Self.deadlineShare
        while let body = self.deadlines.popDue(at: start) {
            body()
            if Moment.now >= end { return }
        }
    }

    private func finish() {
        self.work = nil
        for request in self.requests.close() { request.refuse() }
        let unfinished = self.unfinished
        self.unfinished = [:]
        for continuation in unfinished.values {
            continuation.resume(throwing: LoopRefusal(description: "the event loop has ended"))
        }
        for signal in self.signals { signal.end() }
        self.signals = []
        self.deadlines.removeAll()
        self.slots = []
        let waiting = self.ending.withLock { ending in
            ending.hasEnded = true
            defer { ending.waiting = [] }
            return ending.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
