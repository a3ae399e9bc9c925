// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import HostSettings
internal import RelayHooks

/// What a chat client does next: a state machine without input or output of its own.
///
/// The loop tells it what happened, carries out its ``actions``, and calls ``tick(at:unacknowledged:)`` when ``deadline`` has come.
/// Times are seconds of a clock that only goes forward.
final class ChatSession {
    /// Something for the loop to do, in order.
    enum Action: Equatable {
        case connect
        case send([UInt8])
        /// Tell the server that nothing more comes; go on receiving.
        case finish
        /// Drop the connection.
        case close
        /// Show a received text, or a text of the hooks.
        case show([UInt8])
        /// Say something about the chat itself, apart from its texts.
        case notice(String)
        case exit(Int32)
    }

    /// Bounds of a session.
    enum Bounds {
        /// Bytes that may wait for the connection; beyond that no input is read.
        static let waitingBytes = 256 << 10
        /// A received text longer than this is shown in pieces.
        static let textBytes = 1 << 20
        /// The pause before the first further attempt to connect, and the longest one.
        static let firstPause = 1.0
        static let longestPause = 30.0
        /// A connection that lasted this long was a good one: the pauses begin anew.
        static let goodConnection = 10.0
        /// After the end of input: how long the server may be silent, and how long it may go on.
        static let silence = 1.0
        static let farewell = 5.0
        /// How long the server may take for what the system has of ours, and how often that is looked at.
        static let delivery = 30.0
        static let look = 0.1
    }

    /// Who ended the connection.
    private enum Ending {
        case us
        /// The server; with a reason where it was not in order.
        case server(String?, at: Double)
    }

    private enum Phase {
        case connecting
        case connected(since: Double)
        /// Before the next attempt.
        case pausing(until: Double)
        /// Everything was sent, and answers may still come.
        case parting(until: Double, latest: Double)
        case over
    }

    private let server: Endpoint
    private let framing: ChatFraming
    private let reconnects: Bool
    private let hooks: ChatHooks
    private var phase = Phase.connecting
    private var splitter: TextSplitter
    /// How the connection ended, until everything that came before was shown.
    private var ending: Ending?
    private var hasBacklog = false
    /// Bytes of the actions that were not taken yet.
    private(set) var actionBytes = 0
    /// Until when to wait for the server to have everything.
    private var deliverBy = 0.0
    private var pause = Bounds.firstPause
    private var outbox: ChatOutbox
    /// Whether there was a connection at all: then nothing has failed once everything was sent.
    private var hasConnected = false
    /// When the next text may go, where they go one by one.
    private var nextText = 0.0
    /// Whether the person wants to go, and with what exit code.
    private var leaving: Int32?
    private var hasQuit = false
    /// Whether a line was not sent because a hook failed: a program that typed it learns that by the exit code.
    private var hasFailedLine = false
    /// When whoever quits no longer waits for a server that does not take what was typed.
    private var quitBy: Double?
    private(set) var actions: [Action] = []

    init(server: Endpoint, framing: ChatFraming, reconnects: Bool, hooks: ChatHooks) {
        self.server = server
        self.framing = framing
        self.reconnects = reconnects
        self.hooks = hooks
        self.splitter = TextSplitter(framing, limit: Bounds.textBytes)
        self.outbox = ChatOutbox(framing)
        self.actions.append(.connect)
    }

    /// Whether the person wants to go: what is still typed counts for nothing.
    var isLeaving: Bool { self.leaving != nil }

    /// Whether more input may be read.
    var wantsInput: Bool { self.leaving == nil && self.outbox.bytes < Bounds.waitingBytes }

    /// When to call ``tick(at:unacknowledged:)``, if nothing happens before.
    var deadline: Double? {
        switch self.phase {
        case .pausing(let until): min(until, self.quitBy ?? .infinity)
        case .connecting: self.quitBy
        case .parting(let until, let latest): self.ending == nil ? min(until, latest) : nil
        case .connected where self.framing.pause > 0 && !self.outbox.waiting.isEmpty && !self.outbox.hasInFlight:
            min(self.nextText, self.quitBy ?? .infinity)
        case .connected: self.quitBy
        default: nil
        }
    }

    /// Hands over what is to be done.
    func takeActions() -> [Action] {
        defer {
            self.actions.removeAll(keepingCapacity: true)
            self.actionBytes = 0
        }
        return self.actions
    }

    // MARK: What the connection tells

