// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CSockets
internal import RelayCore
internal import Scheduling

/// A client of a UDP socket.
final class UDPMember {
    /// Its number among the members of its socket.
    let slot: Int32
    let address: InternetAddress
    private(set) var recipient: csockets_recipient
    /// The client; nil only while it joins.
    var client: Client?
    /// When something was last sent to it, once something was.
    private var lastSent: Moment?
    /// Its pings of one second.
    private var pings: (second: Int64, count: Int) = (0, 0)
    /// When something last came from it.
    private(set) var lastHeard = Moment.now

    init(at slot: Int32, address: InternetAddress, recipient: csockets_recipient) {
        self.slot = slot
        self.address = address
        self.recipient = recipient
    }

    /// Notes a sign of life, and which of our addresses it knows.
    func wasHeard(at own: InternetAddress, _ time: Moment) {
        self.lastHeard = time
        if !own.isNone { self.recipient.from = own.raw }
    }

    /// Notes that something was sent to it.
    func wasSent(at time: Moment) { self.lastSent = time }

    /// Whether an answer of the network to something that was sent may come still.
    func wasSentSomething(since time: Moment) -> Bool { self.lastSent.map { $0 >= time } ?? false }

    /// Whether it has not pinged so often that it may be another relay, whose answers are pings again.
    func mayPing(_ second: Int64) -> Bool { self.pings.second != second || self.pings.count < UDPRelay.pingsPerSecond }

    func pinged(_ second: Int64) {
        self.pings = self.pings.second == second ? (second, self.pings.count + 1) : (second, 1)
    }
}
