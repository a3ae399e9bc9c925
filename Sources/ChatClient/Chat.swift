// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import DequeModule
internal import Foundation
public import HostSettings
internal import LineOutput
internal import RelayCore
internal import RelayHooks

#if canImport(Glibc)
internal import Glibc
#endif

/// The chat client: one loop on one thread, which reads the keyboard or a pipe, listens to the connection, and runs
/// `chat.lua`.
public final class Chat {
    private let settings: Settings
    private let session: ChatSession
    private let front: any ChatFrontEnd
    private let wake = WakePipe()
    private let log: ChatLog
    private let start = ContinuousClock.now
    /// The longest text that is sent.
    private let textLimit: Int
    private var connection: (any ChatLink)?
    private var exitCode: Int32?
    private var hasInput = true
    private var hasOutput = true
    private var hasRefused = false
    /// What was read and not dealt with yet.
    private var inputs: Deque<ChatInput> = []

    /// How long, and how many bytes, hooks may keep the loop from looking around.
    private static let turn = 0.02
    private static let turnBytes = 256 << 10
    /// How often a program in the background looks whether it still is.
    private static let look = 0.2

    /// Chats on standard input and output until somebody has had enough.
    ///
    /// - Parameters:
    ///   - settings: Where to connect, and how.
    ///   - version: The program's version, for scripts.
    /// - Returns: The exit code: 0, or 1 if something went wrong, which was said on standard error.
    /// - Throws: `SettingsError` or `ScriptError` if the scripts cannot be loaded.
    public static func run(_ settings: Settings, version: String) throws -> Int32 {
        if settings.isRaw, settings.transport.socketType == .datagram {
            throw SettingsError("raw is for TCP: over UDP texts have no line ends anyway; leave it out")
        }
        let environment = ProcessInfo.processInfo.environment
        let (scripts, _) = try ScriptFolder.load(settings.scripts, environment: environment)
        let log = ChatLog()
        let hooks = try ChatHooks(
            server: ChatServer(
                host: settings.server.host,
                port: settings.server.port,
                address: "\(settings.server)",
                transport: settings.transport
            ),
            scripts: scripts,
            limits: settings.limits,
            luaLimits: settings.luaLimits,
            values: settings.scriptValues,
            logger: settings.logger(to: log),
            version: version
        )
        return Chat(settings, hooks, log, terminalType: environment["TERM"]).loop()
    }

    private init(_ settings: Settings, _ hooks: ChatHooks, _ log: ChatLog, terminalType: String?) {
        self.settings = settings
        self.log = log
        self.session = ChatSession(
            server: settings.server,
            framing: settings.transport.socketType == .datagram ? .datagrams : settings.isRaw ? .raw : .lines,
            reconnects: settings.reconnects,
            hooks: hooks
        )
        self.textLimit =
            settings.transport.socketType == .datagram
            ? min(settings.limits.messageBytes, ChatDatagrams.longestText) : settings.limits.messageBytes
        let limit = self.textLimit
        let output = ChatOutput(descriptor: STDOUT_FILENO, wake: self.wake)
        let error = ChatOutput(descriptor: STDERR_FILENO, wake: self.wake)
        if Terminal.isUsable(input: STDIN_FILENO, output: STDOUT_FILENO, type: terminalType) {
            let terminal = Terminal(input: STDIN_FILENO, output: STDOUT_FILENO)
            self.front = TerminalFrontEnd(terminal, output: output, error: error, limit: limit)
        } else {
            self.front = PipeFrontEnd(output: output, error: error, limit: limit)
        }
    }

    private var now: Double {
        let (seconds, attoseconds) = self.start.duration(to: .now).components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }

    // MARK: The loop

    private func loop() -> Int32 {
        // A reader that went away is an error of one write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        let endings = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU]
        self.wake.route(endings + (self.front is TerminalFrontEnd ? [SIGWINCH, SIGCONT, SIGTSTP] : []))
        self.output { () throws(OutputError) in try self.front.open() }
        while self.exitCode == nil {
            self.act()
            guard self.exitCode == nil else { break }
            self.wait()
        }
        self.front.close()
        self.connection?.drop()
        let code = self.exitCode ?? 0
        // A program that pipes lines in cannot see which of them were refused.
        return code == 0 && self.hasRefused && !(self.front is TerminalFrontEnd) ? 1 : code
    }

    /// Waits until something happens, and tells the session.
    private func wait() {
        let isBusy = self.session.isBehind || self.hasLines
        if !self.front.hasKeyboard {
            self.output { () throws(OutputError) in try (self.front as? TerminalFrontEnd)?.reopen() }
        }
        let hasKeyboard = self.front.hasKeyboard
        let readsInput = self.hasInput && hasKeyboard && self.inputs.isEmpty && self.session.wantsInput
        let readsServer = !self.session.isBehind
        self.front.reads(readsInput)
        var polled = [
            pollfd(fd: self.wake.readEnd, events: Int16(POLLIN), revents: 0),
            pollfd(fd: readsInput ? STDIN_FILENO : -1, events: Int16(POLLIN), revents: 0),
            // Nothing is asked, so that only the end of its reader is told.
            pollfd(fd: self.hasOutput ? STDOUT_FILENO : -1, events: 0, revents: 0),
            self.connection?.polled(reads: readsServer) ?? pollfd(fd: -1, events: 0, revents: 0),
        ]
        // Nothing tells of coming to the front.
        let look = hasKeyboard ? nil : self.now + Self.look
        let deadline = [self.session.deadline, self.connection?.deadline, look].compactMap { $0 }.min()
        let timeout = deadline.map { Int32((max(0, min(60, $0 - self.now)) * 1_000).rounded(.up)) } ?? -1
        let isReady = poll(&polled, nfds_t(polled.count), isBusy ? 0 : timeout) >= 0
        for signal in self.wake.takeSignals() { self.take(signal) }
        guard isReady else { return }
        let events = self.connection?.proceed(polled[3].revents, reads: readsServer, at: self.now) ?? []
        for event in events { self.take(event) }
        if polled[1].revents != 0 { self.readInput() }
        if polled[2].revents != 0 { self.lose(OutputError(code: EPIPE)) }
        self.work()
        self.session.flush(at: self.now)
        self.session.tick(at: self.now, unacknowledged: self.connection?.unacknowledged ?? 0)
        self.output { () throws(OutputError) in try self.front.refresh() }
    }