    func connected(at time: Double) {
        guard case .connecting = self.phase else { return }
        self.phase = .connected(since: time)
        self.hasConnected = true
        self.splitter = TextSplitter(self.framing, limit: Bounds.textBytes)
        if let line = self.hooks.connected() { self.act(.show(line)) }
        if let greeting = self.outbox.greet(with: self.hooks.hello()) { self.act(.send(greeting)) }
        self.proceed(at: time)
    }

    func failed(_ reason: String, at time: Double) {
        guard case .connecting = self.phase else { return }
        self.retry("cannot connect to \(self.server): \(reason)", at: time)
    }

    func received(_ bytes: [UInt8], at time: Double) {
        if case .parting(_, let latest) = self.phase {
            self.phase = .parting(until: time + Bounds.silence, latest: latest)
        }
        self.splitter.append(bytes)
        self.hasBacklog = true
    }

    /// Whether something was received that is not dealt with: ``step()`` does, and the connection is not read.
    var isBehind: Bool { self.hasBacklog || self.ending != nil }

    /// Deals with one received text; the loop looks after other things in between, however slow a hook is.
    func step() {
        // Who quits has seen enough.
        if !self.hasQuit, let text = self.splitter.next() {
            if let shown = text.withUnsafeBytes({ self.hooks.received($0) }) { self.act(.show(shown)) }
            return
        }
        self.hasBacklog = false
        guard let ending = self.ending else { return }
        self.ending = nil
        switch ending {
        case .us: self.end("left", code: self.leaving ?? 0)
        case .server(let reason, let time): self.finish(reason, at: time)
        }
    }

    /// The system has taken the oldest text in flight.
    func sent(at time: Double) {
        self.outbox.sent()
        self.nextText = time + self.framing.pause
        self.proceed(at: time)
    }

    /// The connection has ended: without a reason because the server closed it.
    func ended(_ reason: String?, at time: Double) {
        guard self.ending == nil else { return }
        self.splitter.finish()
        self.ending = .server(reason, at: time)
    }

    private func finish(_ reason: String?, at time: Double) {
        let since: Double?
        switch self.phase {
        case .connected(let start): since = start
        case .parting: since = nil
        default: return
        }
        self.act(.close)
        if since == nil, reason == nil || self.hasQuit {
            return self.end("left", code: self.leaving ?? 0)
        }
        self.outbox.takeBack()
        if let line = self.hooks.closed(reason: reason == nil ? "closed" : "lost") { self.act(.show(line)) }
        if let since, time - since >= Bounds.goodConnection { self.pause = Bounds.firstPause }
        let words = reason.map {
            (self.framing == .datagrams
                ? "\(self.server) cannot be reached: \($0)" : "the connection to \(self.server) was lost: \($0)")
                + (since != nil && self.outbox.hasSent ? "; what was sent last may not have arrived" : "")
        }
        if self.reconnects, since != nil, !self.hasQuit, self.leaving == nil || !self.outbox.waiting.isEmpty {
            return self.retry(words ?? "\(self.server) closed the connection", at: time)
        }
        if let words { self.act(.notice(words)) }
        self.noteUnsent(self.framing == .datagrams ? "it cannot be reached" : "it closed the connection")
        self.exit(reason == nil && self.outbox.waiting.isEmpty ? self.leaving ?? 0 : 1)
    }

    // MARK: What the person does

    /// A line was typed; it leaves with the next ``flush(at:)``.
    func typed(_ line: [UInt8], at time: Double) {
        guard self.leaving == nil else { return }
        switch line.withUnsafeBytes({ self.hooks.sending($0) }) {
        case .send(let text):
            self.outbox.append(text)
        case .nothing: break
        case .failed:
            self.hasFailedLine = true
            self.act(.notice("a line was not sent: its chat_send hook failed"))
        case .quit:
            self.hasQuit = true
            self.leave(code: 0, at: time)
        }
    }

    /// Lets what was typed leave: lines that are read together are sent together.
    func flush(at time: Double) { self.proceed(at: time) }

    /// Nothing more will be typed: leaves once everything is sent and answered.
    func inputEnded(code: Int32 = 0, at time: Double) {
        self.leave(code: code, at: time)
    }

    /// The person, or the system, wants an end now.
    func interrupted(code: Int32, at time: Double) {
        self.leaving = nil
        switch self.phase {
        // The second time nothing is waited for, nor where there is nobody to take leave of.
        case _ where self.hasQuit: self.giveUp(code)
        case .connecting, .pausing: self.giveUp(code)
        case .parting:
            // Nothing is on its way any more but answers.
            self.act(.close)
            self.end("left", code: code)
        default:
            self.hasQuit = true
            self.leave(code: code, at: time)
        }
    }

