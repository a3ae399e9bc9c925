// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Synchronization
import Testing

@testable import RelayHost

@Suite(.timeLimit(.minutes(15))) struct ReloadQueueTests {
    private struct Broken: Error {}

    /// Reloads that begin when they are let, and are counted.
    private final class Gate: Sendable {
        let count = Mutex(0)
        let begun = AsyncStream.makeStream(of: Void.self)
        let open = AsyncStream.makeStream(of: Void.self)

        /// One reload: the first waits until the gate is opened.
        func reload() async -> ReloadResult {
            let number = self.count.withLock { count in
                count += 1
                return count
            }
            if number == 1 {
                self.begun.continuation.yield()
                for await _ in self.open.stream { break }
            }
            return ReloadResult(folder: nil, hooks: number, clients: 0, milliseconds: 0)
        }
    }

    @Test func `requests that wait while a reload runs share the next one`() async throws {
        let (queue, gate) = (ReloadQueue(), Gate())
        let first = Task { try await queue.run { await gate.reload() } }
        for await _ in gate.begun.stream { break }
        let others = (0..<400).map { _ in Task { try await queue.run { await gate.reload() } } }
        while await queue.waitingCount < 400 { await Task.yield() }
        gate.open.continuation.yield()
        #expect(try await first.value.hooks == 1)
        for request in others { #expect(try await request.value.hooks == 2) }
        #expect(gate.count.withLock { $0 } == 2)
        // Nothing waits, and the next request has a reload of its own.
        #expect(try await queue.run { await gate.reload() }.hooks == 3)
    }

    @Test func `a reload that fails fails for each who asked, and the next one runs`() async throws {
        let (queue, gate) = (ReloadQueue(), Gate())
        let first = Task {
            try await queue.run {
                if await gate.reload().hooks == 2 { throw Broken() }
                return ReloadResult(folder: nil, hooks: 9, clients: 0, milliseconds: 0)
            }
        }
        for await _ in gate.begun.stream { break }
        let others = (0..<3).map { _ in Task { try await queue.run { await gate.reload() } } }
        while await queue.waitingCount < 3 { await Task.yield() }
        gate.open.continuation.yield()
        #expect(try await first.value.hooks == 9)
        for request in others { await #expect(throws: Broken.self) { try await request.value } }
        #expect(try await queue.run { await gate.reload() }.hooks == 3)
    }

    @Test func `a request beyond the most that may wait is refused, and the others are served`() async throws {
        let (queue, gate) = (ReloadQueue(), Gate())
        let first = Task { try await queue.run { await gate.reload() } }
        for await _ in gate.begun.stream { break }
        let others = (0..<ReloadQueue.mostWaiting).map { _ in Task { try await queue.run { await gate.reload() } } }
        while await queue.waitingCount < ReloadQueue.mostWaiting { await Task.yield() }
        await #expect(throws: RelayError.self) { try await queue.run { await gate.reload() } }
        gate.open.continuation.yield()
        _ = try await first.value
        for request in others { #expect(try await request.value.hooks == 2) }
    }
}
