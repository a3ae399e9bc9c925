// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#if canImport(Glibc)
internal import Scheduling
internal import Glibc
#endif

/// What the prober's thread does: reads the clock, passes what arrived to the books, sends what is due.
final class ProberLoop {
    private struct Target {
        var address: ProbeAddress
        var schedule: ProbeSchedule
        var book: ProbeBook
        /// When each open ping was sent, and the clocks' offset then.
        var sendings: [ProbeBook.ID: (moment: Moment, offset: Int64)] = [:]
        var slot = 0
        var reprobes = 0
        var nextReprobe: Moment?
        var isFinished = false
    }

    /// Arrivals taken from a socket between two looks at other things: a peer that floods must not stop the rest.
    private static let arrivalsPerRound = 16
    /// More than a receive buffer holds.
    private static let allArrivals = 4_096
    /// Quick re-probes are at least this far apart: a service that restarts refuses all of them at once.
    private static let reprobePause = Duration.milliseconds(500)

    private let plan: ProbePlan
    private let sockets: ProbeSockets
    private let tell: ([ProbeEvent]) -> Void
    private var targets: [Target]
    private var owners: [ProbeBook.ID: Int] = [:]
    private var nextID = ProbeSockets.firstToken
    private var reading: ClockReading
    private var stalls: StallDetector
    private var events: [ProbeEvent] = []

    init(
        _ addresses: [ProbeAddress],
        _ plan: ProbePlan,
        _ sockets: ProbeSockets,
        _ tell: @escaping ([ProbeEvent]) -> Void
    ) {
        self.plan = plan
        self.sockets = sockets
        self.tell = tell
        let reading = ClockReading.take()
        self.reading = reading
        self.stalls = StallDetector(reading)
        self.targets = addresses.indices.map { index in
            Target(
                address: addresses[index],
                schedule: ProbeSchedule(plan, start: reading.now),
                book: ProbeBook(target: index, timeout: plan.timeout)
            )
        }
    }

    /// Runs until it is asked to end.
    func run(_ takeRequests: () -> Prober.Requests) {
        while true {
            let isAwaited = self.targets.contains { $0.book.isWaiting }
            let arrived = self.sockets.wait(until: self.nextMoment(isAwaited))
            self.reading = .take()
            // What arrived while nobody ran is told apart from what did not; how late it was read is not.
            if self.stalls.wake(self.reading, wasAwaited: isAwaited) { self.suspend() }
            for id in arrived { self.receive(id) }
            self.expire()
            let requests = takeRequests()
            if requests.mustEnd { break }
            for (target, address) in requests.addresses { self.targets[target].address = address }
            for (target, count) in requests.reprobes { self.beginReprobes(target, count) }
            for index in self.targets.indices {
                self.sendDue(index)
                self.closeOld(index, most: self.plan.mostOpen)
                self.finish(index)
            }
            self.flush()
        }
        self.flush()
    }

    func close() { self.sockets.closeAll() }

    private func flush() {
        guard !self.events.isEmpty else { return }
        self.tell(self.events)
        self.events.removeAll(keepingCapacity: true)
    }

    /// When there is something to do though nothing arrives.
    private func nextMoment(_ isAwaited: Bool) -> Moment? {
        var moments = self.targets.flatMap { target in
            [
                target.schedule.next, target.nextReprobe, target.book.nextDeadline.map { $0 + .nanoseconds(1) },
                target.book.nextClosing(lateness: self.plan.lateness).map { $0 + .nanoseconds(1) },
            ]
        }
        if isAwaited { moments.append(self.reading.now + StallDetector.heartbeat) }
        return moments.compactMap { $0 }.min()
    }

    // MARK: Receiving

    private func receive(_ id: ProbeBook.ID, atMost count: Int = ProberLoop.arrivalsPerRound) {
        guard let index = self.owners[id] else { return }
        for _ in 0..<count {
            if self.targets[index].book.isFlooded(id) { return self.close(id, index) }
            guard let arrival = self.sockets.receive(id) else { return }
            switch arrival {
            case .refused: self.decide(id, index, .refused)
            case .datagram(isReply: false, _): self.note(self.targets[index].book.foreign(to: id))
            case .datagram(isReply: true, let stamp):
                guard let sending = self.targets[index].sendings[id] else { return }
                // Read anew: what arrived while the others were dealt with did so after the loop woke.
                let moment = ClockReading.take()
                    .arrival(stamp: stamp, sent: sending.moment, sentOffset: sending.offset)
                if self.targets[index].book.isOverdue(id, at: moment) { self.decide(id, index, .timeout) }
                let isReprobe = self.targets[index].book.isReprobe(id)
                let event = self.targets[index].book.reply(to: id, at: moment)
                isReprobe ? self.noteReprobe(index, event) : self.note(event)
            }
        }
    }

    /// Ends what was not answered in time.
    private func expire() {
        for index in self.targets.indices {
            for id in self.targets[index].book.overdue(at: self.reading.now) {
                // What has arrived meanwhile counts by when it did, whatever stands before it.
                self.receive(id, atMost: Self.allArrivals)
                self.decide(id, index, .timeout)
            }
        }
    }

