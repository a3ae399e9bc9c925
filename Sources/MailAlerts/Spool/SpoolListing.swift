// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation

/// What a spool folder holds, read without changing or locking it.
public struct SpoolListing: Sendable, Hashable {
    /// Where a mail is.
    public enum State: String, Sendable, Hashable {
        /// It is to be sent.
        case waiting
        /// It is kept and not tried again.
        case failed
    }

    /// A mail.
    public struct Mail: Sendable, Hashable {
        /// The name of its file, without the ending.
        public var id: String
        /// When it was made, in seconds since 1970.
        public var created: Double
        /// The mailbox that it goes to.
        public var recipient: String
        /// One line.
        public var subject: String
        /// The labels of its draft, or of all mails in a digest.
        public var labels: [String]
        /// How many mails it stands for: 1, or those in a digest.
        public var count: Int
        /// Of its file, in bytes.
        public var size: Int
        /// Where it is.
        public var state: State
        /// Why it was not sent, if that is known.
        public var lastError: String?
    }

    /// Oldest first, waiting ones before failed ones.
    public let mails: [Mail]

    /// Reads a folder.
    ///
    /// - Parameter folder: The spool folder.
    /// - Throws: Why it cannot be read.
    public init(_ folder: String) throws(MailError) {
        var mails: [Mail] = []
        let errors = SpoolFolder.contents(of: "\(folder)/\(SpoolFolder.errorsFile)")
            .flatMap { try? JSONDecoder().decode([String: String].self, from: Data($0)) }
        for state in [State.waiting, .failed] {
            let path = "\(folder)/\(state.rawValue)"
            let names: [String]
            do {
                names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
            } catch {
                throw MailError(
                    "cannot read the spool folder '\(path)': is it the right one, and has mail been set up?"
                )
            }
            for name in names where name.hasSuffix(SpoolFolder.ending) {
                let stem = String(name.dropLast(SpoolFolder.ending.count))
                // Sent and deleted while this looks.
                guard let bytes = SpoolFolder.contents(of: "\(path)/\(name)") else { continue }
                let reason = SpoolFolder.contents(of: "\(path)/\(stem)\(SpoolFolder.reasonEnding)")
                    .map { String(decoding: $0, as: UTF8.self) }
                let file = try? SpoolFile(reading: bytes)
                mails.append(
                    Mail(
                        id: stem,
                        created: file?.envelope.created ?? 0,
                        recipient: file?.envelope.to ?? "",
                        subject: file?.envelope.subject ?? "",
                        labels: file?.envelope.digest.labels ?? [],
                        count: file?.envelope.digest.count ?? 0,
                        size: bytes.count,
                        state: state,
                        lastError: state == .failed ? reason : errors?[stem] ?? (file == nil ? "it is damaged" : nil)
                    )
                )
            }
        }
        self.mails = mails
    }
}
