// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LineOutput
internal import Synchronization

/// Keeps log lines until the loop shows them: on a terminal they must not run into the line being typed.
final class ChatLog: LineSink {
    /// What is kept; beyond that lines are dropped, and counted.
    private static let mostLines = 256
    private static let mostBytes = 1 << 20

    private struct State {
        var lines: [String] = []
        var bytes = 0
        var dropped = 0
    }

    private let state = Mutex(State())

    /// Whether lines should be taken now.
    var isFull: Bool { self.state.withLock { $0.lines.count >= Self.mostLines || $0.bytes >= Self.mostBytes } }

    func write(_ line: String) {
        self.state.withLock { state in
            guard state.lines.count < Self.mostLines, state.bytes < Self.mostBytes else {
                state.dropped += 1
                return
            }
            state.lines.append(line)
            state.bytes += line.utf8.count
        }
    }

    func take() -> [String] {
        self.state.withLock { state in
            defer { state = State() }
            return state.lines + (state.dropped > 0 ? ["luar: \(state.dropped) log lines dropped"] : [])
        }
    }
}
