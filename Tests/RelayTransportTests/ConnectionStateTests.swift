// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Scheduling
import Testing

@testable import RelayTransport

/// Every event in every phase of a connection.
@Suite struct ConnectionStateTests {
    typealias Event = ConnectionState.Event
    typealias Phase = ConnectionState.Phase

    /// What is expected of an event: what is to be done, and the phase after it.
    struct Step: Equatable {
        var action: ConnectionState.Action
        var phase: Phase

        init(_ action: ConnectionState.Action, _ phase: Phase) {
            self.action = action
            self.phase = phase
        }
    }

    /// Output of which some is unsent.
    private static let unsent = Event.outputChanged(hasUnsent: true, isBroken: false, mayLinger: true)
    /// Output that is sent.
    private static let sent = Event.outputChanged(hasUnsent: false, isBroken: false, mayLinger: true)
    private static let sentWithoutRoom = Event.outputChanged(hasUnsent: false, isBroken: false, mayLinger: false)
    private static let broken = Event.outputChanged(hasUnsent: false, isBroken: true, mayLinger: true)

    private static let events: [Event] = [
        .preamblePassed, .preambleFailed, .inputArrived, .inputEnded(.left), .inputEnded(.lost), .inputUsedUp, .hungUp,
        .hubClosed(mayLinger: true), .hubClosed(mayLinger: false), unsent, sent, sentWithoutRoom, broken,
        .unsentDropped, .deadlinePassed, .aborted,
    ]

    /// How each phase is reached.
    private static let paths: [(Phase, [Event])] = [
        (.preamble, []), (.open, [.preamblePassed]),
        (.draining, [.preamblePassed, unsent, .hubClosed(mayLinger: true)]),
        (.lingering, [.preamblePassed, .hubClosed(mayLinger: true)]), (.closed, [.aborted]),
    ]

    /// The steps of a phase that do something; all others do nothing.
    private static func steps(in phase: Phase) -> [(Event, Step)] {
        let destroy = Step(.destroy, .closed)
        let ends: [(Event, Step)] = [(.inputEnded(.left), destroy), (.inputEnded(.lost), destroy)]
        let last: [(Event, Step)] = [(.deadlinePassed, destroy), (.aborted, destroy)]
        switch phase {
        case .preamble: return [(.preamblePassed, Step(.join, .open)), (.preambleFailed, destroy)] + ends + last
        case .open:
            return [
                (.hubClosed(mayLinger: true), Step(.linger, .lingering)), (.hubClosed(mayLinger: false), destroy),
                (.aborted, destroy),
            ]
        case .draining:
            return [
                (.hungUp, destroy), (Self.sent, Step(.linger, .lingering)), (Self.sentWithoutRoom, destroy),
                (Self.broken, destroy),
            ] + last
        case .lingering: return [(.hungUp, destroy)] + ends + last
        case .closed: return []
        }
    }

    private static func state(_ path: [Event]) -> ConnectionState {
        var state = ConnectionState()
        for event in path { _ = state.take(event) }
        return state
    }

    @Test(arguments: paths.indices)
    func `each event does in each phase what the table says, and nothing else`(index: Int) {
        let (phase, path) = Self.paths[index]
        #expect(Self.state(path).phase == phase)
        for event in Self.events {
            var state = Self.state(path)
            let action = state.take(event)
            let expected = Self.steps(in: phase).first { $0.0 == event }?.1 ?? Step(.nothing, phase)
            #expect(Step(action, state.phase) == expected, "\(event) in \(phase)")
        }
    }

    @Test func `the end of input has its turn behind what was read`() {
        for (end, other) in [(ConnectionState.InputEnd.left, ConnectionState.InputEnd.lost), (.lost, .lost)] {
            var state = Self.state([.preamblePassed, .inputArrived, .inputEnded(end)])
            #expect(!state.mayRead)
            #expect(state.take(.inputUsedUp) == .leave(end))
            // The hub closes it at the end of the tick; until then nothing changes.
            #expect(state.take(.inputUsedUp) == .leave(end) && state.phase == .open)
            #expect(state.take(.hubClosed(mayLinger: true)) == .destroy, "there is nobody to linger for")
            state = Self.state([.preamblePassed, Self.broken, .inputEnded(end)])
            #expect(state.take(.inputUsedUp) == .leave(other), "a broken connection does not leave, it is lost")
        }
        // Once it is broken, an end that was read before is none.
        let state = Self.state([.preamblePassed, .inputEnded(.left), .inputEnded(.lost)])
        #expect(state.inputEnd == .lost)
    }