    /// Whether a line was read that may be sent now.
    private var hasLines: Bool { !self.inputs.isEmpty && (self.session.wantsInput || self.session.isLeaving) }

    /// Deals with what was read and received, text by text, but not for long: keys and signals come first.
    private func work() {
        let end = self.now + Self.turn
        while self.session.isBehind || self.hasLines, self.exitCode == nil, self.now < end,
            self.session.actionBytes < Self.turnBytes, !self.log.isFull
        {
            if self.session.isBehind { self.session.step() }
            if self.hasLines, let input = self.inputs.popFirst() { self.take(input) }
        }
    }

    /// Carries out what the session wants.
    private func act() {
        for line in self.log.take() { self.front.notice(line) }
        var texts: [[UInt8]] = []
        for action in self.session.takeActions() {
            if case .show(let text) = action {
                texts.append(text)
                continue
            }
            self.show(&texts)
            switch action {
            case .show: break
            case .connect:
                let wake = self.wake
                self.connection?.drop()
                self.connection =
                    switch self.settings.transport {
                    case .tcp: ChatConnection(to: self.settings.server) { wake.wake() }
                    case .udp: ChatDatagrams(to: self.settings.server) { wake.wake() }
                    }
            case .send(let bytes): self.connection?.send(bytes)
            case .finish: self.connection?.finish()
            case .close: self.connection?.drop()
            case .notice(let text): self.front.notice("luar: \(text)")
            case .exit(let code): self.exitCode = code
            }
        }
        self.show(&texts)
        for line in self.log.take() { self.front.notice(line) }
    }

    private func show(_ texts: inout [[UInt8]]) {
        guard !texts.isEmpty else { return }
        let shown = texts
        texts.removeAll()
        guard self.hasOutput else { return }
        self.output { () throws(OutputError) in try self.front.show(shown) }
    }

    // MARK: What happens

    private func take(_ event: ChatLinkEvent) {
        let time = self.now
        switch event {
        case .connected: self.session.connected(at: time)
        case .failed(let reason): self.session.failed(reason, at: time)
        case .received(let bytes): self.session.received(bytes, at: time)
        case .sent: self.session.sent(at: time)
        case .ended(let reason): self.session.ended(reason, at: time)
        }
    }

    private func take(_ signal: CInt) {
        switch signal {
        case SIGWINCH: self.output { () throws(OutputError) in try self.front.resized() }
        case SIGCONT:
            self.output { () throws(OutputError) in try (self.front as? TerminalFrontEnd)?.reopen() }
        case SIGTSTP: self.suspend()
        // Shells report a program that a signal ended as 128 and its number.
        default: self.session.interrupted(code: 128 + signal, at: self.now)
        }
    }

    private func readInput() {
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let count = read(STDIN_FILENO, &bytes, bytes.count)
        if count > 0 {
            self.inputs += self.front.take(Array(bytes.prefix(count)))
        } else if count == 0 {
            self.hasInput = false
            self.inputs += self.front.finish()
        } else if errno != EINTR, errno != EAGAIN {
            self.hasInput = false
            self.front.notice("luar: cannot read standard input: \(String(cString: strerror(errno)))")
            self.session.inputEnded(code: 1, at: self.now)
        }
    }

    private func take(_ input: ChatInput) {
        switch input {
        case .line(let line): self.session.typed(line, at: self.now)
        case .tooLong(let count):
            self.hasRefused = true
            self.front.notice(
                "luar: a line of \(count) bytes was not sent: "
                    + (self.textLimit < self.settings.limits.messageBytes
                        ? "a datagram has at most \(self.textLimit) bytes"
                        : "the message limit is \(self.textLimit) bytes, see --message-limit")
            )
        case .end: self.session.inputEnded(at: self.now)
        case .interrupt: self.session.interrupted(code: 128 + SIGINT, at: self.now)
        case .suspend: self.suspend()
        }
    }

    private func suspend() {
        guard let front = self.front as? TerminalFrontEnd else { return }
        self.output { () throws(OutputError) in try front.suspend { raise(SIGSTOP) } }
    }

    // MARK: Output

    private func output(_ write: () throws(OutputError) -> Void) {
        guard self.hasOutput else { return }
        do {
            try write()
        } catch {
            self.lose(error)
        }
    }

    /// Standard output is gone: what was read is still sent, then the chat ends.
    private func lose(_ error: OutputError) {
        guard self.hasOutput else { return }
        self.hasOutput = false
        // A signal that found the output stuck speaks for itself.
        guard error.code != EINTR else { return }
        if !error.isClosedPipe { self.front.notice("luar: cannot write to standard output: \(error)") }
        self.session.interrupted(code: error.isClosedPipe ? 0 : 1, at: self.now)
    }
}
