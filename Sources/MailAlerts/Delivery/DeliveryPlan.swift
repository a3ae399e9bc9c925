// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Decides which mail is tried when, and what becomes of it: no clock, no disk, no network.
///
/// What is wrong with the server or the way there delays the whole queue, newest mail first afterwards; what the server says of one
/// mail delays that mail alone. Times are since an arbitrary start.
struct DeliveryPlan {
    typealias Time = Duration

    /// A mail for one recipient.
    struct Mail: Equatable {
        /// Sorts by time.
        let id: String
        let recipient: String
        let bytes: Int
        let expires: Time
        /// When it may be tried again.
        fileprivate(set) var notBefore: Time = .zero
        /// Attempts that failed for what may be its own fault.
        fileprivate(set) var failures = 0
        /// Why it was not sent last time.
        fileprivate(set) var lastError: String?

        init(id: String, recipient: String, bytes: Int, expires: Time) {
            self.id = id
            self.recipient = recipient
            self.bytes = bytes
            self.expires = expires
        }
    }

    /// What to do next.
    enum Step: Equatable {
        case send(String)
        /// These are too old; they are out of the plan.
        case giveUp([Mail])
        /// Nothing until then, or until something changes.
        case wait(until: Time?)
    }

    /// What follows from an attempt.
    enum Effect: Equatable {
        case sent(String)
        case triedAgain(String, reason: String, after: Duration)
        case failed(String, reason: String)
        case held(reason: String, retryAfter: Duration)
        case released
        /// These are out of the plan, and to come back as one digest.
        case merge([String])
    }

    private let limits: MailLimits
    /// A random number from 0 up to 1.
    private let random: @Sendable () -> Double
    /// By identifier, which is by time.
    private(set) var mails: [Mail] = []
    private(set) var sending: String?
    /// Attempts in a row that reached no server, and when the next one may be.
    private var outages = 0
    private var notBefore: Time = .zero
    /// Why nothing is sent now.
    private(set) var lastError: String?
    private var blockage: DeliveryOutcome.Blockage?
    /// Whether mails waited for the server, and are to go newest first.
    private var isCatchingUp = false

    init(_ limits: MailLimits, random: @escaping @Sendable () -> Double) {
        self.limits = limits
        self.random = random
    }

    // MARK: Mails come

    /// Takes the mails that an earlier run left.
    mutating func recover(_ mails: [Mail]) {
        for mail in mails { self.add(mail) }
        self.isCatchingUp = mails.count > 1
    }

    /// Takes a mail; it causes no attempt while the server is left alone.
    mutating func add(_ mail: Mail) {
        let index = self.mails.lastIndex { $0.id < mail.id }.map { $0 + 1 } ?? 0
        self.mails.insert(mail, at: index)
    }

    /// Takes a mail out whose file is damaged.
    mutating func remove(_ id: String) {
        self.mails.removeAll { $0.id == id }
        if self.sending == id { self.sending = nil }
    }

    /// Takes out what is to be merged because too much waits: one list for each digest.
    mutating func takeSurplus() -> [[String]] {
        var merges: [[String]] = []
        var mostBytes = self.limits.mostBytes
        while self.mails.count > self.limits.mostWaiting || self.mails.reduce(0, { $0 + $1.bytes }) > mostBytes {
            let isTooMany = self.mails.count > self.limits.mostWaiting
            let groups = self.groups(keepingNewestOf: { _ in true })
            let weight = { (group: [Mail]) in isTooMany ? group.count : group.reduce(0) { $0 + $1.bytes } }
            guard let largest = groups.max(by: { weight($0) < weight($1) }) else { break }
            merges.append(self.take(largest))
            // What comes back is short, but not nothing.
            mostBytes -= min(self.limits.mostDigestBytes, largest.reduce(0) { $0 + $1.bytes } / 2)
        }
        return merges
    }

    // MARK: Mails go

