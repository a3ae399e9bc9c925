// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import DequeModule

/// Decides what every client gets: clients, rooms, and the output of the current tick.
///
/// No sockets and no Lua.
///
/// Between two calls of ``endTick()`` outputs only collect. Their order is the order of the calls, and each client
/// receives exactly what was sent to it or to its room while it was a member, each text once. A broadcast is written
/// once per encoding in its room, so its cost does not grow with the number of clients.
///
/// A hub is confined to one thread, the script loop.
public final class Hub {
    /// The bounds it keeps.
    public let limits: Limits
    /// What has happened so far.
    @exclusivity(unchecked) public internal(set) var counters = Counters()
    /// The rules; set once, before the first client.
    ///
    /// Not weak, because that makes every later retain of the policy slow: whoever sets it takes it back before it goes
    /// away.
    public unowned(unsafe) var policy: (any RelayPolicy)?
    /// Where the bytes of clients go.
    @exclusivity(unchecked) var sinks: [SinkEntry] = []
    /// The sink of clients in memory, made with the first of them.
    lazy var memory: (sink: MemorySink, number: Int) = {
        let sink = MemorySink()
        return (sink, self.add(sink))
    }()
    /// The clock, in Unix seconds.
    public let clock: () -> Double
    /// Which of the nodes this is; 0 where there is one.
    public let node: Int64
    /// Where texts go besides the clients of this hub.
    let bus: any MessageBus

    var clients: [Int64: Client] = [:]
    /// Those who are not let in yet.
    var pendingAdmission: [Int64: Client] = [:]
    /// Clients with an allowance, oldest first, and some that have none any more.
    var unvalidated: Deque<Client> = []
    var unvalidatedCount = 0
    var rooms: [ExactString: Room] = [:]
    var dialects: [ExactString: Dialect] = ["plain": .plain]
    var dialectNames = [PinnedString("plain")]
    /// The number of the newest client.
    public internal(set) var lastClientID: Int64
    @exclusivity(unchecked) var lastMessageID: Int64

    // The current tick.
    @exclusivity(unchecked) var tick = 0
    @exclusivity(unchecked) var tickTime: Double?
    @exclusivity(unchecked) var activeLanes: [Lane] = []
    @exclusivity(unchecked) var touched: [Client] = []
    /// Closed clients whose connection has not been ended yet.
    var closing: Deque<Client> = []
    /// Closed clients whose departure the policy has not been told of, in order.
    @exclusivity(unchecked) var departures: Deque<(client: Client, reason: String)> = []
    /// The same by number.
    var departing: [Int64: Client] = [:]
    /// Departures that may still be reported in this tick.
    @exclusivity(unchecked) var departuresLeft = Hub.departuresPerTick
    /// Connections that this tick ends at the most.
    var closingLeft = Hub.departuresPerTick
    /// Asked before each further departure of a tick: false leaves it to the next one.
    public var mayReportDeparture: (() -> Bool)?
    /// Decisions about clients that are to be carried out once the policy has ended.
    @exclusivity(unchecked) var decisions: Deque<(client: Client, admission: LateAdmission)> = []
    /// Who is to be told something once the policy has ended.
    @exclusivity(unchecked) var systemMessages: Deque<(client: Client, kind: SystemMessageKind)> = []
    let directs = TickBuffer()
    /// Where the bytes of the tick are, while it ends.
    @exclusivity(unchecked) var sources: [UnsafeRawBufferPointer] = []
    @exclusivity(unchecked) var spareBuffers: [TickBuffer] = []
    /// Where each encoding of the text being delivered stands already.
    @exclusivity(unchecked) var encoded: [(encoding: Encoding, slice: Slice)] = []
    /// True while the policy runs: departures wait for its end.
    @exclusivity(unchecked) private var isDeciding = false
    /// Bytes of output so far.
    @exclusivity(unchecked) var tickBytes = 0

    /// Whether clients may still be let in; once that has ended it does not begin again.
    public internal(set) var isAdmitting = true

    /// Makes a hub without clients.
    ///
    /// - Parameters:
    ///   - limits: The bounds it keeps.
    ///   - node: Which of the nodes this is, from 0 to ``NodeNumber/highest``: it is part of the numbers of clients and messages.
    ///   - bus: Where texts go besides the clients of this hub.
    ///   - clock: The clock, in Unix seconds.
    public init(
        limits: Limits = Limits(),
        node: Int64 = 0,
        bus: any MessageBus = ProcessBus(),
        clock: @escaping () -> Double
    ) {
        precondition((0...NodeNumber.highest).contains(node), "a node's number is 0 to \(NodeNumber.highest)")
        self.limits = limits
        self.node = node
        self.bus = bus
        self.clock = clock
        self.lastClientID = NodeNumber.start(of: node)
        self.lastMessageID = NodeNumber.start(of: node)
    }

