// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Whom a text was sent to.
public struct Delivery: Sendable, Equatable {
    /// The number of clients that get it.
    public var recipients = 0
    /// The number of clients that miss it: it is longer than their wire format carries.
    public var missed = 0
}

extension Hub {
    /// A dialect that a recipient of the route uses and that has no text yet; nil when there is none.
    public func dialect(missingFrom texts: FormattedTexts, on route: Route, from sender: Client?) -> Dialect? {
        if let missing = self.localDialect(missingFrom: texts, on: route, from: sender) { return missing }
        return self.remoteDialect(missingFrom: texts, on: route, from: sender)
    }

    private func localDialect(missingFrom texts: FormattedTexts, on route: Route, from sender: Client?) -> Dialect? {
        if case .only(let ids) = route {
            for id in ids {
                if let client = self.clients[id], !texts.has(client.dialect) { return client.dialect }
            }
            return nil
        }
        if case .others = route, let sender, let lane = sender.lane, lane.room.lanes.count == 1 {
            // The usual room: everybody in it reads the same bytes.
            return lane.members.count > 1 && !texts.has(lane.encoding.dialect) ? lane.encoding.dialect : nil
        }
        var missing: Dialect?
        self.forEachLane(on: route, from: sender) { lane, skipped in
            let hasAudience = lane.members.count > (skipped == nil ? 0 : 1)
            if missing == nil, hasAudience, !texts.has(lane.encoding.dialect) { missing = lane.encoding.dialect }
        }
        return missing
    }

    /// Sends a text, given in every dialect that its recipients use, along a route.
    ///
    /// - Returns: How many clients get it, and how many miss it. If any do, the sender gets the system message `too_long`.
    @discardableResult
    public func deliver(_ texts: FormattedTexts, to route: Route, from sender: Client?) -> Delivery {
        let delivery = self.deliver(to: route, from: sender, texts)
        // The policy is busy with the message still.
        if delivery.missed > 0, let sender { self.queueSystemMessage(.tooLong, to: sender) }
        self.publish(texts, to: route, from: sender)
        return delivery
    }

    private func deliver(to route: Route, from sender: Client?, _ texts: FormattedTexts) -> Delivery {
        guard let sender, sender.amplificationAllowance != nil else {
            return self.deliver(to: route, from: sender) { texts[$0] }
        }
        if case .others = route { return self.deliver(to: route, from: sender) { texts[$0] } }
        // What comes back to the sender itself is what scripts send it.
        self.encoded.removeAll(keepingCapacity: true)
        var delivery = Delivery()
        for client in self.recipients(of: route, from: sender).compactMap({ self.clients[$0] }) {
            guard let text = texts[client.dialect] else { continue }
            if client === sender, self.spend(text, on: client) == nil { continue }
            self.sendDirect(text, to: client, &delivery)
        }
        self.count(delivery)
        return delivery
    }

    /// Counts a delivery.
    private func count(_ delivery: Delivery) {
        self.counters.deliveries += delivery.recipients
        self.counters.tooLongToSend += delivery.missed
    }

    /// Sends one text of a script, the same in all dialects, along a route.
    ///
    /// - Returns: The number of recipients.
    public func send(_ text: UnsafeRawBufferPointer, to route: Route, from sender: Client?) -> Int {
        self.publish(text, to: route, from: sender)
        guard self.unvalidatedCount > 0 else { return self.deliver(to: route, from: sender) { _ in text }.recipients }
        // Some may have heard enough: each is looked at, and the text is still written once.
        self.encoded.removeAll(keepingCapacity: true)
        var delivery = Delivery()
        for client in self.recipients(of: route, from: sender).compactMap({ self.clients[$0] })
        where self.spend(text, on: client) != nil {
            self.sendDirect(text, to: client, &delivery)
        }
        self.count(delivery)
        return delivery.recipients
    }

    /// Sends a text of a script to one client.
    ///
    /// - Returns: False if the client has left, or may not get it.
    public func send(_ text: UnsafeRawBufferPointer, to client: Client) -> Bool {
        guard client.isOpen, let part = self.spend(text, on: client) else { return false }
        self.encoded.removeAll(keepingCapacity: true)
        var delivery = Delivery()
        self.sendDirect(part, to: client, &delivery)
        self.count(delivery)
        return delivery.recipients > 0
    }

    /// Who gets a text on a route, by number.
    ///
    /// - Parameters:
    ///   - route: The route.
    ///   - sender: Who the route begins with.
    ///   - texts: The text in each dialect: those who have none, or for whom it is too long, are left out.
    /// - Returns: The clients' numbers; by size, but for a route that lists them.
    public func recipients(of route: Route, from sender: Client?, getting texts: FormattedTexts? = nil) -> [Int64] {
        let gets = { (encoding: Encoding) in
            guard let texts else { return true }
            guard let text = texts[encoding.dialect] else { return false }
            return text.count <= encoding.wire.textLimit
        }
        if case .only(let ids) = route {
            var seen: Set<Int64> = []
            return ids.filter { id in
                guard let client = self.clients[id], gets(client.encoding) else { return false }
                return seen.insert(id).inserted
            }
        }
        var found: [Int64] = []
        self.forEachLane(on: route, from: sender) { lane, skipped in
            guard gets(lane.encoding) else { return }
            found.append(contentsOf: lane.members.lazy.filter { $0 !== skipped }.map(\.id))
        }
        return found.sorted()
    }

