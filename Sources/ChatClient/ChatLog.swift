// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LineOutput
internal import Synchronization

/// Keeps log lines until the loop shows them: on a terminal they must not run into the line being typed.
final class ChatLog: LineSink {
    private let lines = Mutex<[String]>([])

    func write(_ line: String) { self.lines.withLock { $0.append(line) } }

    func take() -> [String] {
        self.lines.withLock { lines in
            defer { lines.removeAll() }
            return lines
        }
    }
}
