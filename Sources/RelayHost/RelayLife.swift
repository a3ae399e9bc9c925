// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Synchronization

/// Where a relay is in its life.
enum RelayState: String, Sendable {
    /// Nothing was done yet.
    case initial
    /// Its scripts are loaded.
    case loaded
    /// It takes clients, or measures.
    case running
    /// It is being stopped.
    case stopping
    /// It has ended, or did not start; it cannot be started again.
    case stopped
}

/// Runs the steps of a relay's life one after the other, and refuses those that its state does not allow.
final class RelayLife: Sendable {
    private struct Record {
        var state = RelayState.initial
        /// Whether a step runs; the next one waits for its end.
        var isBusy = false
        /// Counts the ends of steps.
        var changes = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let record = Mutex(Record())

    /// The state now.
    var state: RelayState { self.record.withLock { $0.state } }

    /// Refuses a call that the state does not allow.
    ///
    /// - Parameters:
    ///   - allowed: The states that allow it.
    ///   - call: What was called, for the error's text.
    /// - Throws: ``RelayError`` in any other state.
    func require(_ allowed: [RelayState], for call: String) throws(RelayError) {
        let state = self.state
        guard allowed.contains(state) else { throw Self.refusal(of: call, state, allowed) }
    }

    /// Runs a step, after the one that runs now.
    ///
    /// - Parameters:
    ///   - call: What was called, for the error's text.
    ///   - allowed: The states in which it may begin.
    ///   - during: The state while it runs; nil for the one before.
    ///   - end: The state after it; after one that fails the relay is stopped.
    ///   - body: The step.
    /// - Returns: What the step returns.
    /// - Throws: ``RelayError`` in a state that does not allow it, or what the step throws.
    func step<Result: Sendable>(
        _ call: String,
        from allowed: [RelayState],
        during: RelayState? = nil,
        to end: RelayState,
        _ body: () async throws -> Result
    ) async throws -> Result {
        try await self.begin(call, allowed, during)
        do {
            let result = try await body()
            self.finish(end)
            return result
        } catch {
            self.finish(.stopped)
            throw error
        }
    }

    /// Waits until the relay runs; false if it will not.
    func untilRunning() async -> Bool {
        while true {
            let (state, changes) = self.record.withLock { ($0.state, $0.changes) }
            switch state {
            case .running: return true
            case .stopping, .stopped: return false
            case .initial, .loaded: await self.change(after: changes)
            }
        }
    }

    private func begin(_ call: String, _ allowed: [RelayState], _ during: RelayState?) async throws {
        while true {
            let busySince = try self.record.withLock { record -> Int? in
                guard !record.isBusy else { return record.changes }
                guard allowed.contains(record.state) else { throw Self.refusal(of: call, record.state, allowed) }
                record.isBusy = true
                if let during { record.state = during }
                return nil
            }
            guard let busySince else { return }
            await self.change(after: busySince)
        }
    }

    private func finish(_ state: RelayState) {
        let waiting = self.record.withLock { record in
            record.state = state
            record.isBusy = false
            record.changes += 1
            defer { record.waiting = [] }
            return record.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Waits for the end of a step, unless one has ended since.
    private func change(after changes: Int) async {
        await withCheckedContinuation { continuation in
            let isOver = self.record.withLock { record in
                if record.changes == changes { record.waiting.append(continuation) }
                return record.changes != changes
            }
            if isOver { continuation.resume() }
        }
    }

    private static func refusal(of call: String, _ state: RelayState, _ allowed: [RelayState]) -> RelayError {
        let expected = allowed.map(\.rawValue).joined(separator: " or ")
        return RelayError("cannot \(call) a relay that is \(state.rawValue): it must be \(expected)", isRefusal: true)
    }
}
