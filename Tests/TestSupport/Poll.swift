// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation

/// Something that a test waited for did not happen.
package struct NeverHappened: Error, CustomStringConvertible {
    package var description: String
    package init(description: String) { self.description = description }
}

/// Waits for a condition that is asked for elsewhere, as on a script loop; gives up after the same time.
package func poll(_ what: @autoclosure () -> String, until isDone: () async throws -> Bool) async throws {
    for _ in 0..<4_000 {
        if try await isDone() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    throw NeverHappened(description: what())
}

/// Waits for a condition that another thread brings about; gives up after a time that only a broken relay needs.
package func poll(_ what: @autoclosure () -> String, until isDone: () throws -> Bool) throws {
    for _ in 0..<4_000 {
        if try isDone() { return }
        usleep(5_000)
    }
    throw NeverHappened(description: what())
}
