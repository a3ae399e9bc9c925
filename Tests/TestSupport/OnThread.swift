// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation

/// Does what blocks on a thread of its own, as part of the test: the threads that tests share are few.
package func onThread<Result>(_ work: () throws -> Result) async throws -> Result {
    try await withTaskExecutorPreference(ThreadExecutor()) { try work() }
}

/// Runs each piece of a task on a thread of its own.
private final class ThreadExecutor: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        Thread.detachNewThread { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