    /// What to do now; after `send` comes `finish`, and nothing else before it.
    mutating func next(at now: Time) -> Step {
        guard self.sending == nil else { return .wait(until: nil) }
        let old = self.mails.filter { $0.expires <= now }
        guard old.isEmpty else {
            self.mails.removeAll { $0.expires <= now }
            return .giveUp(old)
        }
        let expiry = self.mails.map(\.expires).min()
        guard now >= self.notBefore else {
            return .wait(until: self.mails.isEmpty ? nil : min(self.notBefore, expiry ?? self.notBefore))
        }
        let ready = self.mails.filter { $0.notBefore <= now }
        let chosen =
            self.isCatchingUp
            // One that the server stumbles over must not keep the others from being tried.
            ? ready.min { ($0.failures, $1.id) < ($1.failures, $0.id) } : ready.first
        guard let chosen else {
            let next = self.mails.map(\.notBefore).min()
            return .wait(until: next.map { min($0, expiry ?? $0) })
        }
        self.sending = chosen.id
        return .send(chosen.id)
    }

    /// Takes note of what became of the mail that was being sent.
    mutating func finish(_ outcome: DeliveryOutcome, at now: Time) -> [Effect] {
        guard let id = self.sending, let index = self.mails.firstIndex(where: { $0.id == id }) else { return [] }
        self.sending = nil
        switch outcome {
        case .delivered:
            let recipient = self.mails.remove(at: index).recipient
            return self.reached() + [.sent(id)] + self.caughtUp(after: recipient)
        case .refused(let reason):
            self.mails.remove(at: index)
            return self.reached() + [.failed(id, reason: reason)]
        case .delayed(let reason):
            let after = self.delay(index, reason, at: now)
            return self.reached() + [.triedAgain(id, reason: reason, after: after)]
        case .unreachable(let reason, let isMailAtFault):
            self.mails[index].lastError = reason
            self.lastError = reason
            if isMailAtFault { _ = self.delay(index, reason, at: now) }
            self.isCatchingUp = true
            // Held, and now not even reachable: that was told, and a person is to mend it.
            guard self.blockage == nil else {
                self.notBefore = now + self.varied(self.limits.holdPause)
                return []
            }
            self.outages += 1
            let after = self.pause(self.outages)
            self.notBefore = now + after
            return [.triedAgain(id, reason: reason, after: after)]
        case .blocked(let blockage, let reason):
            self.mails[index].lastError = reason
            self.lastError = reason
            self.isCatchingUp = true
            let wasTold = self.blockage == blockage
            self.blockage = blockage
            let after = self.varied(self.limits.holdPause)
            self.notBefore = now + after
            return wasTold ? [] : [.held(reason: reason, retryAfter: after)]
        case .aborted:
            return []
        }
    }

    // MARK: Parts

    /// The server listened.
    private mutating func reached() -> [Effect] {
        self.outages = 0
        self.notBefore = .zero
        self.lastError = nil
        defer { self.blockage = nil }
        return self.blockage == nil ? [] : [.released]
    }

    /// After the newest mail has gone: of every recipient's mails that waited with it, all but the newest become one.
    private mutating func caughtUp(after recipient: String) -> [Effect] {
        guard self.isCatchingUp else { return [] }
        self.isCatchingUp = false
        return self.groups(keepingNewestOf: { $0 != recipient }).map { .merge(self.take($0)) }
    }

    /// Mails that can be merged, by recipient: two at the least, none of them being sent.
    private func groups(keepingNewestOf isKept: (String) -> Bool) -> [[Mail]] {
        var groups: [String: [Mail]] = [:]
        for mail in self.mails { groups[mail.recipient, default: []].append(mail) }
        return groups.sorted { $0.key < $1.key }
            .map { recipient, mails in
                (isKept(recipient) ? mails.dropLast() : mails[...]).filter { $0.id != self.sending }
            }
            .filter { $0.count > 1 }
    }

    private mutating func take(_ group: [Mail]) -> [String] {
        let ids = group.map(\.id)
        let taken = Set(ids)
        self.mails.removeAll { taken.contains($0.id) }
        return ids
    }

    private mutating func delay(_ index: Int, _ reason: String, at now: Time) -> Duration {
        self.mails[index].lastError = reason
        self.mails[index].failures += 1
        let after = self.pause(self.mails[index].failures)
        self.mails[index].notBefore = now + after
        return after
    }

    private func pause(_ failures: Int) -> Duration {
        let retries = self.limits.retries
        return self.varied(retries.isEmpty ? self.limits.holdPause : retries[min(failures, retries.count) - 1])
    }

    /// A pause made longer or shorter by chance, so that many senders do not come at once.
    private func varied(_ pause: Duration) -> Duration { pause * (1 + self.limits.jitter * (2 * self.random() - 1)) }
}
