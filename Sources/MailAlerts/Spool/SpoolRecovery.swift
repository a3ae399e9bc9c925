// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation

/// What an earlier run left in the spool folder.
struct SpoolRecovery {
    private(set) var mails: [SpoolFile.Envelope] = []
    private(set) var events: [MailEvent] = []
    private(set) var threads = MailThreads()
    private let limits: MailLimits
    private let now = Date().timeIntervalSince1970

    /// Reads the folder; deletes what already stands in a digest, and sets aside what is damaged.
    init(_ folder: SpoolFolder, limits: MailLimits) {
        self.limits = limits
        for name in folder.names(in: "waiting") {
            do {
                let file = try SpoolFile(reading: folder.read("waiting/\(name)"))
                guard name == file.envelope.id + SpoolFolder.ending else {
                    throw SpoolFile.Damage(reason: "it has another name")
                }
                self.mails.append(file.envelope)
            } catch {
                let reason =
                    (error as? SpoolFile.Damage)?.reason ?? (error as? SpoolFolder.Failure)?.reason ?? "\(error)"
                try? folder.setAside(name, reason: reason)
                self.events.append(.damaged(file: name, reason: reason))
            }
        }
        folder.pruneFailed(keeping: limits.mostFailed)
        // The digest was written, and the mails in it not yet deleted.
        let replaced = Set(self.mails.flatMap(\.replaces))
        for mail in self.mails where replaced.contains(mail.id) { try? folder.remove(mail.id) }
        self.mails.removeAll { replaced.contains($0.id) }
        if let bytes = try? folder.read(SpoolFolder.threadsFile) { self.threads = MailThreads(reading: bytes) }
    }

    /// When a mail becomes too old, since now.
    ///
    /// A clock that was set back makes none older or younger than it is.
    func expiry(of mail: SpoolFile.Envelope) -> Duration {
        let age = min(max(0, self.now - mail.created), Double(self.limits.expiry.components.seconds) + 1)
        return self.limits.expiry - .seconds(age)
    }
}
