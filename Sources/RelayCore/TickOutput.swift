// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// What one tick has for the clients of a sink: plain memory, without a reference for each client.
///
/// Borrowed: all of it is valid until ``OutboundSink/send(_:)`` returns.
public final class TickOutput {
    /// A stretch of the tick's bytes.
    public struct Piece {
        /// The number of the source.
        public var source: Int
        /// Where in the source it is.
        public var range: Range<Int>
    }

    /// All bytes of a source, for many clients.
    public struct Run {
        /// The number of the source.
        public var source: Int
        /// The clients' slots.
        ///
        /// Those that have a part of their own are among them, and get nothing by the run.
        public var slots: UnsafeBufferPointer<Int32>
    }

    /// What one client gets that does not simply get all of a source.
    public struct Part {
        /// The client's slot.
        public var slot: Int32
        /// Its pieces, in order, by their places in ``TickOutput/pieces``; none if it gets nothing.
        public var pieces: Range<Int>
    }

    /// The number of the source that holds the texts for single clients.
    ///
    /// They are of all encodings: only a piece of it is known to be of one. Each other source is a lane's.
    public static let direct = 0

    /// Where the bytes of this tick are; the same for all sinks.
    public internal(set) var sources: [UnsafeRawBufferPointer] = []
    /// What many clients get.
    public internal(set) var runs: [Run] = []
    /// What single clients get.
    ///
    /// Each client has one at the most, and may be in one run beside it.
    public internal(set) var parts: [Part] = []
    /// The pieces of all parts.
    public internal(set) var pieces: [Piece] = []
    /// Another number in every tick, and never 0: by it a sink marks which of a run's clients have a part.
    public internal(set) var tick: UInt32 = 1

    init() {}

    var isEmpty: Bool { self.runs.isEmpty && self.parts.isEmpty }

    /// The bytes of a piece.
    public subscript(piece: Piece) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self.sources[piece.source][piece.range])
    }

    func reset() {
        self.tick = max(1, self.tick &+ 1)
        // Not emptied: it is shared with the hub.
        self.sources = []
        self.runs.removeAll(keepingCapacity: true)
        self.parts.removeAll(keepingCapacity: true)
        self.pieces.removeAll(keepingCapacity: true)
    }
}

/// Carries the bytes of many clients away.
///
/// Called by the hub at the end of a tick, never in the middle of one. It must not call the hub back: what it learns, such as
/// that a client reads too slowly, it acts on after the tick.
public protocol OutboundSink: AnyObject {
    /// Takes what its clients get in a tick, borrowed: what is not sent at once must be copied.
    func send(_ output: TickOutput)
    /// Ends a client's connection after everything sent so far. Its slot is never named again.
    func close(_ slot: Int32)
    /// What a client says is heard again: see ``Client/awaitsLateAnswer``.
    func resume(_ slot: Int32)
}

extension OutboundSink {
    /// Nothing: where nothing waits.
    public func resume(_ slot: Int32) {}
}

/// Where a client's bytes go.
public struct OutboundAddress {
    /// The number of the sink, as ``Hub/add(_:)`` gave it.
    var sink: Int
    /// The client's number within the sink.
    var slot: Int32

    /// Makes an address.
    ///
    /// - Parameters:
    ///   - sink: The number of the sink, as ``Hub/add(_:)`` gave it.
    ///   - slot: The client's number within the sink, from 0.
    public init(sink: Int, slot: Int32) {
        self.sink = sink
        self.slot = slot
    }
}

/// A sink that a hub knows, and what it is about to get.
struct SinkEntry {
    weak var sink: (any OutboundSink)?
    let output = TickOutput()
}

/// The slots of a lane's members, in memory that stays in its place until a member comes or goes.
struct SlotList {
    private var memory = UnsafeMutableBufferPointer<Int32>(start: nil, count: 0)
    private var count = 0

    var slots: UnsafeBufferPointer<Int32> { UnsafeBufferPointer(rebasing: self.memory[..<self.count]) }

    mutating func append(_ slot: Int32) {
        if self.count == self.memory.count {
            let larger = UnsafeMutableBufferPointer<Int32>.allocate(capacity: max(4, 2 * self.count))
            _ = larger.initialize(fromContentsOf: self.slots)
            self.memory.deallocate()
            self.memory = larger
        }
        self.memory.initializeElement(at: self.count, to: slot)
        self.count += 1
    }

    /// Removes a slot, and puts the last one in its place.
    mutating func remove(at index: Int) {
        self.count -= 1
        self.memory[index] = self.memory[self.count]
    }

    /// Gives the memory back; nothing is in the list any more.
    mutating func deallocate() {
        self.memory.deallocate()
        self.memory = UnsafeMutableBufferPointer(start: nil, count: 0)
        self.count = 0
    }
}
