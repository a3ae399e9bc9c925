// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CSockets
public import RelayCore

/// The connections of a relay by their slots, with what C has to know of each in one flat piece of memory.
struct TCPPeers {
    private var connections: [TCPConnection?] = []
    private var free: [Int32] = []
    private var memory = UnsafeMutableBufferPointer<csockets_peer>(start: nil, count: 0)
    private var rests: [csockets_rest] = []
    private(set) var count = 0

    /// All connections.
    var all: [TCPConnection] { self.connections.compactMap { $0 } }

    /// The connection in a slot.
    subscript(slot: Int32) -> TCPConnection? { self.connections[Int(slot)] }

    /// The slot that the next connection will have.
    mutating func reserve() -> Int32 {
        if let slot = self.free.popLast() { return slot }
        let slot = self.connections.count
        self.connections.append(nil)
        if slot == self.memory.count {
            let larger = UnsafeMutableBufferPointer<csockets_peer>.allocate(capacity: max(16, 2 * slot))
            _ = larger.initialize(fromContentsOf: UnsafeBufferPointer(rebasing: self.memory[..<slot]))
            self.memory.deallocate()
            self.memory = larger
        }
        return Int32(slot)
    }

    /// Puts a connection into the slot that was reserved for it.
    mutating func insert(_ connection: TCPConnection, _ descriptor: CInt, at slot: Int32) {
        self.connections[Int(slot)] = connection
        self.memory.initializeElement(
            at: Int(slot),
            to: csockets_peer(descriptor: descriptor, is_direct: 0, tick: 0)
        )
        self.count += 1
    }

    /// Gives a slot back.
    mutating func remove(_ slot: Int32) {
        self.connections[Int(slot)] = nil
        self.free.append(slot)
        self.count -= 1
    }

    /// Gives the memory back.
    mutating func deallocate() {
        self.memory.deallocate()
        self.memory = UnsafeMutableBufferPointer(start: nil, count: 0)
    }

    /// Says whether bytes for a connection may go to its socket at once.
    mutating func setDirect(_ isDirect: Bool, _ slot: Int32) { self.memory[Int(slot)].is_direct = isDirect ? 1 : 0 }

    /// Notes that a connection has something of its own in a tick.
    mutating func setTick(_ tick: UInt32, _ slot: Int32) { self.memory[Int(slot)].tick = tick }

    /// Sends the same bytes to many connections.
    ///
    /// - Returns: The slots that did not take all at once: how much was sent, -1 where the connection is broken, -2 where
    ///   nothing was tried.
    mutating func send(
        _ bytes: UnsafeRawBufferPointer,
        to slots: UnsafeBufferPointer<Int32>,
        in tick: UInt32
    ) -> ArraySlice<csockets_rest> {
        if self.rests.count < slots.count {
            self.rests = Array(repeating: csockets_rest(), count: max(slots.count, 2 * self.rests.count))
        }
        let count = self.rests.withUnsafeMutableBufferPointer { rests in
            csockets_send_to_all(
                self.memory.baseAddress,
                slots.baseAddress,
                CInt(slots.count),
                tick,
                bytes.baseAddress,
                bytes.count,
                rests.baseAddress
            )
        }
        return self.rests[..<Int(count)]
    }
}

extension TCPRelay: OutboundSink {
    /// Sends the tick's bytes to its connections.
    public func send(_ output: TickOutput) {
        for part in output.parts { self.peers.setTick(output.tick, part.slot) }
        for run in output.runs {
            let bytes = output.sources[run.source]
            let rests = self.peers.send(bytes, to: run.slots, in: output.tick)
            guard !rests.isEmpty else { continue }
            self.pieces.append(bytes)
            for rest in rests {
                self.peers[rest.slot]?.write(self.pieces, alreadySent: rest.sent == -2 ? nil : Int(rest.sent))
            }
            self.pieces.removeAll(keepingCapacity: true)
        }
        for part in output.parts where !part.pieces.isEmpty {
            guard let connection = self.peers[part.slot] else { continue }
            for piece in output.pieces[part.pieces] { self.pieces.append(output[piece]) }
            connection.write(self.pieces)
            self.pieces.removeAll(keepingCapacity: true)
        }
    }

    /// Has what a connection has read, and what its socket has, come to its turn.
    public func resume(_ slot: Int32) {
        if let connection = self.peers[slot] { self.ticks.enqueue(connection) }
    }

    /// Ends a connection once what it is owed has left.
    public func close(_ slot: Int32) {
        guard let connection = self.peers[slot] else { return }
        connection.close()
        connection.isHeldByHub = false
        if connection.isDestroyed { self.removePeer(slot) }
    }
}