    @Test func `what is unsent may leave before the end, unless nobody would get it`() {
        var state = Self.state([.preamblePassed, Self.unsent])
        #expect(state.take(.hubClosed(mayLinger: true)) == .drain)
        #expect(state.mayWrite && state.skipsInput && !state.mayRead)
        #expect(state.take(.inputEnded(.left)) == .nothing, "the other side may still read")
        #expect(state.take(Self.unsent) == .nothing)
        #expect(state.take(Self.sent) == .destroy, "the other side has ended already")

        state = Self.state([.preamblePassed, Self.unsent, .hubClosed(mayLinger: true), Self.sent])
        #expect(state.phase == .lingering && state.hasLingered && !state.mayWrite && state.skipsInput)
        #expect(state.take(.inputEnded(.left)) == .destroy)
        #expect(state.hasLingered, "it is counted until it is forgotten")
    }

    @Test func `a connection whose unsent bytes were dropped writes nothing any more`() {
        var state = Self.state([.preamblePassed, Self.unsent, .unsentDropped])
        #expect(state.hasDroppedUnsent && state.isBroken && !state.hasUnsent)
        #expect(state.take(.hubClosed(mayLinger: true)) == .destroy)
    }

    @Test func `it waits for input unless that is withheld, and for room while something is unsent`() {
        var state = Self.state([])
        #expect(state.interest(isInputFull: false) == .readable)
        _ = state.take(.preamblePassed)
        #expect(state.interest(isInputFull: false) == .readable)
        _ = state.take(.inputArrived)
        #expect(state.interest(isInputFull: true) == [])
        _ = state.take(.inputUsedUp)
        #expect(state.interest(isInputFull: true) == .readable, "what waits is less than a text, so more is needed")
        _ = state.take(.inputArrived)
        _ = state.take(Self.unsent)
        #expect(state.interest(isInputFull: true) == .writable)
        #expect(state.interest(isInputFull: false) == [.readable, .writable])
        _ = state.take(.hubClosed(mayLinger: true))
        #expect(state.interest(isInputFull: true) == [.readable, .writable], "it is read to its end")
        _ = state.take(.inputEnded(.left))
        #expect(state.interest(isInputFull: false) == .writable)
    }

    @Test func `only an open connection passes texts on, and only until its input ends`() {
        let readable: Set<Phase> = [.preamble, .open]
        let writable: Set<Phase> = [.open, .draining]
        for (phase, path) in Self.paths {
            let state = Self.state(path)
            #expect(state.mayRead == readable.contains(phase))
            #expect(state.mayWrite == writable.contains(phase))
            #expect(state.skipsInput == (phase == .draining || phase == .lingering))
        }
    }
}

/// The timer of partial lines.
@Suite struct SilenceTimerTests {
    private let begin = Moment(nanoseconds: 1_000_000_000)

    @Test func `one timer serves, however often more comes`() {
        var timer = SilenceTimer(.milliseconds(500))
        let first = timer.start(at: self.begin)
        #expect(first == self.begin + .milliseconds(500))
        #expect(timer.start(at: self.begin + .milliseconds(200)) == nil)
        #expect(timer.start(at: self.begin + .milliseconds(300)) == nil)
        let next = self.begin + .milliseconds(800)
        #expect(timer.fired(at: self.begin + .milliseconds(500), isAwaited: true) == .early(next: next))
        #expect(timer.start(at: self.begin + .milliseconds(300)) == nil, "it is set again")
        #expect(timer.fired(at: next, isAwaited: true) == .silent)
        #expect(timer.start(at: next) != nil)
    }

    @Test func `where nothing waits any more it is not set again`() {
        var timer = SilenceTimer(.milliseconds(500))
        _ = timer.start(at: self.begin)
        _ = timer.start(at: self.begin + .milliseconds(300))
        #expect(timer.fired(at: self.begin + .milliseconds(500), isAwaited: false) == .idle)
        #expect(timer.start(at: self.begin + .milliseconds(600)) != nil)
    }
}
