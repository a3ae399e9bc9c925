// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CSockets
internal import RelayCore
internal import Scheduling

/// One UDP socket as the script loop sees it: its members, the input that waits, and the output of this tick.
///
/// Confined to the script loop.
final class UDPListener: InputSource {
    private let relay: UDPRelay
    let endpoint: UDPEndpoint
    private(set) var members: [InternetAddress: UDPMember] = [:]
    /// The members by their slots, each with the last tick in which it had something of its own, and the slots that are free.
    private var slots: [(member: UDPMember?, tick: UInt32)] = []
    private var freeSlots: [Int32] = []
    /// Its number among the hub's sinks.
    private var sink = 0
    var isQueued = false
    /// What has arrived and is being dealt with, and how far that is.
    private var arrived: ArrivedDatagrams?
    private var position = 0
    private var output = DatagramBatch()

    init(relay: UDPRelay, endpoint: UDPEndpoint) {
        self.relay = relay
        self.endpoint = endpoint
        self.sink = relay.hub.add(self)
    }

    // MARK: Input

    func readAgain() -> Bool { self.endpoint.hasArrived }

    func process(atMost count: Int, until deadline: Moment) -> Bool {
        // Once the relay has stopped there is no member left, and a ping would be answered after `stop`.
        guard self.relay.isAccepting else { return false }
        for _ in 0..<count {
            guard let arrived = self.takeArrived() else { return false }
            if self.position < arrived.datagrams.count {
                let datagram = arrived.datagrams[self.position]
                self.receive(datagram, arrived.text(of: datagram))
            } else {
                // After all that it said before.
                self.removeUnreachable(arrived.unreachable[self.position - arrived.datagrams.count])
            }
            self.position += 1
            if self.relay.hub.isTickFull { self.relay.ticks.endTick() }
            if Moment.now >= deadline { return true }
        }
        return true
    }

    /// What is being dealt with, or what has arrived since that was used up.
    private func takeArrived() -> ArrivedDatagrams? {
        if let arrived = self.arrived, self.position < arrived.datagrams.count + arrived.unreachable.count {
            return arrived
        }
        self.position = 0
        self.arrived = self.endpoint.take(returning: self.arrived)
        return self.arrived
    }

    /// Removes a member at whose port nobody listens any more.
    ///
    /// Such a report is easily forged, so it counts only for those who were sent something of late (RFC 8085, section 5.2).
    private func removeUnreachable(_ peer: InternetAddress) {
        guard let member = self.members[peer], let client = member.client, client.isOpen,
            member.wasSentSomething(since: .now - Self.reportTime)
        else { return }
        self.relay.numbers.unreachable += 1
        self.relay.hub.unreachable(client)
    }

    /// How long after a datagram its return may take.
    private static let reportTime = Duration.seconds(10)

    private func receive(_ datagram: ArrivedDatagrams.Datagram, _ text: UnsafeRawBufferPointer) {
        let member = self.members[datagram.from]
        if let member, let client = member.client, client.isOpen {
            member.wasHeard(at: datagram.to, .now)
            if datagram.isTruncated {
                self.relay.numbers.truncated += 1
                self.relay.hub.refuseTooLong(from: client)
            } else if text.isEmpty {
                self.relay.numbers.empty += 1
            } else if member.mayPing(self.relay.second) {
                let isPing = self.relay.hub.receive(text, from: client)
                if isPing { member.pinged(self.relay.second) }
            } else {
                self.relay.numbers.pingsRefused += 1
            }
            return
        }
        self.receive(datagram, fromStranger: text)
    }

    /// Takes a text from an address that has not joined: answers a ping, or lets it join.
    private func receive(_ datagram: ArrivedDatagrams.Datagram, fromStranger text: UnsafeRawBufferPointer) {
        if let problem = datagram.from.problem ?? self.relay.problem(with: datagram.from) {
            self.relay.numbers.badSources[problem, default: 0] += 1
            return
        }
        guard !datagram.isTruncated else {
            self.relay.numbers.truncated += 1
            return
        }
        guard !text.isEmpty else {
            self.relay.numbers.empty += 1
            return
        }
        let origin = ClientOrigin(datagram.from, transport: self.relay.kind)
        let recipient = csockets_recipient(to: datagram.from.raw, from: datagram.to.raw)
        if let answer = self.relay.hub.ping(text, from: origin) {
            guard self.relay.mayAnswerPing(of: datagram.from) else {
                self.relay.numbers.pingsRefused += 1
                return
            }
            return self.send(answer, to: recipient)
        }
        // Who joined during a shutdown would never hear its end.
        guard self.relay.isJoinable else { return }
        guard self.relay.mayJoin() else {
            self.relay.numbers.joinsRefused += 1
            return
        }
        let member = self.makeMember(at: datagram.from, recipient)
        // Before joining: a hook may close the client, and that must find it.
        self.members[datagram.from] = member
        let address = OutboundAddress(sink: self.sink, slot: member.slot)
        guard let client = self.relay.hub.join(origin, wire: self.relay.wire, to: address, saying: text) else {
            self.close(member.slot)
            if let words = self.relay.hub.refuse(origin, wire: self.relay.wire, saying: text) {
                self.send(words, to: recipient)
            }
            return
        }
        member.client = client
        if client.isOpen, !client.isPendingAdmission { self.relay.hub.receive(text, from: client, mayBePing: false) }
    }

    // MARK: Output

    private func send(_ text: UnsafeRawBufferPointer, to recipient: csockets_recipient) {
        if !text.isEmpty { self.output.add(text, to: recipient) }
    }

    private func makeMember(at address: InternetAddress, _ recipient: csockets_recipient) -> UDPMember {
        let slot = self.freeSlots.popLast() ?? Int32(self.slots.count)
        let member = UDPMember(at: slot, address: address, recipient: recipient)
        if Int(slot) == self.slots.count { self.slots.append((nil, 0)) }
        self.slots[Int(slot)] = (member, 0)
        return member
    }

    /// Hands this tick's output over.
    func endTick() {
        guard !self.output.isEmpty else { return self.output.endTick() }
        self.output.endTick()
        self.output = self.endpoint.send(self.output)
    }
}

extension UDPListener: OutboundSink {
    /// Collects what its members get in this tick.
    func send(_ output: TickOutput) {
        let now = Moment.now
        for part in output.parts { self.slots[Int(part.slot)].tick = output.tick }
        for run in output.runs {
            let texts = self.output.texts(of: run.source, in: output)
            for slot in run.slots where self.slots[Int(slot)].tick != output.tick {
                guard let member = self.slots[Int(slot)].member else { continue }
                member.wasSent(at: now)
                self.output.add(texts, to: member.recipient)
            }
        }
        for part in output.parts where !part.pieces.isEmpty {
            guard let member = self.slots[Int(part.slot)].member else { continue }
            member.wasSent(at: now)
            self.output.add(output.pieces[part.pieces], of: output, to: member.recipient)
        }
    }

    /// Forgets a member that was closed, unless its address has joined again.
    func close(_ slot: Int32) {
        guard let member = self.slots[Int(slot)].member else { return }
        self.slots[Int(slot)].member = nil
        self.freeSlots.append(slot)
        if self.members[member.address] === member { self.members[member.address] = nil }
    }
}
