// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import RelayCore
public import Scheduling

/// Stops a relay's transports in phases, each a share of a tick at a time: no new clients; what has arrived is relayed; every
/// client is told and closed; what is unsent leaves.
///
/// Confined to the script loop.
public final class RelayShutdown {
    private enum Phase {
        /// What has arrived is relayed, until a tick finds nothing.
        case draining
        /// Clients are told and closed.
        case closing
        /// Their last bytes leave.
        case flushing
    }

    private let transports: [any Transport]
    private let scheduler: TickScheduler
    private let hub: Hub
    private let begin: Moment
    private let deadline: Moment
    private var phase = Phase.draining
    private var unfinished = 0
    private let done: (_ unreported: Int) -> Void

    /// What has arrived is relayed for no longer than this.
    private static let drainTime = Duration.seconds(1)
    /// Of a tick, closing gets as much as input gets.
    private static let closingTime = Duration.milliseconds(6)
    /// Those who are still to be told, the last first.
    private var remaining: [Client] = []

    /// Begins to stop.
    ///
    /// - Parameters:
    ///   - transports: What is stopped.
    ///   - scheduler: Whose ticks it takes part in.
    ///   - deadline: When clients that were not told yet are closed without a word, and unsent bytes are given up.
    ///   - done: Called once nothing is open any more; gets how many departures no hook was told of.
    @discardableResult
    public init(
        _ transports: [any Transport],
        _ scheduler: TickScheduler,
        by deadline: Moment,
        done: @escaping (_ unreported: Int) -> Void
    ) {
        self.transports = transports
        self.scheduler = scheduler
        self.hub = scheduler.hub
        self.begin = .now
        self.deadline = deadline
        self.done = done
        // The hub keeps out whom a transport has let through already: those who are still to answer `admit`, for instance.
        self.hub.stopAdmitting()
        for transport in transports { transport.stopAccepting() }
        // It lives as long as it is called.
        scheduler.onTickEnd = { self.tickEnded() }
        scheduler.wantAnotherTick()
    }

    private func tickEnded() {
        switch self.phase {
        case .draining:
            let limit = min(self.begin + Self.drainTime, self.deadline)
            if !self.scheduler.hadInput && !self.hub.hasDepartures || Moment.now >= limit {
                self.phase = .closing
                self.remaining = self.hub.everybody.reversed()
            }
            self.scheduler.wantAnotherTick()
        case .closing: self.closeClients()
        case .flushing: break
        }
    }

    private func closeClients() {
        let end = min(Moment.now + Self.closingTime, self.deadline)
        while Moment.now < end, !self.hub.hasUnreportedDepartures, let client = self.remaining.popLast() {
            guard client.isOpen else { continue }
            self.hub.sendSystemMessage(.shutdown, to: client)
            self.hub.close(client, reason: "shutdown")
        }
        guard self.remaining.isEmpty && !self.hub.hasDepartures || Moment.now >= self.deadline else {
            return self.scheduler.wantAnotherTick()
        }
        self.phase = .flushing
        self.scheduler.onTickEnd = nil
        let unreported = self.hub.closeAll(reason: "shutdown")
        self.scheduler.endTick()
        self.unfinished = self.transports.count
        let finish = {
            self.unfinished -= 1
            if self.unfinished <= 0 { self.done(unreported) }
        }
        guard !self.transports.isEmpty else { return finish() }
        for transport in self.transports { transport.finish(by: self.deadline, finish) }
    }
}
