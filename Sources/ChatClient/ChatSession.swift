// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import DequeModule
internal import HostSettings
internal import RelayHooks

/// What a chat client does next: a state machine without input or output of its own.
///
/// The loop tells it what happened, carries out its ``actions``, and calls ``tick(at:)`` when ``deadline`` has come.
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
        /// The time between two texts sent raw: what arrives together would be one text.
        static let rawPause = 0.02
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
    private let isRaw: Bool
    private let reconnects: Bool
    private let hooks: ChatHooks
    private var phase = Phase.connecting
    private var splitter: TextSplitter
    private var pause = Bounds.firstPause
    /// Texts that were not handed to the connection yet, encoded.
    private var waiting: Deque<[UInt8]> = []
    /// Texts that the connection has, and the system has not taken yet.
    private var inFlight: Deque<[UInt8]> = []
    private var unsentBytes = 0
    private var nextRaw = 0.0
    /// Whether the person wants to go, and with what exit code.
    private var leaving: Int32?
    private var hasQuit = false
    /// When whoever quits no longer waits for a server that does not take what was typed.
    private var quitBy: Double?
    private(set) var actions: [Action] = []

    init(server: Endpoint, isRaw: Bool, reconnects: Bool, hooks: ChatHooks) {
        self.server = server
        self.isRaw = isRaw
        self.reconnects = reconnects
        self.hooks = hooks
        self.splitter = TextSplitter(isRaw: isRaw, limit: Bounds.textBytes)
        self.actions.append(.connect)
    }

    /// Whether more input may be read.
    var wantsInput: Bool { self.leaving == nil && self.unsentBytes < Bounds.waitingBytes }

    /// When to call ``tick(at:)``, if nothing happens before.
    var deadline: Double? {
        switch self.phase {
        case .pausing(let until): min(until, self.quitBy ?? .infinity)
        case .connecting: self.quitBy
        case .parting(let until, let latest): min(until, latest)
        case .connected where self.isRaw && !self.waiting.isEmpty && self.inFlight.isEmpty:
            min(self.nextRaw, self.quitBy ?? .infinity)
        case .connected: self.quitBy
        default: nil
        }
    }

    /// Hands over what is to be done.
    func takeActions() -> [Action] {
        defer { self.actions.removeAll(keepingCapacity: true) }
        return self.actions
    }

    // MARK: What the connection tells

    func connected(at time: Double) {
        guard case .connecting = self.phase else { return }
        self.phase = .connected(since: time)
        self.splitter = TextSplitter(isRaw: self.isRaw, limit: Bounds.textBytes)
        // An empty line is no message: it only says that lines follow.
        if !self.isRaw { self.enqueue([0x0A], first: true) }
        if let line = self.hooks.connected() { self.actions.append(.show(line)) }
        if let text = self.hooks.hello(), let bytes = self.encode(text) { self.enqueue(bytes) }
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
        self.splitter.take(bytes) { self.show($0) }
    }

    /// The system has taken the oldest text in flight.
    func sent(at time: Double) {
        guard let bytes = self.inFlight.popFirst() else { return }
        self.unsentBytes -= bytes.count
        self.nextRaw = time + Bounds.rawPause
        self.proceed(at: time)
    }

    /// The connection has ended: without a reason because the server closed it.
    func ended(_ reason: String?, at time: Double) {
        let since: Double?
        switch self.phase {
        case .connected(let start): since = start
        case .parting: since = nil
        default: return
        }
        self.splitter.finish { self.show($0) }
        self.actions.append(.close)
        if since == nil, reason == nil || self.hasQuit {
            return self.end("left", code: self.leaving ?? 0)
        }
        self.takeBack()
        if let line = self.hooks.closed(reason: reason == nil ? "closed" : "lost") { self.actions.append(.show(line)) }
        if let since, time - since >= Bounds.goodConnection { self.pause = Bounds.firstPause }
        let words = reason.map { "the connection to \(self.server) was lost: \($0)" }
        if self.reconnects, since != nil, !self.hasQuit, self.leaving == nil || !self.waiting.isEmpty {
            return self.retry(words ?? "\(self.server) closed the connection", at: time)
        }
        if let words { self.actions.append(.notice(words)) }
        self.noteUnsent("it closed the connection")
        self.exit(reason == nil && self.waiting.isEmpty ? self.leaving ?? 0 : 1)
    }

    // MARK: What the person does

    /// A line was typed; it leaves with the next ``flush(at:)``.
    func typed(_ line: [UInt8], at time: Double) {
        guard self.leaving == nil else { return }
        switch line.withUnsafeBytes({ self.hooks.sending($0) }) {
        case .send(let text):
            if let bytes = self.encode(text) { self.enqueue(bytes) }
        case .nothing: break
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
        default:
            self.hasQuit = true
            self.leave(code: code, at: time)
        }
    }

    /// The time has come that ``deadline`` named.
    func tick(at time: Double) {
        switch self.phase {
        case .connecting where time >= self.quitBy ?? .infinity: self.giveUp(1)
        case .pausing where time >= self.quitBy ?? .infinity: self.giveUp(1)
        case .pausing(let until) where time >= until:
            self.phase = .connecting
            self.actions.append(.connect)
        case .parting(let until, let latest) where time >= min(until, latest):
            self.splitter.finish { self.show($0) }
            self.actions.append(.close)
            self.end("left", code: self.leaving ?? 0)
        case .connected:
            if let quitBy = self.quitBy, time >= quitBy {
                self.takeBack()
                self.actions.append(.close)
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
        case .pausing: if self.waiting.isEmpty { self.exit(code) }
        case .parting, .over: break
        }
    }

    /// Hands texts to the connection; once all are sent and the person wants to go, says so to the server.
    private func proceed(at time: Double) {
        guard case .connected = self.phase else { return }
        if self.isRaw {
            // One at a time: TCP does not tell where one text ends and the next begins.
            if self.inFlight.isEmpty, time >= self.nextRaw, let bytes = self.waiting.popFirst() { self.hand(bytes) }
        } else if !self.waiting.isEmpty {
            self.hand(Array(self.waiting.joined()))
            self.waiting.removeAll()
        }
        guard self.leaving != nil, self.waiting.isEmpty, self.inFlight.isEmpty else { return }
        // Who quits does not wait for answers, only for the server to have everything.
        let farewell = self.hasQuit ? Bounds.silence : Bounds.farewell
        self.phase = .parting(until: time + Bounds.silence, latest: time + farewell)
        self.actions.append(.finish)
    }

    private func hand(_ bytes: [UInt8]) {
        self.inFlight.append(bytes)
        self.actions.append(.send(bytes))
    }

    /// Says how much of what was typed did not leave, if so.
    private func noteUnsent(_ reason: String) {
        guard !self.waiting.isEmpty else { return }
        let count = self.isRaw ? self.waiting.count : self.waiting.joined().count { $0 == 0x0A }
        let texts = count == 1 ? "1 text was" : "\(count) texts were"
        self.actions.append(.notice("\(texts) not sent to \(self.server): \(reason)"))
    }

    /// Leaves at once, and says what that costs.
    private func giveUp(_ code: Int32) {
        self.takeBack()
        self.noteUnsent("there was no time")
        self.exit(code)
    }

    /// Puts what the connection could not send back in front of what waits.
    private func takeBack() {
        var unsent = Array(self.inFlight)
        // The opening line is no text of anybody's.
        if !self.isRaw, let first = unsent.first, first.first == 0x0A { unsent[0].removeFirst() }
        self.waiting = Deque(unsent.filter { !$0.isEmpty } + self.waiting)
        self.inFlight.removeAll()
        self.unsentBytes = self.waiting.reduce(0) { $0 + $1.count }
    }

    private func enqueue(_ bytes: [UInt8], first: Bool = false) {
        if first { self.waiting.prepend(bytes) } else { self.waiting.append(bytes) }
        self.unsentBytes += bytes.count
    }

    /// A text as it goes over the wire; nil if there is nothing to send.
    private func encode(_ text: [UInt8]) -> [UInt8]? {
        guard !text.isEmpty else { return nil }
        // A text with a line break in it is still one text.
        return self.isRaw ? text : text.map { $0 == 0x0A ? 0x20 : $0 } + [0x0A]
    }

    private func show(_ text: ArraySlice<UInt8>) {
        guard let shown = text.withUnsafeBytes({ self.hooks.received($0) }) else { return }
        self.actions.append(.show(shown))
    }

    private func retry(_ reason: String, at time: Double) {
        guard self.reconnects, self.leaving == nil || !self.waiting.isEmpty else {
            self.actions.append(.notice(reason))
            return self.exit(1)
        }
        self.actions.append(.notice("\(reason); trying again in \(Int(self.pause)) s"))
        self.phase = .pausing(until: time + self.pause)
        self.pause = min(2 * self.pause, Bounds.longestPause)
    }

    private func end(_ reason: String, code: Int32) {
        if let line = self.hooks.closed(reason: reason) { self.actions.append(.show(line)) }
        self.exit(code)
    }

    private func exit(_ code: Int32) {
        guard !self.isOver else { return }
        self.phase = .over
        self.actions.append(.exit(code))
    }

    private var isOver: Bool {
        if case .over = self.phase { true } else { false }
    }
}
