// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Dispatch
internal import Foundation
internal import Synchronization

/// Sends mail: keeps every mail on disk until the server has taken it.
///
/// One thread writes mails to the spool folder, so that a server that stalls keeps none of them in memory only; another one
/// delivers them. Every recipient's mail is delivered once at the least; more often, with the same Message-ID, after a crash
/// between the server's word and ours. `failed/` in the folder keeps what the server refused and what became too old, up to
/// `MailLimits.mostFailed` mails; the oldest are deleted above that.
public final class MailQueue: Sendable {
    /// A mail that waits.
    struct Waiting {
        var envelope: SpoolFile.Envelope
        /// The mail itself, while it is not on disk.
        var message: [UInt8]?
        /// Whether a crash would lose something of it.
        var isExposed: Bool
        var isSaved: Bool { self.message == nil }
    }

    /// What both threads and the callers share.
    struct State {
        var inbox = MailInbox()
        var plan: DeliveryPlan
        /// By identifier: those in the plan, and those that are being merged.
        var mails: [String: Waiting] = [:]
        /// Mails on their way from the inbox to the disk.
        var passing = 0
        /// To be merged by the thread that writes.
        var merges: [[String]] = []
        /// Files whose mails are done with, but that could not be deleted.
        var leftovers: Set<String> = []
        /// Whether the failure of the folder was told.
        var isSpoolFailed = false
        /// Whether the errors in the folder are to be written again.
        var hasFreshErrors = false
        var isStarted = false
        var isStopped = false
    }

    let settings: MailSettings
    let folder: SpoolFolder
    let state: Mutex<State>
    /// What only the thread that writes uses, and `stop` after it.
    let spooler: Mutex<Spooler>
    let isStopping = Atomic(false)
    private let onEvent: @Sendable (MailEvent) -> Void
    private let spoolWaker = QueueWaker()
    private let deliveryWaker = QueueWaker()
    private let threads = DispatchGroup()
    private let clock = ContinuousClock()
    private let startedAt: ContinuousClock.Instant

    /// Opens the spool folder, makes it where there is none, and takes up what an earlier run left in it.
    ///
    /// - Parameters:
    ///   - settings: How mail is sent, and where it waits.
    ///   - onEvent: Told of what happens, by either thread of the queue, which waits for it: it must not call `stop`.
    /// - Throws: Why the folder cannot be used, such as that another process uses it.
    public convenience init(
        _ settings: MailSettings,
        onEvent: @escaping @Sendable (MailEvent) -> Void
    ) throws(MailError) {
        try self.init(settings, random: { Double.random(in: 0..<1) }, onEvent: onEvent)
    }

    init(
        _ settings: MailSettings,
        random: @escaping @Sendable () -> Double,
        onEvent: @escaping @Sendable (MailEvent) -> Void
    ) throws(MailError) {
        self.settings = settings
        self.onEvent = onEvent
        self.startedAt = self.clock.now
        self.folder = try SpoolFolder(settings.spool)
        let recovery = SpoolRecovery(self.folder, limits: settings.limits)
        var plan = DeliveryPlan(settings.limits, random: random)
        plan.recover(recovery.mails.map { DeliveryPlan.Mail($0, expires: recovery.expiry(of: $0)) })
        var state = State(plan: plan)
        for mail in recovery.mails { state.mails[mail.id] = Waiting(envelope: mail, message: nil, isExposed: false) }
        self.state = Mutex(state)
        self.spooler = Mutex(Spooler(recovery))
    }

    /// Begins to write and to deliver; does nothing the second time.
    public func start() {
        let isFirst = self.state.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted && !state.isStopped
        }
        guard isFirst else { return }
        self.run("mail-spool", self.spoolWaker) { self.spool(isLast: false) }
        self.run("mail-delivery", self.deliveryWaker) { self.deliver() }
    }

    /// Starts a thread that does one thing again and again, and waits in between as long as that says.
    private func run(_ name: String, _ bell: QueueWaker, _ turn: @escaping @Sendable () -> Duration?) {
        self.threads.enter()
        let thread = Thread {
            while !self.isStopping.load(ordering: .acquiring) {
                let pause = turn()
                if pause != .zero { bell.wait(atMost: pause) }
            }
            self.threads.leave()
        }
        thread.name = name
        thread.start()
    }

    /// Takes a mail, which is on disk soon after; never waits for a disk or the network.
    ///
    /// - Parameters:
    ///   - draft: The mail.
    ///   - stored: Called once, by a thread of the queue: with true when the mail is on disk for all its recipients, alone or
    ///     merged with others, also after a loss of power; with false if the folder cannot be written to, or the queue has
    ///     stopped. It must not call `stop`.
    public func add(_ draft: MailDraft, stored: (@Sendable (Bool) -> Void)? = nil) {
        let created = Date().timeIntervalSince1970
        let isTaken = self.state.withLock { state in
            if !state.isStopped {
                state.inbox.add(draft, created: created, limits: self.settings.limits, stored: stored)
            }
            return !state.isStopped
        }
        guard isTaken else {
            for recipient in draft.to {
                let mail = MailSummary(
                    id: "",
                    recipient: recipient.mailbox,
                    subject: draft.subject,
                    labels: draft.label.isEmpty ? [] : [draft.label],
                    messageID: "",
                    count: 1
                )
                self.tell(.lost(mail, reason: "mail was already stopped"))
            }
            stored?(false)
            return
        }
        self.spoolWaker.wake()
    }

    /// Ends: whatever was added is on disk afterwards, or was said to be lost.
    ///
    /// A delivery under way is given up within about a second, and its mail stays. Another process may have the folder then.
    public func stop() {
        let isFirst = self.state.withLock { state in
            defer { state.isStopped = true }
            return !state.isStopped
        }
        self.isStopping.store(true, ordering: .releasing)
        self.spoolWaker.wake()
        self.deliveryWaker.wake()
        self.threads.wait()
        guard isFirst else { return }
        _ = self.spool(isLast: true)
        self.folder.unlock()
    }

    /// Mails that wait, one for each recipient.
    public var waiting: Int { self.state.withLock { $0.mails.count + $0.inbox.count + $0.passing } }

    // MARK: What the threads use

    /// Since the queue was made, as the plan counts time.
    var now: DeliveryPlan.Time { self.startedAt.duration(to: self.clock.now) }

    func tell(_ event: MailEvent) { self.onEvent(event) }
    func wakeSpooler() { self.spoolWaker.wake() }
    func wakeDelivery() { self.deliveryWaker.wake() }

    /// Tells of a folder that cannot be written to, once until it can.
    func spoolFailed(_ failure: SpoolFolder.Failure) {
        let wasTold = self.state.withLock { state in
            defer { state.isSpoolFailed = true }
            return state.isSpoolFailed
        }
        if !wasTold { self.tell(.spoolFailed(reason: failure.reason)) }
    }

    /// Deletes files whose mails are done with; those that cannot be are tried again.
    func delete(_ ids: [String]) {
        for id in ids {
            do throws(SpoolFolder.Failure) {
                try self.folder.remove(id)
            } catch {
                self.state.withLock { _ = $0.leftovers.insert(id) }
                self.spoolFailed(error)
            }
        }
    }
}

extension DeliveryPlan.Mail {
    init(_ envelope: SpoolFile.Envelope, expires: DeliveryPlan.Time) {
        self.init(id: envelope.id, recipient: envelope.to, bytes: envelope.bytes, expires: expires)
    }
}