    /// Gives up on everything under way: this process did not run.
    private func suspend() {
        for index in self.targets.indices {
            for id in self.targets[index].book.undecided { self.decide(id, index, .inconclusive) }
        }
    }

    private func decide(_ id: ProbeBook.ID, _ index: Int, _ outcome: PingOutcome) {
        let isReprobe = self.targets[index].book.isReprobe(id)
        let event = self.targets[index].book.end(id, as: outcome)
        isReprobe ? self.noteReprobe(index, event) : self.note(event)
    }

    private func note(_ event: ProbeEvent?) {
        if let event { self.events.append(event) }
    }

    private func note(_ index: Int, _ kind: ProbeEvent.Kind) {
        self.events.append(
            ProbeEvent(
                target: index,
                slot: self.targets[index].slot,
                moment: self.reading.now,
                time: self.reading.time,
                kind: kind
            )
        )
    }

    // MARK: Re-probes

    private func beginReprobes(_ index: Int, _ count: Int) {
        guard count > 0, self.targets[index].reprobes == 0 else { return }
        self.targets[index].reprobes = count
        self.targets[index].nextReprobe = self.reading.now
    }

    /// A re-probe was decided; the last one that was lost, or the first that was not, ends them.
    private func noteReprobe(_ index: Int, _ event: ProbeEvent?) {
        guard case .decided(let outcome) = event?.kind, self.targets[index].reprobes > 0 else { return }
        var left = self.targets[index].reprobes - 1
        switch outcome {
        case .reply, .inconclusive:
            self.note(index, .reprobed(isLost: false))
            left = 0
        case .timeout, .refused: if left == 0 { self.note(index, .reprobed(isLost: true)) }
        }
        self.targets[index].reprobes = left
        self.targets[index].nextReprobe =
            left == 0 ? nil : max(self.reading.now, (event?.moment ?? self.reading.now) + Self.reprobePause)
    }

    // MARK: Sending

    private func sendDue(_ index: Int) {
        while let due = self.targets[index].schedule.take(at: self.reading.now) {
            self.targets[index].slot = due.slot
            if due.missed > 0 { self.note(index, .missed(slots: due.missed)) }
            guard self.plan.sourcePort == nil || self.targets[index].book.isQuiet(at: self.reading.now) else {
                self.note(index, .deferred)
                continue
            }
            self.send(index, isReprobe: false)
        }
        guard let moment = self.targets[index].nextReprobe, moment <= self.reading.now else { return }
        self.targets[index].nextReprobe = nil
        // From one port, the lost ping may still be answered: nothing quick would tell.
        guard self.plan.sourcePort == nil || self.targets[index].book.isQuiet(at: self.reading.now) else {
            self.targets[index].reprobes = 0
            return self.note(index, .reprobed(isLost: false))
        }
        self.send(index, isReprobe: true)
    }

    private func send(_ index: Int, isReprobe: Bool) {
        self.makeRoom(index)
        let id = self.nextID
        self.nextID += 1
        var code = self.sockets.open(id, to: self.targets[index].address)
        if ProbeSockets.isLocalResourceError(code) {
            self.closeDecided()
            code = self.sockets.open(id, to: self.targets[index].address)
        }
        // Nothing comes between the clock and the ping.
        let reading = ClockReading.take()
        if code == 0 { code = self.sockets.send(id) }
        self.owners[id] = index
        self.targets[index].sendings[id] = (reading.now, reading.offset)
        self.targets[index].book
            .sent(id, slot: self.targets[index].slot, isReprobe: isReprobe, at: reading.now, time: reading.time)
        guard code != 0 else { return }
        self.note(index, .unsent(code: code))
        // Without descriptors or memory nothing is known of the target; without a way to it, it cannot be reached.
        self.decide(id, index, ProbeSockets.isLocalResourceError(code) ? .inconclusive : .timeout)
    }

    /// Sees to it that one more socket is none too many.
    private func makeRoom(_ index: Int) {
        guard self.plan.sourcePort != nil else { return self.closeOld(index, most: self.plan.mostOpen - 1) }
        // From one port, the next ping's socket takes the place of the last one's.
        self.closeOld(index, lateness: .zero, most: 0)
    }

    // MARK: Closing

    private func closeOld(_ index: Int, lateness: Duration, most: Int) {
        while let id = self.targets[index].book.closable(at: self.reading.now, lateness: lateness, most: most) {
            self.close(id, index)
        }
    }

    private func closeOld(_ index: Int, most: Int) { self.closeOld(index, lateness: self.plan.lateness, most: most) }

    /// Makes room for descriptors: late replies are worth less than pings.
    private func closeDecided() {
        for index in self.targets.indices { self.closeOld(index, lateness: .zero, most: 0) }
    }

    private func close(_ id: ProbeBook.ID, _ index: Int) {
        self.sockets.close(id)
        self.targets[index].book.close(id)
        self.targets[index].sendings[id] = nil
        self.owners[id] = nil
    }

    private func finish(_ index: Int) {
        let target = self.targets[index]
        guard !target.isFinished, target.schedule.next == nil, !target.book.isWaiting, target.reprobes == 0 else {
            return
        }
        self.targets[index].isFinished = true
        self.note(index, .finished)
    }
}