    /// Visits the lanes of a route, each with the one member to leave out, if that is among its members.
    func forEachLane(on route: Route, from sender: Client?, _ body: (Lane, Client?) -> Void) {
        switch route {
        case .others:
            // A sender who has just been closed is in no lane any more, but still speaks to its last room.
            guard let sender, let room = sender.lane?.room ?? self.rooms[ExactString(sender.room.string)] else {
                return
            }
            for lane in room.lanes { body(lane, sender.lane === lane ? sender : nil) }
        case .room(let name):
            guard let room = self.rooms[ExactString(name)] else { return }
            for lane in room.lanes { body(lane, sender?.lane === lane ? sender : nil) }
        case .everyone:
            for room in self.rooms.values {
                for lane in room.lanes { body(lane, nil) }
            }
        case .only: break
        }
    }

    func deliver(
        to route: Route,
        from sender: Client?,
        _ text: (Dialect) -> UnsafeRawBufferPointer?
    ) -> Delivery {
        var delivery = Delivery()
        defer { self.count(delivery) }
        if case .others = route, let sender, let lane = sender.lane, lane.room.lanes.count == 1 {
            let audience = lane.members.count - 1
            guard audience > 0, let text = text(lane.encoding.dialect),
                Self.fits(text, lane.encoding.wire, recipients: audience, &delivery)
            else { return delivery }
            self.freezeDeliveries(of: sender)
            let buffer = lane.buffer ?? self.activate(lane)
            self.tickBytes += lane.encoding.wire.append(text, to: buffer).count
            sender.laneStart = buffer.count
            return delivery
        }
        self.encoded.removeAll(keepingCapacity: true)
        if case .only(let ids) = route {
            var seen: Set<Int64> = []
            for id in ids where ids.count == 1 || seen.insert(id).inserted {
                guard let client = self.clients[id], let text = text(client.dialect) else { continue }
                self.sendDirect(text, to: client, &delivery)
            }
        } else if case .everyone = route, self.rooms.count > self.clients.count / 4 {
            // Rooms of a few: writing the text once and handing out its place is less than a copy for every room.
            for client in self.clients.values {
                guard let text = text(client.dialect) else { continue }
                self.sendDirect(text, to: client, &delivery)
            }
        } else {
            self.forEachLane(on: route, from: sender) { lane, skipped in
                let audience = lane.members.count - (skipped == nil ? 0 : 1)
                guard audience > 0, let text = text(lane.encoding.dialect),
                    Self.fits(text, lane.encoding.wire, recipients: audience, &delivery)
                else { return }
                if let skipped { self.freezeDeliveries(of: skipped) }
                self.append(text, to: lane)
                if let skipped { skipped.laneStart = lane.count }
            }
        }
        return delivery
    }

    func append(_ text: UnsafeRawBufferPointer, to lane: Lane) {
        let buffer = lane.buffer ?? self.activate(lane)
        if let known = self.encoded.first(where: { $0.encoding == lane.encoding }) {
            let slice = known.slice
            buffer.append(slice.buffer[slice.range])
            self.tickBytes += slice.range.count
            return
        }
        let range = lane.encoding.wire.append(text, to: buffer)
        self.encoded.append((lane.encoding, Slice(buffer: buffer, range: range)))
        self.tickBytes += range.count
    }

    func activate(_ lane: Lane) -> TickBuffer {
        let buffer = self.spareBuffers.popLast() ?? TickBuffer()
        lane.buffer = buffer
        self.activeLanes.append(lane)
        return buffer
    }

    /// Whether an encoding carries a text of this length; adds those who get it, or miss it, to a delivery.
    private static func fits(
        _ text: UnsafeRawBufferPointer,
        _ wire: WireEncoding,
        recipients: Int,
        _ delivery: inout Delivery
    ) -> Bool {
        guard text.count <= wire.textLimit else {
            delivery.missed += recipients
            return false
        }
        delivery.recipients += recipients
        return true
    }

    /// Appends a text for one client, after all it has heard so far, unless it is too long for it.
    private func sendDirect(_ text: UnsafeRawBufferPointer, to client: Client, _ delivery: inout Delivery) {
        guard Self.fits(text, client.wire, recipients: 1, &delivery) else { return }
        self.freezeDeliveries(of: client)
        let slice: Slice
        if let known = self.encoded.first(where: { $0.encoding == client.encoding }) {
            slice = known.slice
        } else {
            let range = client.wire.append(text, to: self.directs)
            slice = Slice(buffer: self.directs, range: range)
            self.encoded.append((client.encoding, slice))
            self.tickBytes += range.count
        }
        client.appendSlice(slice)
    }
}
