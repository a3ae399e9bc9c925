// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Where a client comes from.
public struct ClientOrigin: Sendable {
    /// What carries its bytes.
    public var transport: TransportKind
    /// Its address without the port, as digits.
    public var host: String
    /// Its port.
    public var port: Int

    /// Makes an origin.
    public init(transport: TransportKind, host: String, port: Int) {
        self.transport = transport
        self.host = host
        self.port = port
    }

    /// Whether its connection is encrypted.
    public var isSecure: Bool { self.transport.isSecure }

    /// `host:port`, an IPv6 host in brackets (RFC 3986, section 3.2.2).
    public var address: String {
        self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)"
    }
}

/// Somebody connected to the relay.
///
/// Confined to the script loop, like the hub it belongs to.
public final class Client {
    /// Its number, never given again in this process.
    public let id: Int64
    /// Where it comes from.
    public let origin: ClientOrigin
    /// Its address and port in one text.
    public let address: PinnedString
    /// Its host, with stable bytes.
    public let host: PinnedString
    /// What it is called: unique only as far as scripts make it so.
    public internal(set) var name: PinnedString
    /// When it came, in Unix seconds.
    public let since: Double
    /// Where its bytes go; nil once its connection was told to end, and for a client that gets none.
    @exclusivity(unchecked) var outbound: OutboundAddress?
    /// False once it has left or was closed: nothing is sent to it or taken from it any more.
    @exclusivity(unchecked) public internal(set) var isOpen = true
    /// Why it was closed; nil while it is open.
    public internal(set) var closeReason: String?
    /// True until the policy lets it in: it hears nobody, and nobody hears it.
    public internal(set) var isPendingAdmission = true
    /// Whether the policy has yet to decide if it is let in: its texts wait for that.
    @exclusivity(unchecked) public internal(set) var awaitsLateAnswer = false
    /// Whether the policy was told that it joined.
    ///
    /// Only then it is told that it left.
    var isAnnounced = false
    /// The text that it came with, where that waits until it is let in.
    var firstText: [UInt8]?
    /// Bytes that scripts may still send it; nil without such a bound.
    ///
    /// Anybody can write anybody's address on a datagram. Until a client has spoken twice it may not be there at all, and
    /// gets from scripts at most ``Hub/amplification`` times what came in its name (RFC 9000, section 8.1); while it is
    /// not let in, no more than what came last.
    @exclusivity(unchecked) public internal(set) var amplificationAllowance: Int?
    /// Messages so far, counted while there is an allowance.
    var spoken = 0

    @exclusivity(unchecked) var encoding: Encoding
    /// The room and encoding it listens to, and its place among that lane's members.
    @exclusivity(unchecked) var lane: Lane?
    var laneIndex = 0
    /// The tick in which the fields below were last set; in any later tick they are as good as empty.
    @exclusivity(unchecked) var tick = -1
    /// What it gets in this tick before what its lane holds from `laneStart` on.
    @exclusivity(unchecked) var pendingSlices: [Slice] = []
    @exclusivity(unchecked) var laneStart = 0
    @exclusivity(unchecked) var isTouched = false

    init(id: Int64, origin: ClientOrigin, wire: WireEncoding, since: Double) {
        self.id = id
        self.origin = origin
        self.encoding = Encoding(dialect: .plain, wire: wire)
        self.since = since
        self.address = PinnedString(origin.address)
        self.host = PinnedString(origin.host)
        self.name = self.address
        self.room = PinnedString(origin.transport.defaultRoom)
    }

    /// Adds to what it gets in this tick, joined to the last stretch where they touch.
    func appendSlice(_ slice: Slice) {
        if let last = self.pendingSlices.last, last.buffer === slice.buffer,
            last.range.upperBound == slice.range.lowerBound
        {
            self.pendingSlices[self.pendingSlices.count - 1].range = last.range.lowerBound..<slice.range.upperBound
        } else {
            self.pendingSlices.append(slice)
        }
    }

    /// The room it is in, or was in last.
    ///
    /// At first its transport's ``TransportKind/defaultRoom``.
    public internal(set) var room: PinnedString
    /// The dialect it is addressed in.
    public var dialect: Dialect { self.encoding.dialect }
    /// How texts to it are wrapped.
    public var wire: WireEncoding { self.encoding.wire }
}

/// A stretch of a tick's output.
struct Slice {
    var buffer: TickBuffer
    var range: Range<Int>
}
