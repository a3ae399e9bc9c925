// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
internal import Synchronization

/// The thread that writes.
extension MailQueue {
    /// Writes what has come, merges what is too much, and tries again what could not be written.
    ///
    /// - Parameter isLast: Whether nothing comes after it: what cannot be written now is lost.
    /// - Returns: How long to wait for more; nil for as long as it takes.
    func spool(isLast: Bool) -> Duration? {
        self.spooler.withLock { spooler in
            for event in spooler.events { self.tell(event) }
            spooler.events = []
            if isLast { spooler.notBefore = nil }
            self.takePosted(&spooler)
            self.saveUnsaved(&spooler)
            self.mergeSurplus(&spooler)
            self.deleteLeftovers(&spooler)
            if isLast { self.tellLost() } else { self.tellRestored(&spooler) }
            self.writeErrors()
            return spooler.notBefore.map { max($0 - self.now, .milliseconds(1)) }
        }
    }

    private func takePosted(_ spooler: inout Spooler) {
        let inbox = self.state.withLock { state in
            defer { state.inbox = MailInbox() }
            state.passing = state.inbox.count
            return state.inbox
        }
        let from = self.settings.from
        var isSurplusSaved = true
        for (mailbox, surplus) in inbox.surplus.sorted(by: { $0.key < $1.key }) {
            guard let file = spooler.file(for: surplus.digest, from: from, to: mailbox, replacing: []) else {
                isSurplusSaved = false
                continue
            }
            if !self.keep(file, isExposed: true, &spooler) { isSurplusSaved = false }
            self.tell(.merged(count: surplus.digest.count, into: file.envelope.summary))
        }
        for stored in inbox.surplusStored { stored(isSurplusSaved) }
        for posted in inbox.posted {
            var isSaved = true
            for file in spooler.files(for: posted, from: from) where !self.keep(file, isExposed: true, &spooler) {
                isSaved = false
            }
            posted.stored?(isSaved)
            guard posted.draft.incident != nil else { continue }
            // Without it a later mail does not follow this one; the mail itself does not depend on it.
            try? self.folder.write(spooler.encodedThreads, as: SpoolFolder.threadsFile, isDurable: false)
        }
        self.state.withLock { $0.passing = 0 }
    }

    /// Writes a mail, or keeps it in memory, and has it delivered.
    ///
    /// - Returns: Whether it is on disk.
    @discardableResult
    private func keep(_ file: SpoolFile, isExposed: Bool, _ spooler: inout Spooler) -> Bool {
        let isSaved = self.save(file, &spooler)
        let expires = self.now + self.settings.limits.expiry
        self.state.withLock { state in
            state.passing = max(0, state.passing - file.envelope.summary.count)
            state.mails[file.envelope.id] = Waiting(
                envelope: file.envelope,
                message: isSaved ? nil : file.message,
                isExposed: !isSaved && isExposed
            )
            state.plan.add(DeliveryPlan.Mail(file.envelope, expires: expires))
            if state.plan.lastError != nil { state.hasFreshErrors = true }
        }
        self.wakeDelivery()
        return isSaved
    }

    /// Writes a file, unless the folder failed a short while ago.
    private func save(_ file: SpoolFile, _ spooler: inout Spooler) -> Bool {
        if let notBefore = spooler.notBefore, self.now < notBefore { return false }
        do throws(SpoolFolder.Failure) {
            try self.folder.save(file)
            spooler.notBefore = nil
            return true
        } catch {
            spooler.notBefore = self.now + self.settings.limits.spoolPause
            self.spoolFailed(error)
            return false
        }
    }

    private func saveUnsaved(_ spooler: inout Spooler) {
        let unsaved = self.state.withLock { state in
            state.mails.values.filter { !$0.isSaved }.sorted { $0.envelope.id < $1.envelope.id }
        }
        for mail in unsaved {
            let id = mail.envelope.id
            guard let message = mail.message, self.save(SpoolFile(mail.envelope, message: message), &spooler) else {
                return
            }
            let isStillWaiting = self.state.withLock { state in
                state.mails[id]?.message = nil
                state.mails[id]?.isExposed = false
                return state.mails[id] != nil
            }
            // Delivered in the meantime, from memory: then its file is what is left of it.
            self.delete(isStillWaiting ? mail.envelope.replaces : [id])
        }
    }

