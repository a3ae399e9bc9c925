// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// A client without a connection: in this process.
public protocol MemoryReceiver: AnyObject {
    /// Takes one tick's bytes, in order; borrowed.
    func write(_ pieces: [UnsafeRawBufferPointer])
    /// Nothing is written any more.
    func close()
    /// What it says is heard again: see ``Client/awaitsLateAnswer``.
    func resume()
}

extension MemoryReceiver {
    /// Nothing: where nothing waits.
    public func resume() {}
}

/// The sink of clients in memory: hands each its bytes of a tick in one write.
public final class MemorySink: OutboundSink {
    private var receivers: [(receiver: (any MemoryReceiver)?, tick: UInt32)] = []
    private var free: [Int32] = []
    private var pieces: [UnsafeRawBufferPointer] = []

    /// Makes a sink without receivers.
    public init() {}

    func add(_ receiver: any MemoryReceiver) -> Int32 {
        guard let slot = self.free.popLast() else {
            self.receivers.append((receiver, 0))
            return Int32(self.receivers.count - 1)
        }
        self.receivers[Int(slot)] = (receiver, 0)
        return slot
    }

    /// Writes to each receiver.
    public func send(_ output: TickOutput) {
        for part in output.parts { self.receivers[Int(part.slot)].tick = output.tick }
        for run in output.runs {
            self.pieces.append(output.sources[run.source])
            for slot in run.slots where self.receivers[Int(slot)].tick != output.tick {
                self.receivers[Int(slot)].receiver?.write(self.pieces)
            }
            self.pieces.removeAll(keepingCapacity: true)
        }
        for part in output.parts where !part.pieces.isEmpty {
            for piece in output.pieces[part.pieces] { self.pieces.append(output[piece]) }
            self.receivers[Int(part.slot)].receiver?.write(self.pieces)
            self.pieces.removeAll(keepingCapacity: true)
        }
    }

    /// Tells a receiver that it is heard again.
    public func resume(_ slot: Int32) { self.receivers[Int(slot)].receiver?.resume() }

    /// Closes a receiver, and drops it.
    public func close(_ slot: Int32) {
        self.receivers[Int(slot)].receiver?.close()
        self.receivers[Int(slot)].receiver = nil
        self.free.append(slot)
    }
}

extension Hub {
    /// Has a client in memory ask to be let in.
    ///
    /// - Parameters:
    ///   - origin: Where it comes from.
    ///   - wire: How texts to it are wrapped.
    ///   - receiver: What takes its bytes; nil for nothing.
    ///   - text: The text that it came with, where a text is how one comes.
    /// - Returns: As ``join(_:wire:to:saying:)``.
    public func join(
        _ origin: ClientOrigin,
        wire: WireEncoding,
        receiver: (any MemoryReceiver)?,
        saying text: UnsafeRawBufferPointer? = nil
    ) -> Client? {
        guard let receiver else { return self.join(origin, wire: wire, to: nil, saying: text) }
        let slot = self.memory.sink.add(receiver)
        let address = OutboundAddress(sink: self.memory.number, slot: slot)
        let client = self.join(origin, wire: wire, to: address, saying: text)
        if client == nil { self.memory.sink.close(slot) }
        return client
    }
}
