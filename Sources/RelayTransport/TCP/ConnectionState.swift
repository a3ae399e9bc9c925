// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Scheduling

/// Where a connection is between its first byte and its last: takes what has happened, and returns what is to be done.
///
/// A value without I/O. ``TCPConnection`` carries the actions out.
///
///     preamble ──> open ──> draining ──> lingering ──> closed
///
/// Every state can end in `closed` at once: by ``Event/aborted``, and as each event says.
struct ConnectionState {
    enum Phase: Equatable {
        /// It is not in the hub yet: the stages before the first text are passed.
        case preamble
        /// The hub decides about its texts.
        case open
        /// The hub has closed its client; what is unsent may still leave.
        case draining
        /// All is sent and our direction has ended; the other side has a moment to end its own.
        case lingering
        /// Its socket is closed.
        case closed
    }

    /// Why no more input comes, as `disconnect` hooks see it.
    enum InputEnd: String {
        /// The other side has ended its direction.
        case left
        /// The connection is broken.
        case lost
    }

    enum Event: Equatable {
        /// The last stage of the preamble has passed.
        case preamblePassed
        /// A stage of the preamble does not let the connection go on.
        case preambleFailed
        /// A read found something.
        case inputArrived
        /// A read found that nothing more will come.
        case inputEnded(InputEnd)
        /// Everything that was read has been passed on.
        case inputUsedUp
        /// The other side takes and sends nothing any more, and a read found nothing.
        case hungUp
        /// The hub has closed the client.
        case hubClosed(mayLinger: Bool)
        /// Something was written, or could not be.
        case outputChanged(hasUnsent: Bool, isBroken: Bool, mayLinger: Bool)
        /// The unsent bytes were dropped, as all connections together had too many.
        case unsentDropped
        /// The deadline that an action has set has passed.
        case deadlinePassed
        /// The connection is to end now, whatever is unsent.
        case aborted
    }

    enum Action: Equatable {
        case nothing
        /// Join the hub.
        case join
        /// Have the hub close the client.
        case leave(InputEnd)
        /// Give what is unsent until the flush deadline to leave.
        case drain
        /// End our direction, and give the other side until the linger deadline to end its own.
        case linger
        /// Close the socket.
        case destroy
    }

    private(set) var phase = Phase.preamble
    /// Why no more input will come, once that is so.
    private(set) var inputEnd: InputEnd?
    /// Whether bytes wait for room in the socket.
    private(set) var hasUnsent = false
    /// Whether writing has failed: nothing is written any more.
    private(set) var isBroken = false
    /// Whether its unsent bytes were dropped because all connections together had too many.
    private(set) var hasDroppedUnsent = false
    /// Whether it waited for the other side to end, or waits still.
    private(set) var hasLingered = false
    /// Whether what was read is used up: then more is wanted, however much waits for the rest of a text.
    private var isUsedUp = false

    // MARK: What may be done

    /// Whether texts may be read and passed on.
    var mayRead: Bool { (self.phase == .open || self.phase == .preamble) && self.inputEnd == nil }

    /// Whether input is read only to reach its end.
    var skipsInput: Bool { self.phase == .draining || self.phase == .lingering }

    /// Whether bytes may be written.
    var mayWrite: Bool { self.phase == .open || self.phase == .draining }

    /// What to wait for at the socket.
    ///
    /// - Parameter isInputFull: Whether as much input waits as may.
    /// - Returns: Readable, writable, both or nothing.
    func interest(isInputFull: Bool) -> DescriptorState {
        var wanted: DescriptorState = []
        if self.inputEnd == nil, self.skipsInput || self.isUsedUp || !isInputFull { wanted.insert(.readable) }
        if self.hasUnsent { wanted.insert(.writable) }
        return wanted
    }

    // MARK: What has happened

    mutating func take(_ event: Event) -> Action {
        guard self.phase != .closed else { return .nothing }
        switch event {
        case .preamblePassed:
            guard self.phase == .preamble else { return .nothing }
            self.phase = .open
            return .join
        case .preambleFailed: return self.phase == .preamble ? self.close() : .nothing
        case .inputArrived:
            self.isUsedUp = false
            return .nothing
        case .inputEnded(let end): return self.inputEnded(end)
        case .inputUsedUp:
            self.isUsedUp = true
            guard self.phase == .open, let end = self.inputEnd else { return .nothing }
            return .leave(end)
        case .hungUp:
            // Before that, what has arrived is still passed on.
            return self.skipsInput ? self.close() : .nothing
        case .hubClosed(let mayLinger):
            guard self.phase == .open else { return .nothing }
            self.phase = .draining
            return self.hasUnsent ? .drain : self.finish(mayLinger)
        case .outputChanged(let hasUnsent, let isBroken, let mayLinger):
            (self.hasUnsent, self.isBroken) = (hasUnsent, isBroken)
            return self.phase == .draining && !hasUnsent ? self.finish(mayLinger) : .nothing
        case .unsentDropped:
            (self.hasUnsent, self.isBroken, self.hasDroppedUnsent) = (false, true, true)
            return .nothing
        case .deadlinePassed: return self.phase == .open ? .nothing : self.close()
        case .aborted: return self.close()
        }
    }

    private mutating func inputEnded(_ end: InputEnd) -> Action {
        // What a broken connection reads as an end is none: the other side has not said that it leaves.
        self.inputEnd = self.isBroken || end == .lost ? .lost : self.inputEnd ?? end
        switch self.phase {
        // Nobody is left whose preamble it could be.
        case .preamble, .lingering: return self.close()
        // The end has its turn behind what was read before.
        case .open: return .nothing
        case .draining: return self.hasUnsent ? .nothing : self.close()
        case .closed: return .nothing
        }
    }

    /// All is sent: ends our direction, or everything where that is of no use.
    private mutating func finish(_ mayLinger: Bool) -> Action {
        guard self.inputEnd == nil, !self.isBroken, mayLinger else { return self.close() }
        self.phase = .lingering
        self.hasLingered = true
        return .linger
    }

    private mutating func close() -> Action {
        self.phase = .closed
        return .destroy
    }
}