    private func mergeSurplus(_ spooler: inout Spooler) {
        let merges = self.state.withLock { state in
            defer { state.merges = [] }
            return state.merges + state.plan.takeSurplus()
        }
        for ids in merges { self.merge(ids, &spooler) }
    }

    /// Puts a digest in the place of these mails: it is on disk before they are deleted.
    private func merge(_ ids: [String], _ spooler: inout Spooler) {
        let sources = self.state.withLock { state in ids.compactMap { state.mails[$0] } }
        guard let recipient = sources.first?.envelope.to else { return }
        let digest = Digest(sources.map(\.envelope.digest), mostBytes: self.settings.limits.mostDigestBytes)
        // A digest that is in memory only has the files of its own sources still to delete.
        let files = sources.flatMap { $0.isSaved ? [$0.envelope.id] : $0.envelope.replaces }
        guard let file = spooler.file(for: digest, from: self.settings.from, to: recipient, replacing: files) else {
            // They go one by one, as they would have.
            let expires = self.now + self.settings.limits.expiry
            self.state.withLock { state in
                for mail in sources { state.plan.add(DeliveryPlan.Mail(mail.envelope, expires: expires)) }
            }
            return
        }
        self.keep(file, isExposed: sources.contains(where: \.isExposed), &spooler)
        let isSaved = self.state.withLock { state in
            for id in ids { state.mails[id] = nil }
            return state.mails[file.envelope.id]?.isSaved ?? false
        }
        if isSaved { self.delete(files) }
        self.tell(.merged(count: digest.count, into: file.envelope.summary))
    }

    private func deleteLeftovers(_ spooler: inout Spooler) {
        if let notBefore = spooler.notBefore, self.now < notBefore { return }
        let leftovers = self.state.withLock { state in
            defer { state.leftovers = [] }
            return state.leftovers.sorted()
        }
        self.delete(leftovers)
        if self.state.withLock({ !$0.leftovers.isEmpty }) {
            spooler.notBefore = self.now + self.settings.limits.spoolPause
        }
    }

    /// Tells that the folder is well again once everything is in it, and it takes what is written to it.
    private func tellRestored(_ spooler: inout Spooler) {
        let isWell = self.state.withLock { state in
            state.isSpoolFailed && state.leftovers.isEmpty && state.mails.values.allSatisfy(\.isSaved)
        }
        guard isWell, spooler.notBefore.map({ self.now >= $0 }) ?? true else { return }
        do throws(SpoolFolder.Failure) {
            // All may have been delivered from memory, which says nothing of the folder.
            try self.folder.probe()
            spooler.notBefore = nil
            self.state.withLock { $0.isSpoolFailed = false }
            self.tell(.spoolRestored)
        } catch {
            spooler.notBefore = self.now + self.settings.limits.spoolPause
        }
    }

    private func tellLost() {
        let lost = self.state.withLock { $0.mails.values.filter(\.isExposed).map(\.envelope.summary) }
        for mail in lost.sorted(by: { $0.id < $1.id }) {
            self.tell(.lost(mail, reason: "the spool folder '\(self.settings.spool)' cannot be written to"))
        }
    }

    /// Writes why mails wait, for those who list the folder; nothing depends on it.
    private func writeErrors() {
        let errors = self.state.withLock { state -> [String: String]? in
            guard state.hasFreshErrors else { return nil }
            state.hasFreshErrors = false
            return state.plan.mails.reduce(into: [:]) { $0[$1.id] = $1.lastError ?? state.plan.lastError }
        }
        guard let errors, let bytes = try? JSONEncoder().encode(errors) else { return }
        try? self.folder.write(Array(bytes), as: SpoolFolder.errorsFile, isDurable: false)
    }
}
