// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LineOutput
internal import RelayHooks

/// Lets hooks write to a line writer.
final class LineConsole: ConsoleOutput {
    private let writer: LineWriter
    init(_ writer: LineWriter) { self.writer = writer }
    var isFull: Bool { self.writer.isFull }
    func write(_ line: UnsafeRawBufferPointer) { self.writer.write(line) }
    func skip() { self.writer.skip() }
}
