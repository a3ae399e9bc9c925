// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Runs one reload at a time, however many are requested.
///
/// A request that comes while a reload runs waits for the next one, because files may have changed since the running one read
/// them. All requests that wait share the next reload and its result.
actor ReloadQueue {
    /// One reload.
    typealias Reload = @Sendable () async throws -> ReloadResult

    /// The most requests that may wait.
    static let mostWaiting = 4_096

    private var waiting: [CheckedContinuation<ReloadResult, any Error>] = []
    private var isRunning = false

    /// How many requests wait for a reload that has not begun.
    var waitingCount: Int { self.waiting.count }

    /// Has a reload run that begins after this call.
    ///
    /// - Parameter reload: What to run; that of the first request runs for those that share it.
    /// - Returns: The result of the reload.
    /// - Throws: What the reload throws; ``RelayError`` if too many requests wait.
    func run(_ reload: @escaping Reload) async throws -> ReloadResult {
        guard self.waiting.count < Self.mostWaiting else {
            throw RelayError(
                "\(Self.mostWaiting) requests wait for a reload already, which is the most; try again later"
            )
        }
        return try await withCheckedThrowingContinuation { request in
            self.waiting.append(request)
            guard !self.isRunning else { return }
            self.isRunning = true
            Task { await self.runAll(reload) }
        }
    }

    /// Runs reloads until no request waits.
    private func runAll(_ reload: Reload) async {
        while !self.waiting.isEmpty {
            let served = self.waiting
            self.waiting = []
            let result: Result<ReloadResult, any Error>
            do {
                result = .success(try await reload())
            } catch {
                result = .failure(error)
            }
            for request in served { request.resume(with: result) }
        }
        self.isRunning = false
    }
}
