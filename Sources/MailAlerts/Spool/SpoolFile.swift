// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation

/// A mail in the spool, for one recipient: a line of JSON about it, then the mail as it goes over the wire.
struct SpoolFile: Sendable {
    /// What is known of a mail without reading it.
    struct Envelope: Codable, Sendable, Equatable {
        /// The name of its file, without the ending; sorts by time.
        var id: String
        /// Seconds since 1970.
        var created: Double
        var from: String
        var to: String
        var subject: String
        var messageID: String
        /// What a digest tells of it, or all that one tells.
        var digest: Digest
        /// Files whose mails stand in this digest: deleted once it is on disk.
        var replaces: [String] = []
        /// Of the mail.
        var bytes = 0
        var checksum = ""

        var summary: MailSummary {
            MailSummary(
                id: self.id,
                recipient: self.to,
                subject: self.subject,
                labels: self.digest.labels,
                messageID: self.messageID,
                count: self.digest.count
            )
        }
    }

    /// What is wrong with a file.
    struct Damage: Error { var reason: String }

    private(set) var envelope: Envelope
    let message: [UInt8]

    init(_ envelope: Envelope, message: [UInt8]) {
        self.envelope = envelope
        self.message = message
        self.envelope.bytes = message.count
        self.envelope.checksum = Self.checksum(message)
    }

    /// Reads a file.
    init(reading file: [UInt8]) throws(Damage) {
        guard let end = file.firstIndex(of: 0x0A) else { throw Damage(reason: "it has no envelope") }
        guard let envelope = try? JSONDecoder().decode(Envelope.self, from: Data(file[..<end])) else {
            throw Damage(reason: "its envelope cannot be read")
        }
        self.message = Array(file[(end + 1)...])
        guard self.message.count == envelope.bytes, Self.checksum(self.message) == envelope.checksum else {
            throw Damage(reason: "its mail is not what was written")
        }
        guard envelope.digest.isPlausible, envelope.created.isFinite, envelope.replaces.allSatisfy(Self.isID),
            Self.isID(envelope.id)
        else { throw Damage(reason: "its envelope says what none can") }
        // What goes into the dialogue with the server must be what could have been put there.
        guard (try? MailAddress(envelope.to)) != nil, (try? MailAddress(envelope.from)) != nil else {
            throw Damage(reason: "its addresses cannot be read")
        }
        self.envelope = envelope
    }

    /// What is written to disk.
    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self.envelope)) + [0x0A] + self.message
    }

    /// Whether a text may be the name of a file in the spool.
    private static func isID(_ text: String) -> Bool {
        (1...100).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D }
    }

    /// FNV-1a: finds what disks do, not what people do.
    private static func checksum(_ bytes: [UInt8]) -> String {
        String(bytes.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }, radix: 16)
    }
}