    deinit {
        // Clients, lanes and rooms hold each other as long as a client is here.
        for client in self.clients.values { client.lane = nil }
        for room in self.rooms.values { room.lanes.removeAll() }
    }

    // MARK: Sinks

    /// Makes a sink known, which the hub does not keep alive.
    ///
    /// - Returns: Its number, for the addresses of its clients.
    public func add(_ sink: any OutboundSink) -> Int {
        self.sinks.append(SinkEntry(sink: sink))
        return self.sinks.count - 1
    }

    // MARK: Clients

    /// How many clients there are.
    public var clientCount: Int { self.clients.count }

    /// How many are not let in yet, which count towards the limit, too.
    public var pendingAdmissionCount: Int { self.pendingAdmission.count }

    /// The rooms and how many clients are in each, in no particular order.
    public var roomSizes: [(name: String, clients: Int)] {
        self.rooms.values.map { ($0.name.string, $0.count) }
    }

    /// Removes a client: it gets what was sent to it so far, and its connection ends with this tick.
    public func close(_ client: Client, reason: String) {
        guard client.isOpen else { return }
        self.freezeDeliveries(of: client)
        client.isOpen = false
        client.closeReason = reason
        self.withdraw(client)
        self.clients[client.id] = nil
        self.pendingAdmission[client.id] = nil
        if client.amplificationAllowance != nil { self.unvalidatedClientGone() }
        self.closing.append(client)
        self.departures.append((client, reason))
        self.departing[client.id] = client
        self.runPolicy {}
    }

    /// Departures that one tick reports, and connections that it ends; the others wait for the next one.
    ///
    /// A hook may close thousands of clients at once: what that costs must not keep anybody's text waiting.
    public static let departuresPerTick = 256

    /// Whether departures or connections wait for another tick.
    public var hasDepartures: Bool { self.hasUnreportedDepartures || !self.closing.isEmpty }

    /// Whether the policy was not told of all departures.
    public var hasUnreportedDepartures: Bool { !self.departures.isEmpty }

    /// Ends ticks until no departure waits: for hubs without a loop.
    public func endTicks() {
        self.endTick()
        while self.hasDepartures {
            self.reportDepartures()
            self.endTick()
        }
    }

    /// Reports departures that earlier ticks left, as far as this tick allows.
    public func reportDepartures() {
        if !self.departures.isEmpty { self.runPolicy {} }
    }

    /// Closes every client that is left, and drops the departures that were not reported: for a relay that is out of time.
    ///
    /// - Returns: How many departures the policy was not told of.
    public func closeAll(reason: String) -> Int {
        self.departuresLeft = 0
        for client in self.everybody { self.close(client, reason: reason) }
        defer {
            self.departures.removeAll()
            self.departing.removeAll()
        }
        self.closingLeft = self.closing.count
        return self.departures.count
    }

    /// All clients and those who are not let in yet, by number.
    public var everybody: [Client] {
        (Array(self.clients.values) + Array(self.pendingAdmission.values)).sorted { $0.id < $1.id }
    }

    /// Changes how texts to a client are wrapped, from the next output on.
    public func setWire(_ wire: WireEncoding, of client: Client) {
        self.encode(client, as: Encoding(dialect: client.dialect, wire: wire))
    }

    /// Gives a client another name.
    ///
    /// Texts already sent keep the old one.
    public func rename(_ client: Client, to name: String) {
        client.name = PinnedString(name)
    }

    /// Puts a client into a room.
    ///
    /// - Returns: False if that would be one room too many.
    public func move(_ client: Client, to name: String) -> Bool {
        guard client.isOpen, !name.isExactly(client.room.string) else { return true }
        guard !client.isPendingAdmission else {
            if self.rooms[ExactString(name)] == nil, self.rooms.count >= self.limits.rooms { return false }
            client.room = PinnedString(name)
            return true
        }
        // The room left behind may be the one that makes place.
        let leavesEmpty = self.rooms[ExactString(client.room.string)]?.count == 1
        let isNew = self.rooms[ExactString(name)] == nil
        if isNew, self.rooms.count - (leavesEmpty ? 1 : 0) >= self.limits.rooms { return false }
        self.freezeDeliveries(of: client)
        self.withdraw(client)
        self.enter(client, self.room(PinnedString(name)))
        return true
    }

    /// Gives a client another dialect.
    ///
    /// - Returns: False if that would be one dialect too many.
    public func setDialect(_ name: String, of client: Client) -> Bool {
        guard let dialect = self.dialect(name) else { return false }
        self.encode(client, as: Encoding(dialect: dialect, wire: client.wire))
        return true
    }

    /// The dialect of a name, numbered on first use; nil if there are too many.
    public func dialect(_ name: String) -> Dialect? {
        if let dialect = self.dialects[ExactString(name)] { return dialect }
        guard self.dialects.count < self.limits.dialects else { return nil }
        let dialect = Dialect(index: self.dialects.count)
        self.dialects[ExactString(name)] = dialect
        self.dialectNames.append(PinnedString(name))
        return dialect
    }

