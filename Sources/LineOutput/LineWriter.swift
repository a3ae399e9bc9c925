// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import DequeModule
internal import Dispatch
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// Writes lines to a file descriptor from a thread of its own, so that a slow terminal or pipe holds up nobody.
///
/// At most `limit` lines wait. Beyond that they are dropped, and a line says how many once there is room again. When
/// the other end of a pipe is gone, everything later is dropped.
public final class LineWriter: Sendable {
    private struct State {
        var lines: Deque<[UInt8]> = []
        var dropped = 0
        var isScheduled = false
        var isBroken = false
        var isClosed = false
        var onBreak: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())
    private let queue: DispatchQueue
    private let descriptor: CInt
    private let limit: Int
    private let notice: @Sendable (_ dropped: Int) -> String

    /// Makes a writer.
    ///
    /// - Parameters:
    ///   - descriptor: Where to write; stays open.
    ///   - limit: Lines that may wait.
    ///   - label: What its thread is called.
    ///   - notice: The line that says how many were dropped.
    public init(
        descriptor: CInt,
        limit: Int,
        label: String,
        notice: @escaping @Sendable (_ dropped: Int) -> String = { "luar: \($0) lines dropped, the reader is too slow" }
    ) {
        self.descriptor = descriptor
        self.limit = max(1, limit)
        self.notice = notice
        self.queue = DispatchQueue(label: label)
    }

    /// Calls something, on the writer's thread, once nothing can be written any more.
    public func onBreak(_ body: @escaping @Sendable () -> Void) {
        let isBroken = self.state.withLock { state in
            state.onBreak = body
            return state.isBroken
        }
        if isBroken { body() }
    }

    /// Whether a line written now would be dropped.
    public var isFull: Bool { self.state.withLock { $0.isBroken || $0.lines.count >= self.limit } }

    /// Takes a line without its end; shows control characters instead of passing them on.
    ///
    /// Never blocks.
    public func write(_ line: UnsafeRawBufferPointer) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(line.count + 1)
        LineEscaping.append(line, to: &bytes)
        bytes.append(0x0A)
        let mustSchedule = self.state.withLock { state in
            guard !state.isBroken else { return false }
            guard state.lines.count < self.limit else {
                state.dropped += 1
                return false
            }
            state.lines.append(bytes)
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
        if mustSchedule { self.queue.async { self.writeWaiting() } }
    }

    /// Takes a line as text.
    public func write(_ line: String) {
        var line = line
        line.withUTF8 { self.write(UnsafeRawBufferPointer($0)) }
    }

    /// Counts a line that was not even made, because the writer is full.
    public func skip() { self.state.withLock { if !$0.isBroken { $0.dropped += 1 } } }

    /// Waits until everything is written, but no longer than a moment: a reader that does not read is not waited for.
    public func drain() {
        let done = DispatchSemaphore(value: 0)
        self.queue.async { done.signal() }
        _ = done.wait(timeout: .now() + .milliseconds(250))
    }

    /// Writes what waits and closes the descriptor.
    ///
    /// Both happen on the writer's thread, so that another file which gets the number is never written to. It waits for that, but
    /// no longer than two seconds; a write that hangs for longer is followed by the close whenever it returns.
    public func close() {
        let done = DispatchSemaphore(value: 0)
        self.queue.async {
            let mustClose = self.state.withLock { state in
                defer { (state.isBroken, state.isClosed) = (true, true) }
                return !state.isClosed
            }
            if mustClose { Glibc.close(self.descriptor) }
            done.signal()
        }
        _ = done.wait(timeout: .now() + .seconds(2))
    }

    /// Writes what waits, in blocks, until nothing does.
    private func writeWaiting() {
        while true {
            let (block, dropped) = self.state.withLock { state -> ([UInt8], Int) in
                var block: [UInt8] = []
                while block.count < 64 << 10, let line = state.lines.popFirst() { block.append(contentsOf: line) }
                defer { state.dropped = 0 }
                if block.isEmpty, state.dropped == 0 { state.isScheduled = false }
                return (block, state.dropped)
            }
            if block.isEmpty, dropped == 0 { return }
            let notice = dropped == 0 ? [] : Array("\(self.notice(dropped))\n".utf8)
            do {
                try DescriptorOutput.write(block + notice, to: self.descriptor)
            } catch {
                let onBreak = self.state.withLock { state in
                    state.isBroken = true
                    state.lines.removeAll()
                    return state.onBreak
                }
                onBreak?()
                return
            }
        }
    }
}