    /// The time has come that ``deadline`` named.
    ///
    /// - Parameters:
    ///   - time: The time now.
    ///   - unacknowledged: Bytes that the system has and the server has not.
    func tick(at time: Double, unacknowledged: Int = 0) {
        switch self.phase {
        case .connecting where time >= self.quitBy ?? .infinity: self.giveUp(1)
        case .pausing where time >= self.quitBy ?? .infinity: self.giveUp(1)
        case .pausing(let until) where time >= until:
            self.phase = .connecting
            self.actions.append(.connect)
        case .parting(let until, let latest) where time >= min(until, latest) && self.ending == nil:
            // Closing now would throw away what the server does not have yet.
            if unacknowledged > 0, time < self.deliverBy {
                self.phase = .parting(until: time + Bounds.look, latest: time + Bounds.look)
                return
            }
            if unacknowledged > 0 {
                self.act(.notice("\(self.server) did not take the last \(unacknowledged) bytes"))
                self.leaving = max(1, self.leaving ?? 0)
            }
            self.act(.close)
            self.splitter.finish()
            self.ending = .us
        case .connected:
            if let quitBy = self.quitBy, time >= quitBy {
                self.outbox.takeBack()
                self.act(.close)
                self.noteUnsent("it takes nothing")
                return self.end("left", code: 1)
            }
            self.proceed(at: time)
        default: break
        }
    }

    // MARK: Steps

    private func leave(code: Int32, at time: Double) {
        guard self.leaving == nil else { return }
        self.leaving = code
        if self.hasQuit { self.quitBy = time + Bounds.farewell }
        switch self.phase {
        case .connected: self.proceed(at: time)
        // The attempt that is under way decides, and what was typed waits for the next one, if there is to be one.
        case .connecting: break
        case .pausing: if self.outbox.waiting.isEmpty { self.exit(self.hasConnected ? code : max(1, code)) }
        case .parting, .over: break
        }
    }

    /// Hands texts to the connection; once all are sent and the person wants to go, says so to the server.
    private func proceed(at time: Double) {
        guard case .connected = self.phase else { return }
        if self.framing == .lines || time >= self.nextText, let batch = self.outbox.next() { self.act(.send(batch)) }
        guard let code = self.leaving, self.outbox.isEmpty else { return }
        // A datagram that was sent is not waited for.
        if self.framing == .datagrams, self.hasQuit {
            self.act(.close)
            return self.end("left", code: code)
        }
        // Who quits does not wait for answers, only for the server to have everything.
        let farewell = self.hasQuit ? Bounds.silence : Bounds.farewell
        self.phase = .parting(until: time + Bounds.silence, latest: time + farewell)
        self.deliverBy = time + (self.hasQuit ? Bounds.farewell : Bounds.delivery)
        self.actions.append(.finish)
    }

    /// Says how much of what was typed did not leave, if so.
    private func noteUnsent(_ reason: String) {
        guard !self.outbox.waiting.isEmpty else { return }
        self.act(.notice("\(self.outbox.waitingTexts) not sent to \(self.server): \(reason)"))
    }

    /// Leaves at once, and says what that costs.
    private func giveUp(_ code: Int32) {
        self.outbox.takeBack()
        self.noteUnsent("there was no time")
        self.exit(code)
    }

    private func act(_ action: Action) {
        switch action {
        case .show(let bytes), .send(let bytes): self.actionBytes += bytes.count
        default: break
        }
        self.actions.append(action)
    }

    private func retry(_ reason: String, at time: Double) {
        guard self.reconnects, self.leaving == nil || !self.outbox.waiting.isEmpty else {
            self.act(.notice(reason))
            return self.exit(self.hasConnected && self.outbox.waiting.isEmpty ? self.leaving ?? 1 : 1)
        }
        self.act(.notice("\(reason); trying again in \(Int(self.pause)) s"))
        self.phase = .pausing(until: time + self.pause)
        self.pause = min(2 * self.pause, Bounds.longestPause)
    }

    private func end(_ reason: String, code: Int32) {
        if let line = self.hooks.closed(reason: reason) { self.act(.show(line)) }
        self.exit(code)
    }

    private func exit(_ code: Int32) {
        guard !self.isOver else { return }
        self.phase = .over
        self.actions.append(.exit(code == 0 && self.hasFailedLine ? 1 : code))
    }

    private var isOver: Bool {
        if case .over = self.phase { true } else { false }
    }
}
