// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// The members of a room who share an encoding and a sink, and this tick's bytes for them.
///
/// A broadcast is appended here once, whatever the number of members. A member hears the lane from where it joined
/// (`Client.laneStart`); whoever is left out of one text settles what it heard before and starts again behind it.
final class Lane {
    let room: Room
    let encoding: Encoding
    /// The number of the sink; nil for clients that get nothing.
    let sink: Int?
    @exclusivity(unchecked) private(set) var members: [Client] = []
    /// The members' slots in the sink, in the same order.
    @exclusivity(unchecked) private var slotList = SlotList()
    var slots: UnsafeBufferPointer<Int32> { self.slotList.slots }
    /// This tick's bytes; nil while there are none.
    @exclusivity(unchecked) var buffer: TickBuffer?

    init(room: Room, encoding: Encoding, sink: Int?) {
        self.room = room
        self.encoding = encoding
        self.sink = sink
    }

    deinit { self.slotList.deallocate() }

    /// Bytes in this tick so far.
    var count: Int { self.buffer?.count ?? 0 }

    func insert(_ client: Client) {
        client.lane = self
        client.laneIndex = self.members.count
        self.members.append(client)
        self.slotList.append(client.outbound?.slot ?? -1)
    }

    func remove(_ client: Client) {
        precondition(client.lane === self)
        self.slotList.remove(at: client.laneIndex)
        let last = self.members.removeLast()
        if last !== client {
            self.members[client.laneIndex] = last
            last.laneIndex = client.laneIndex
        }
        client.lane = nil
    }
}

/// A named set of clients who hear each other.
final class Room {
    let name: PinnedString
    /// One lane per encoding and sink in use.
    @exclusivity(unchecked) var lanes: [Lane] = []
    /// Members in all lanes.
    var count = 0

    init(name: PinnedString) {
        self.name = name
    }

    func lane(for encoding: Encoding, sink: Int?) -> Lane {
        if let lane = self.lanes.first(where: { $0.sink == sink && $0.encoding == encoding }) { return lane }
        let lane = Lane(room: self, encoding: encoding, sink: sink)
        self.lanes.append(lane)
        return lane
    }
}
