// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// The thread that delivers.
extension MailQueue {
    /// Does the next thing in the plan.
    ///
    /// - Returns: How long to wait then; nil for as long as nothing changes.
    func deliver() -> Duration? {
        switch self.state.withLock({ $0.plan.next(at: self.now) }) {
        case .wait(let until):
            return until.map { max($0 - self.now, .milliseconds(1)) }
        case .giveUp(let mails):
            for mail in mails {
                let days = self.settings.limits.expiry.components.seconds / 86_400
                let last = mail.lastError.map { "; the last error: \($0)" } ?? ""
                self.fail(mail.id, reason: "it could not be delivered for \(days) days\(last)")
            }
        case .send(let id):
            self.send(id)
        }
        return .zero
    }

    private func send(_ id: String) {
        guard let mail = self.state.withLock({ $0.mails[id] }) else {
            self.state.withLock { $0.plan.remove(id) }
            return
        }
        let message: [UInt8]
        do {
            message = try mail.message ?? SpoolFile(reading: self.folder.load(id)).message
        } catch let failure as SpoolFolder.Failure where !self.isGone(failure) {
            self.finish(id, .delayed(reason: failure.reason))
            return
        } catch {
            let reason = (error as? SpoolFile.Damage)?.reason ?? "somebody else has deleted it"
            self.state.withLock { state in
                state.plan.remove(id)
                state.mails[id] = nil
            }
            try? self.folder.setAside(id + SpoolFolder.ending, reason: reason)
            self.tell(.damaged(file: id + SpoolFolder.ending, reason: reason))
            return
        }
        let delivery = SMTPDelivery(message, with: self.settings) { self.isStopping.load(ordering: .acquiring) }
        self.finish(id, delivery.run(from: mail.envelope.from, to: [mail.envelope.to]))
    }

    /// Whether a file is missing in a folder that is there.
    private func isGone(_ failure: SpoolFolder.Failure) -> Bool {
        failure.code == ENOENT && FileManager.default.fileExists(atPath: self.settings.spool + "/waiting")
    }

    private func finish(_ id: String, _ outcome: DeliveryOutcome) {
        let effects = self.state.withLock { state in
            state.hasFreshErrors = true
            return state.plan.finish(outcome, at: self.now)
        }
        for effect in effects { self.carryOut(effect) }
        self.wakeSpooler()
    }

    private func carryOut(_ effect: DeliveryPlan.Effect) {
        switch effect {
        case .sent(let id):
            guard let mail = self.state.withLock({ $0.mails.removeValue(forKey: id) }) else { return }
            self.delete(mail.isSaved ? [id] : mail.envelope.replaces)
            self.tell(.sent(mail.envelope.summary))
        case .triedAgain(let id, let reason, let after):
            guard let mail = self.state.withLock({ $0.mails[id] }) else { return }
            self.tell(.failed(mail.envelope.summary, reason: reason, then: .triedAgain(after: after)))
        case .failed(let id, let reason):
            self.fail(id, reason: reason)
        case .held(let reason, let after):
            self.tell(.held(reason: reason, retryAfter: after))
        case .released:
            self.tell(.released)
        case .merge(let ids):
            self.state.withLock { $0.merges.append(ids) }
        }
    }

    /// Puts a mail that is not tried again where people find it.
    private func fail(_ id: String, reason: String) {
        guard let mail = self.state.withLock({ $0.mails.removeValue(forKey: id) }) else { return }
        var future = MailFuture.kept
        do throws(SpoolFolder.Failure) {
            if let message = mail.message {
                try self.folder.saveFailed(SpoolFile(mail.envelope, message: message), reason: reason)
                self.delete(mail.envelope.replaces)
            } else {
                try self.folder.setAside(id + SpoolFolder.ending, reason: reason)
            }
            self.folder.pruneFailed(keeping: self.settings.limits.mostFailed)
        } catch {
            // One that is on disk stays there, and is tried again by the next run.
            if mail.isExposed { future = .gone }
            self.spoolFailed(error)
        }
        self.tell(.failed(mail.envelope.summary, reason: reason, then: future))
    }
}
