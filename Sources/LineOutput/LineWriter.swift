// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import DequeModule
internal import Dispatch
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// Writes lines to a file descriptor from a thread of its own, so that a slow terminal or pipe blocks no other thread.
///
/// At most `limit` bytes wait, as they are written: a control character is up to four. Lines beyond that are dropped until
/// the reader takes something, and a line in their place says how many. When the other end of a pipe is gone, everything
/// later is dropped.
public final class LineWriter: Sendable {
    private struct State {
        /// Lines with their ends, in blocks of about ``LineWriter/blockBytes``: a line of its own memory each would cost
        /// short lines more than their bytes.
        var blocks: Deque<[UInt8]> = []
        /// Bytes in ``blocks`` and in the block that is being written.
        var bytes = 0
        var dropped = 0
        var isScheduled = false
        var isBroken = false
        var isClosed = false
        var onBreak: (@Sendable () -> Void)?
    }

    /// The bytes of lines that are written by one call.
    private static let blockBytes = 64 << 10

    private let state = Mutex(State())
    private let queue: DispatchQueue
    private let descriptor: CInt
    private let limit: Int
    private let notice: @Sendable (_ dropped: Int) -> String

    /// Makes a writer.
    ///
    /// - Parameters:
    ///   - descriptor: Where to write; stays open.
    ///   - limit: Bytes that may wait; a longer line is always dropped.
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
    public var isFull: Bool { self.state.withLock { !self.hasRoom(for: 0, $0) } }

    /// Bytes that wait, including those of the block that is being written.
    var waitingBytes: Int { self.state.withLock { $0.bytes } }

    /// Takes a line without its end; shows control characters instead of passing them on.
    ///
    /// Never blocks.
    public func write(_ line: UnsafeRawBufferPointer) {
        // Without its escapes a line is at least this long: one without room costs no escaping, and no memory.
        guard self.state.withLock({ self.admit(line.count + 1, &$0) }) else { return }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(line.count + 1)
        LineEscaping.append(line, to: &bytes)
        bytes.append(0x0A)
        let mustSchedule = self.state.withLock { state in
            guard self.admit(bytes.count, &state) else { return false }
            state.bytes += bytes.count
            if let last = state.blocks.indices.last, state.blocks[last].count + bytes.count <= Self.blockBytes {
                state.blocks[last] += bytes
            } else {
                state.blocks.append(bytes)
            }
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
        if mustSchedule { self.queue.async { self.writeWaiting() } }
    }

    /// Whether a line of so many bytes may wait; counts it as dropped if not.
    private func admit(_ count: Int, _ state: inout State) -> Bool {
        if self.hasRoom(for: count, state) { return true }
        if !state.isBroken { self.drop(&state) }
        return false
    }

    /// After a dropped line there is no room until the count of dropped lines is written, which stands in their place.
    private func hasRoom(for count: Int, _ state: State) -> Bool {
        !state.isBroken && state.dropped == 0 && state.bytes < self.limit && state.bytes + count <= self.limit
    }

    /// Counts a dropped line, which is said even if nothing else waits.
    private func drop(_ state: inout State) {
        state.dropped += 1
        guard !state.isScheduled else { return }
        state.isScheduled = true
        self.queue.async { self.writeWaiting() }
    }

    /// Takes a line as text.
    public func write(_ line: String) {
        var line = line
        line.withUTF8 { self.write(UnsafeRawBufferPointer($0)) }
    }

    /// Counts a line that was not even made, because the writer is full.
    public func skip() { self.state.withLock { if !$0.isBroken { self.drop(&$0) } } }

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

    /// Writes what waits, a block at a time, until nothing does.
    private func writeWaiting() {
        while true {
            let (block, dropped) = self.state.withLock { state -> ([UInt8], Int) in
                let block = state.blocks.popFirst() ?? []
                // The count stands behind everything that came before the dropped lines.
                let dropped = state.blocks.isEmpty ? state.dropped : 0
                state.dropped -= dropped
                if block.isEmpty, dropped == 0 { state.isScheduled = false }
                return (block, dropped)
            }
            if block.isEmpty, dropped == 0 { return }
            let notice = dropped == 0 ? [] : Array("\(self.notice(dropped))\n".utf8)
            do {
                try DescriptorOutput.write(block + notice, to: self.descriptor)
                self.state.withLock { $0.bytes -= block.count }
            } catch {
                let onBreak = self.state.withLock { state in
                    state.isBroken = true
                    state.blocks.removeAll()
                    state.bytes = 0
                    return state.onBreak
                }
                onBreak?()
                return
            }
        }
    }
}
