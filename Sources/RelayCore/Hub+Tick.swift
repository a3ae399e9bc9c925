// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import DequeModule

extension Hub {
    /// Whether this tick has as much output as it may.
    public var isTickFull: Bool { self.tickBytes >= self.limits.tickBytes }

    /// Whether this tick has so much output that scripts may send no more.
    public var isOutputFull: Bool { self.tickBytes >= self.limits.outputBytes }

    /// Hands every client its bytes of this tick, by one call for each sink, and ends the connections of those who left.
    public func endTick() {
        if !self.activeLanes.isEmpty || !self.touched.isEmpty { self.sendTick() }
        while self.closingLeft > 0, let client = self.closing.popFirst() {
            self.closingLeft -= 1
            guard let address = client.outbound else { continue }
            client.outbound = nil
            self.sinks[address.sink].sink?.close(address.slot)
        }
        self.resetTick()
    }

    private func sendTick() {
        self.sources.append(self.directs[0..<self.directs.count])
        self.directs.source = TickOutput.direct
        for lane in self.activeLanes {
            guard let buffer = lane.buffer, buffer.count > 0 else { continue }
            buffer.source = self.sources.count
            self.sources.append(buffer[0..<buffer.count])
            guard let sink = lane.sink else { continue }
            self.sinks[sink].output.runs.append(.init(source: buffer.source, slots: lane.slots))
        }
        for client in self.touched where client.isTouched { self.addPart(client) }
        for entry in self.sinks where !entry.output.isEmpty {
            entry.output.sources = self.sources
            entry.sink?.send(entry.output)
            entry.output.reset()
        }
        self.sources.removeAll(keepingCapacity: true)
    }

    /// Notes what a client gets whose tick was not the plain one: it is left out of its lane's run.
    private func addPart(_ client: Client) {
        client.isTouched = false
        defer { client.pendingSlices.removeAll(keepingCapacity: true) }
        guard let address = client.outbound else { return }
        let output = self.sinks[address.sink].output
        let first = output.pieces.count
        for slice in client.pendingSlices where !slice.range.isEmpty {
            output.pieces.append(.init(source: slice.buffer.source, range: slice.range))
        }
        if let buffer = client.lane?.buffer, client.laneStart < buffer.count {
            output.pieces.append(.init(source: buffer.source, range: client.laneStart..<buffer.count))
        }
        output.parts.append(.init(slot: address.slot, pieces: first..<output.pieces.count))
    }

    func resetTick() {
        for lane in self.activeLanes {
            if let buffer = lane.buffer {
                buffer.reset()
                self.spareBuffers.append(buffer)
                lane.buffer = nil
            }
        }
        for client in self.touched {
            client.pendingSlices.removeAll()
            client.isTouched = false
        }
        self.activeLanes.removeAll(keepingCapacity: true)
        self.touched.removeAll(keepingCapacity: true)
        self.encoded.removeAll(keepingCapacity: true)
        self.directs.reset()
        self.tickBytes = 0
        self.tickTime = nil
        self.departuresLeft = Self.departuresPerTick
        self.closingLeft = Self.departuresPerTick
        self.tick += 1
        if self.spareBuffers.count > 64 { self.spareBuffers.removeLast(self.spareBuffers.count - 64) }
    }
}
