// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Dispatch
internal import HostSettings
internal import LatencyMonitor
internal import LineOutput
internal import Logging
internal import RelayHooks
internal import Scheduling

#if canImport(Glibc)
internal import Glibc
#endif

/// Measures targets: passes what the prober sees to the watches, and their questions to the hooks.
///
/// Confined to the script loop.
final class Monitor: MonitorPolicy {
    private let settings: Settings.Monitor
    private let hooks: HookEngine
    private let mail: AlertMailer
    private let loop: ScriptLoop
    private let logger: Logger
    private let records: (any LineSink)?
    private var addresses: [ProbeAddress]
    private var watches: [TargetWatch] = []
    private var prober: Prober?
    /// Targets that have not had their last sample, and those whose re-probes are not over.
    private var unfinished: Int
    private var reprobing: Set<Int> = []
    /// The system's error for a ping that could not be sent, which is told once.
    private var unsent: [Int: Int32] = [:]
    /// When each target's name was last looked up.
    private var lookups: [Int: Moment] = [:]
    /// What the prober saw, on its way to the loop.
    private var events: Mailbox<ProbeEvent>?

    /// Called once the last sample of every target is taken, and the mails about them have left or had their time.
    var onFinish: (() -> Void)?

    /// A name is looked up again after a lost ping, but not more often than this.
    private static let lookupPause = Duration.seconds(60)
    /// Events that may wait for the loop, and what a tick takes of them: each may ask several hooks.
    private static let waitingEvents = 65_536
    private static let share = Mailbox<ProbeEvent>.Share(items: 64, time: .milliseconds(2))

    /// Makes a monitor.
    ///
    /// - Parameters:
    ///   - settings: What is measured.
    ///   - addresses: What the targets stand for.
    ///   - hooks: Who says what samples mean.
    ///   - mail: Where alerts go.
    ///   - loop: The script loop.
    ///   - records: Where lines for programs go, if they are wanted.
    ///   - logger: The operational log.
    init(
        _ settings: Settings.Monitor,
        addresses: [ProbeAddress],
        hooks: HookEngine,
        mail: AlertMailer,
        loop: ScriptLoop,
        records: (any LineSink)?,
        logger: Logger
    ) {
        self.settings = settings
        self.addresses = addresses
        self.hooks = hooks
        self.mail = mail
        self.loop = loop
        self.records = records
        self.logger = logger
        self.unfinished = settings.targets.count
        hooks.targets = settings.targets.count
        self.watches = settings.targets.map {
            TargetWatch(target: "\($0)", burst: settings.burst, rules: settings.rules, policy: self)
        }
        mail.onFate = { [weak self] in self?.tell($0) }
    }

    /// Begins to measure.
    ///
    /// - Throws: ``RelayError`` for a source port that cannot be had.
    func start() throws {
        if !self.mail.isOpen {
            self.logger.notice("no mail is set up, so alerts go nowhere; --mail-to ADDRESS says where to")
        }
        let events = Mailbox(on: self.loop, limit: Self.waitingEvents, share: Self.share) { [weak self] in
            self?.take($0)
        }
        self.events = events
        do {
            self.prober = try Prober(self.addresses, plan: self.settings.plan) { seen in
                for event in seen { events.post(event) }
            }
        } catch {
            let port = self.settings.sourcePort.map { " from port \($0)" } ?? ""
            throw RelayError("cannot send pings\(port): \(String(cString: strerror(error.code)))")
        }
    }

    /// Ends measuring.
    func stop() {
        self.prober?.stop()
        self.events?.close()
        self.prober = nil
    }

    /// What was measured.
    var summaries: [TargetSummary] { self.watches.map { TargetSummary($0) } }

    /// Writes what was measured for programs.
    func recordSummaries() { for summary in self.summaries { self.record(MonitorRecord.SummaryLine(summary)) } }

    private func record(_ record: some Encodable) {
        guard let records = self.records else { return }
        records.write(MonitorRecord.line(record))
    }

    // MARK: What the prober saw

    private func take(_ event: ProbeEvent) {
        guard let prober = self.prober else { return }
        if let lost = self.events?.takeRefused(), lost > 0 {
            self.logger.error(
                "events of pings are lost: the hooks take longer than the pings come",
                metadata: ["monitor.events": "\(lost)"]
            )
        }
        let watch = self.watches[event.target]
        self.note(event, watch.target)
        if watch.take(event) {
            self.reprobing.insert(event.target)
            prober.reprobe(target: event.target, count: self.settings.rules.reprobes)
        }
        switch event.kind {
        case .decided(.timeout), .decided(.refused): self.lookUp(event.target)
        case .decided(.reply): self.unsent[event.target] = nil
        case .finished: self.unfinished -= 1
        case .reprobed: self.reprobing.remove(event.target)
        default: return
        }
        // What the last samples asked for is waited for as well.
        if self.unfinished == 0, self.reprobing.isEmpty { self.finish() }
    }

