// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Something that shows lines: a file descriptor, or a terminal on which somebody is typing.
public protocol LineSink: Sendable {
    /// Takes a line without its end; what would control a terminal is shown, not passed on. Never blocks.
    func write(_ line: String)
}

extension LineWriter: LineSink {}
