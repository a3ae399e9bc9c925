// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import Synchronization
import Testing

@testable import Scheduling

/// Work of a loop that notes its ticks.
private final class NotedWork: LoopWork {
    var nextMoment: Moment?
    var ticks = 0
    var body: () -> Void = {}

    func tick(at start: Moment) {
        self.ticks += 1
        self.nextMoment = nil
        self.body()
    }
}

/// Notes what its descriptor was ready for.
private final class NotedSource: DescriptorSource {
    var states: [DescriptorState] = []
    var body: (DescriptorState) -> Void = { _ in }

    func descriptorReady(_ state: DescriptorState) {
        self.states.append(state)
        self.body(state)
    }
}

@Suite(.timeLimit(.minutes(15))) struct ScriptLoopTests {
    /// Runs a body with a loop, which ends whatever happens.
    private func withLoop(_ body: (ScriptLoop) async throws -> Void) async throws {
        let loop = try ScriptLoop(name: "test loop")
        do {
            try await body(loop)
        } catch {
            await loop.end()
            throw error
        }
        await loop.end()
    }

    @Test func `what is run on the loop gives its result or its error`() async throws {
        struct Mistake: Error {}
        try await self.withLoop { loop in
            let answer = try await loop.run { loop.isCurrent ? 42 : 0 }
            #expect(answer == 42)
            #expect(!loop.isCurrent)
            await #expect(throws: Mistake.self) { try await loop.run { throw Mistake() } }
        }
    }

    @Test func `a loop that has ended refuses what is asked of it`() async throws {
        let loop = try ScriptLoop(name: "test loop")
        await loop.end()
        await #expect(throws: LoopRefusal.self) { try await loop.run {} }
        await #expect(throws: LoopRefusal.self) { try await loop.runUntilFinished { $0() } }
        #expect(!loop.post {})
        await loop.end()
    }

    @Test func `what waits when the loop ends is refused, and so is what was not finished`() async throws {
        let loop = try ScriptLoop(name: "test loop")
        let began = AsyncStream.makeStream(of: Void.self)
        let unfinished = Task { try await loop.runUntilFinished { _ in began.continuation.finish() } }
        for await _ in began.stream {}
        // While this one runs, the next one waits; then the loop ends.
        let release = DispatchSemaphore(value: 0)
        let blocking = Task { try await loop.run { release.wait() } }
        let waiting = Task { try await loop.run {} }
        loop.beginEnding()
        release.signal()
        await #expect(throws: LoopRefusal.self) { try await unfinished.value }
        // Each of the others was done or refused: none is forgotten.
        try? await blocking.value
        try? await waiting.value
        await loop.end()
    }

    @Test func `requests run one a tick`() async throws {
        try await self.withLoop { loop in
            let box = LoopBox(NotedWork(), of: loop)
            try await loop.run { loop.work = box.value }
            let begun = try await loop.run { box.value.ticks }
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<20 { group.addTask { try await loop.run { box.value.ticks } } }
                var seen: [Int] = []
                for try await ticks in group { seen.append(ticks) }
                #expect(Set(seen).count == 20)
                #expect(seen.allSatisfy { $0 > begun })
            }
        }
    }

    @Test func `what makes itself due again at once leaves the other work its ticks`() async throws {
        try await self.withLoop { loop in
            let box = LoopBox(NotedWork(), of: loop)
            let counts = LoopBox((deadlines: 0, signals: 0), of: loop)
            let done = AsyncStream.makeStream(of: Void.self)
            try await loop.run {
                loop.work = box.value
                func again() {
                    counts.value.deadlines += 1
                    loop.schedule(at: .past) { again() }
                }
                again()
                let signal = loop.signal {
                    counts.value.signals += 1
                    return true
                }
                signal.raise()
                box.value.body = { if box.value.ticks == 1_000 { done.continuation.finish() } }
            }
            for await _ in done.stream {}
            let (ticks, deadlines, signals) = try await loop.run {
                (box.value.ticks, counts.value.deadlines, counts.value.signals)
            }
            #expect(ticks >= 1_000)
            // Each of them once a tick, and no more: what a tick makes due waits for the next one.
            #expect(deadlines <= ticks + 2)
            #expect(signals <= ticks + 2)
        }
    }

    @Test func `signals before the loop comes to them are one`() async throws {
        try await self.withLoop { loop in
            let calls = LoopBox(0, of: loop)
            try await loop.run {
                let signal = loop.signal {
                    calls.value += 1
                    return false
                }
                for _ in 0..<10 { signal.raise() }
            }
            #expect(try await loop.run { calls.value } == 1)
        }
    }

    @Test func `a removed signal calls nobody`() async throws {
        try await self.withLoop { loop in
            let calls = LoopBox(0, of: loop)
            try await loop.run {
                let signal = loop.signal {
                    calls.value += 1
                    return false
                }
                signal.raise()
                loop.remove(signal)
            }
            #expect(try await loop.run { calls.value } == 0)
        }
    }

    @Test func `a thread that raises a signal wakes a loop that sleeps`() async throws {
        try await self.withLoop { loop in
            let raised = AsyncStream.makeStream(of: Int.self)
            let signal = try await loop.run {
                let calls = LoopBox(0, of: loop)
                return loop.signal {
                    calls.value += 1
                    raised.continuation.yield(calls.value)
                    return false
                }
            }
            var numbers = raised.stream.makeAsyncIterator()
            for round in 1...500 {
                Thread.detachNewThread { signal.raise() }
                #expect(await numbers.next() == round)
            }
        }
    }

    @Test func `signals and mailboxes may outlive their loop`() async throws {
        let (signal, mailbox) = try await {
            let loop = try ScriptLoop(name: "test loop")
            let made = try await loop.run {
                (loop.signal { false }, Mailbox<Int>(on: loop, limit: 9, share: .init(items: 1, time: .zero)) { _ in })
            }
            await loop.end()
            return made
        }()
        signal.raise()
        #expect(!mailbox.post(1))
    }

    @Test func `a descriptor is told of while it is watched`() async throws {
        let pipe = Pipe()
        let (input, output) = (pipe.fileHandleForReading, pipe.fileHandleForWriting)
        try await self.withLoop { loop in
            let box = LoopBox(NotedSource(), of: loop)
            let ready = AsyncStream.makeStream(of: Void.self)
            let watch = LoopBox<ScriptLoop.Watch?>(nil, of: loop)
            try await loop.run {
                watch.value = loop.watch(input.fileDescriptor, for: .readable, box.value)
                box.value.body = { _ in ready.continuation.finish() }
            }
            try output.write(contentsOf: Data([1]))
            for await _ in ready.stream {}
            let seen = try await loop.run {
                if let watch = watch.value { loop.unwatch(watch) }
                return box.value.states
            }
            #expect(seen.allSatisfy { $0 == .readable })
            #expect(!seen.isEmpty)
            let before = try await loop.run { box.value.states.count }
            try output.write(contentsOf: Data([2]))
            #expect(try await loop.run { box.value.states.count } == before)
        }
    }

    @Test func `an event of a descriptor that was given up in the same tick is not taken for its successor's`()
        async throws
    {
        let (first, second) = (Pipe(), Pipe())
        try await self.withLoop { loop in
            let sources = LoopBox((NotedSource(), NotedSource(), NotedSource()), of: loop)
            let watches = LoopBox<[ScriptLoop.Watch]>([], of: loop)
            let ready = AsyncStream.makeStream(of: Void.self)
            try first.fileHandleForWriting.write(contentsOf: Data([1]))
            try second.fileHandleForWriting.write(contentsOf: Data([1]))
            try await loop.run {
                let (one, two, other) = sources.value
                // Who is told first gives both up, and another source gets their places before the second event is looked at.
                let giveUp: (DescriptorState) -> Void = { _ in
                    for watch in watches.value { loop.unwatch(watch) }
                    for _ in watches.value { _ = loop.watch(first.fileHandleForWriting.fileDescriptor, for: [], other) }
                    watches.value = []
                    ready.continuation.finish()
                }
                (one.body, two.body) = (giveUp, giveUp)
                for (pipe, source) in [(first, one), (second, two)] {
                    if let watch = loop.watch(pipe.fileHandleForReading.fileDescriptor, for: .readable, source) {
                        watches.value.append(watch)
                    }
                }
            }
            for await _ in ready.stream {}
            let counts = try await loop.run {
                let (one, two, other) = sources.value
                return (one.states.count + two.states.count, other.states.count)
            }
            #expect(counts == (1, 0))
        }
    }

    @Test func `a mailbox takes no more than its limit, and counts the rest`() async throws {
        try await self.withLoop { loop in
            let taken = LoopBox<[Int]>([], of: loop)
            let release = DispatchSemaphore(value: 0)
            let mailbox = try await loop.run {
                Mailbox<Int>(on: loop, limit: 3, share: .init(items: 2, time: .seconds(60))) { taken.value.append($0) }
            }
            let blocked = Task { try await loop.run { release.wait() } }
            let results = (1...5).map { mailbox.post($0) }
            release.signal()
            try await blocked.value
            // The blocking request may have come after the first ones were taken.
            let refused = mailbox.takeRefused()
            #expect(results.filter { !$0 }.count == refused)
            while try await loop.run({ taken.value.count }) + refused < 5 {}
            #expect(try await loop.run { taken.value } == (1...5).filter { results[$0 - 1] })
            #expect(mailbox.takeRefused() == 0)
        }
    }

    @Test func `a mailbox hands out a share a tick, in order`() {
        let mailbox = Mailbox<Int>(limit: 10, share: .init(items: 2, time: .seconds(60)))
        for item in 1...5 { mailbox.post(item) }
        var taken: [Int] = []
        #expect(mailbox.handle { taken.append($0) })
        #expect(taken == [1, 2])
        #expect(mailbox.handle { taken.append($0) })
        #expect(!mailbox.handle { taken.append($0) })
        #expect(taken == [1, 2, 3, 4, 5])
        mailbox.post(6)
        #expect(mailbox.close() == [6])
        #expect(!mailbox.post(7))
    }
}
