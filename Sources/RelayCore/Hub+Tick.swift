// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import DequeModule

extension Hub {
    /// Whether this tick has as much output as it may.
    public var isTickFull: Bool { self.tickBytes >= self.limits.tickBytes }

    /// Whether this tick has so much output that scripts may send no more.
    public var isOutputFull: Bool { self.tickBytes >= self.limits.outputBytes }

    /// Hands every client its bytes of this tick, in one write each, and ends the connections of those who left.
    public func endTick() {
        for lane in self.activeLanes {
            guard let buffer = lane.buffer, buffer.count > 0 else { continue }
            // Whoever was there all the time gets the lane as it is.
            let whole = buffer[0..<buffer.count]
            if lane.encoding.wire.isStaged { self.datagrams?.stage(whole) }
            for client in lane.members {
                if client.tick == self.tick {
                    self.write(client)
                } else if let outlet = client.outlet {
                    self.pieces.append(whole)
                    outlet.write(self.pieces)
                    self.pieces.removeAll(keepingCapacity: true)
                }
            }
        }
        for client in self.touched where client.isTouched {
            self.write(client)
        }
        while self.closingLeft > 0, let client = self.closing.popFirst() {
            self.closingLeft -= 1
            client.outlet?.close()
            client.outlet = nil
        }
        self.resetTick()
    }

    /// Writes what a client gets whose tick was not the plain one, and marks it as served.
    func write(_ client: Client) {
        for slice in client.settled where !slice.range.isEmpty {
            self.pieces.append(slice.buffer[slice.range])
        }
        if let buffer = client.lane?.buffer, client.laneStart < buffer.count {
            self.pieces.append(buffer[client.laneStart..<buffer.count])
        }
        if !self.pieces.isEmpty { client.outlet?.write(self.pieces) }
        self.pieces.removeAll(keepingCapacity: true)
        client.settled.removeAll(keepingCapacity: true)
        client.isTouched = false
        // A lane lists each member once, so nothing looks at this client again before the tick's number changes.
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
            client.settled.removeAll()
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