    /// The name of a dialect.
    public func name(of dialect: Dialect) -> PinnedString { self.dialectNames[dialect.index] }

    /// The client with this number, if it is here or waits to be let in.
    public func client(_ id: Int64) -> Client? { self.clients[id] ?? self.pendingAdmission[id] }

    /// A client that has been closed, but whose departure is not reported yet.
    public func leaving(_ id: Int64) -> Client? { self.departing[id] }

    /// All clients, or those of one room, by number.
    public func clients(in room: String? = nil) -> [Client] {
        let found =
            if let room {
                self.rooms[ExactString(room)]?.lanes.flatMap(\.members) ?? []
            } else {
                Array(self.clients.values)
            }
        return found.sorted { $0.id < $1.id }
    }

    /// Counts a client that is disconnected because it reads too slowly.
    public func noteSlow() { self.counters.slowDisconnected += 1 }

    /// Counts a tick of output that a slow client misses.
    public func noteDropped() { self.counters.slowDropped += 1 }

    // MARK: The policy

    /// Runs rules.
    ///
    /// Departures that they cause are reported when they have ended, never from within.
    public func runPolicy<Result>(_ rules: () -> Result) -> Result {
        guard !self.isDeciding else { return rules() }
        self.isDeciding = true
        defer { self.isDeciding = false }
        let result = rules()
        // A hook may close further clients: those are reported in turn.
        while !self.systemMessages.isEmpty || !self.departures.isEmpty || !self.decisions.isEmpty {
            if let (client, admission) = self.decisions.popFirst() {
                self.carryOut(admission, for: client)
            } else if let (client, kind) = self.systemMessages.popFirst() {
                self.sendSystemMessage(kind, to: client)
            } else if self.takeDeparture(), let (client, reason) = self.departures.popFirst() {
                self.departing[client.id] = nil
                if client.isAnnounced {
                    self.policy?.disconnected(client, reason: reason)
                } else {
                    self.policy?.admissionRejected(client)
                }
            } else {
                break
            }
        }
        return result
    }

    /// Whether another departure may be reported in this tick.
    private func takeDeparture() -> Bool {
        guard !self.departures.isEmpty, self.departuresLeft > 0 else { return false }
        // The first costs no look at the clock: it is the usual one.
        if self.departuresLeft < Self.departuresPerTick, self.mayReportDeparture?() == false { return false }
        self.departuresLeft -= 1
        return true
    }
}

extension Hub {
    func makeClient(_ origin: ClientOrigin, _ wire: WireEncoding) -> Client {
        self.lastClientID += 1
        return Client(id: self.lastClientID, origin: origin, wire: wire, since: self.clock())
    }

    func room(_ name: PinnedString) -> Room {
        if let room = self.rooms[ExactString(name.string)] { return room }
        let room = Room(name: name)
        self.rooms[ExactString(name.string)] = room
        return room
    }

    func enter(_ client: Client, _ room: Room) {
        let lane = room.lane(for: client.encoding, sink: client.outbound?.sink)
        self.touch(client)
        lane.insert(client)
        room.count += 1
        client.room = room.name
        client.laneStart = lane.count
    }

    /// Takes a client out of its room, and the room away with its last member.
    func withdraw(_ client: Client) {
        guard let lane = client.lane else { return }
        let room = lane.room
        lane.remove(client)
        room.count -= 1
        if lane.members.isEmpty { room.lanes.removeAll { $0 === lane } }
        if room.count == 0 { self.rooms[ExactString(room.name.string)] = nil }
    }

    func encode(_ client: Client, as encoding: Encoding) {
        guard client.isOpen, client.encoding != encoding else { return }
        guard let room = client.lane?.room else {
            client.encoding = encoding
            return
        }
        self.freezeDeliveries(of: client)
        self.withdraw(client)
        client.encoding = encoding
        // Its room may just have lost its only member.
        self.rooms[ExactString(room.name.string)] = room
        self.enter(client, room)
    }

    /// Begins this tick's record of a client that does not simply hear its lane.
    func touch(_ client: Client) {
        if client.tick != self.tick {
            client.tick = self.tick
            client.pendingSlices.removeAll(keepingCapacity: true)
            client.laneStart = 0
        }
        if !client.isTouched {
            client.isTouched = true
            self.touched.append(client)
        }
    }

    /// Fixes what a client has heard so far in this tick; what its lane gets from now on is not part of it.
    func freezeDeliveries(of client: Client) {
        self.touch(client)
        guard let lane = client.lane else { return }
        if let buffer = lane.buffer, client.laneStart < buffer.count {
            client.appendSlice(Slice(buffer: buffer, range: client.laneStart..<buffer.count))
        }
        client.laneStart = lane.count
    }
}