    private func note(_ event: ProbeEvent, _ target: String) {
        var line = MonitorRecord.ProbeLine(event: "", target: target, sequence: event.slot + 1, time: event.time)
        var metadata: Logger.Metadata = ["monitor.target": "\(target)", "monitor.sequence": "\(event.slot + 1)"]
        switch event.kind {
        case .late(let time):
            line.event = "late"
            line.rttMs = time.milliseconds
            metadata["monitor.rtt_ms"] = "\(time.milliseconds)"
            self.logger.info("a ping that had timed out was answered", metadata: metadata)
        case .duplicate:
            line.event = "duplicate"
            self.logger.debug("a ping was answered once more", metadata: metadata)
        case .foreign:
            line.event = "foreign"
            self.logger.debug("what answered a ping was no reply", metadata: metadata)
        case .missed(let slots):
            line.event = "missed"
            line.sequence = nil
            line.slots = slots
            metadata["monitor.slots"] = "\(slots)"
            self.logger.warning("samples were left out: this process did not run", metadata: metadata)
        case .deferred:
            line.event = "missed"
            line.sequence = nil
            line.slots = 1
            line.error = "the ping before, from the same port, may still be answered"
            self.logger.info("a sample was left out: the ping before may still be answered", metadata: metadata)
        case .unsent(let code):
            line.event = "unsent"
            line.error = String(cString: strerror(code))
            metadata["error"] = "\(String(cString: strerror(code)))"
            if self.unsent.updateValue(code, forKey: event.target) != code {
                self.logger.warning("pings cannot be sent", metadata: metadata)
            }
        case .decided, .reprobed, .finished: return
        }
        self.record(line)
    }

    private func finish() {
        guard self.mail.waiting > 0 else {
            self.onFinish?()
            return
        }
        // What waits longer goes out with the next run.
        self.mail.onIdle = { [weak self] in self?.onFinish?() }
        self.loop.schedule(at: .now + Self.mailTime) { [weak self] in self?.onFinish?() }
    }

    /// How long mails have to leave at the end of a counted run.
    private static let mailTime = Duration.seconds(10)

    // MARK: Names

    /// Looks a lost target's name up again, which may have moved; on a thread that may wait.
    private func lookUp(_ target: Int) {
        let endpoint = self.settings.targets[target]
        let now = Moment.now
        guard self.lookups[target].map({ now >= $0 }) ?? true else { return }
        self.lookups[target] = now + Self.lookupPause
        let loop = self.loop
        let box = LoopBox(WeakMonitor(monitor: self), of: loop)
        DispatchQueue.global()
            .async {
                guard let found = try? ProbeAddress.lookUp(host: endpoint.host, port: endpoint.port) else { return }
                // Where the loop has ended, nobody needs it.
                loop.post { box.value.monitor?.move(target, to: found) }
            }
    }

    /// A look-up must not keep the monitor.
    private struct WeakMonitor {
        weak var monitor: Monitor?
    }

    private func move(_ target: Int, to found: [ProbeAddress]) {
        // Names with several addresses give them in turns; one that is still among them is kept.
        guard let address = found.first, !found.contains(self.addresses[target]) else { return }
        self.addresses[target] = address
        self.logger.notice(
            "a target has another address now",
            metadata: ["monitor.target": "\(self.settings.targets[target])"]
        )
        self.prober?.move(target: target, to: address)
    }

    // MARK: What the hooks say

    func judge(_ sample: Sample) -> HealthStatus? { self.hooks.judge(sample) }

    func measured(_ sample: Sample) {
        self.record(MonitorRecord.SampleLine(sample))
        self.hooks.measured(sample)
    }

    func changed(_ report: Report) {
        self.record(MonitorRecord.StatusLine(report))
        self.logger.info(
            "a status has lasted",
            metadata: [
                "monitor.target": "\(report.target)", "monitor.status": "\(report.status.name)",
                "monitor.level": "\(report.status.level)",
            ]
        )
        self.hooks.changed(report)
    }

    func alert(_ report: Report) -> Bool { self.hooks.alert(report) }

    // MARK: Mails

    private func tell(_ fate: AlertMailer.MailFate) {
        self.record(
            MonitorRecord.MailLine(
                event: fate.reason == nil ? "mail_sent" : "mail_failed",
                subject: fate.subject,
                status: fate.status,
                recipient: fate.recipient,
                error: fate.reason
            )
        )
        self.hooks.tell(fate)
    }
}

extension HookEngine {
    /// Tells the console what became of a mail.
    func tell(_ fate: AlertMailer.MailFate) {
        if let reason = fate.reason {
            self.mailFailed(subject: fate.subject, status: fate.status, recipient: fate.recipient, reason: reason)
        } else {
            self.mailSent(subject: fate.subject, status: fate.status, recipient: fate.recipient)
        }
    }
}
