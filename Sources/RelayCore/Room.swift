// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// The members of a room who share an encoding, and this tick's bytes for them.
///
/// A broadcast is appended here once, whatever the number of members. A member hears the lane from where it joined
/// (`Client.laneStart`); whoever is left out of one text settles what it heard before and starts again behind it.
final class Lane {
    let room: Room
    let encoding: Encoding
    @exclusivity(unchecked) private(set) var members: [Client] = []
    /// This tick's bytes; nil while there are none.
    @exclusivity(unchecked) var buffer: TickBuffer?

    init(room: Room, encoding: Encoding) {
        self.room = room
        self.encoding = encoding
    }

    /// Bytes in this tick so far.
    var count: Int { self.buffer?.count ?? 0 }

    func insert(_ client: Client) {
        client.lane = self
        client.laneIndex = self.members.count
        self.members.append(client)
    }

    func remove(_ client: Client) {
        precondition(client.lane === self)
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
    let name: Label
    /// One lane per encoding in use.
    @exclusivity(unchecked) var lanes: [Lane] = []
    /// Members in all lanes.
    var count = 0

    init(name: Label) {
        self.name = name
    }

    func lane(for encoding: Encoding) -> Lane {
        if let lane = self.lanes.first(where: { $0.encoding == encoding }) { return lane }
        let lane = Lane(room: self, encoding: encoding)
        self.lanes.append(lane)
        return lane
    }
}
