// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation

/// A mail as it goes over the wire (RFC 5322, with the body of RFC 2045 and 2046).
struct MailMessage {
    /// What the header says of it but for the draft.
    struct Origin {
        var from: MailAddress
        var date: Date
        /// With angle brackets.
        var messageID: String
        /// The mails of the same incident that it follows: the first, and the one before.
        var follows: [String] = []
    }

    /// Header, blank line and body, with CRLF for every line break.
    static func compose(_ draft: MailDraft, _ origin: Origin) -> [UInt8] {
        var header = MailHeader()
        header.add("Date", [MailDate.field(origin.date)])
        header.add("From", addresses: [origin.from])
        header.add("To", addresses: draft.to)
        header.add("Subject", text: draft.subject)
        header.add("Message-ID", [origin.messageID])
        if let last = origin.follows.last {
            header.add("In-Reply-To", [last])
            header.add("References", origin.follows)
        }
        // Keeps vacation programs and the like from answering (RFC 3834, section 5).
        header.add("Auto-Submitted", ["auto-generated"])
        header.add("MIME-Version", ["1.0"])
        let text = QuotedPrintable.encode(draft.text)
        guard let html = draft.html else {
            self.addType("text/plain", to: &header)
            return header.bytes + Array("\r\n".utf8) + text
        }
        // An underscore after an equals sign comes in no quoted-printable text.
        let boundary = "=_\(Self.unique())"
        header.add("Content-Type", ["multipart/alternative;", "boundary=\"\(boundary)\""])
        var bytes = header.bytes
        for (type, body) in [("text/plain", text), ("text/html", QuotedPrintable.encode(html))] {
            var part = MailHeader()
            self.addType(type, to: &part)
            bytes += "\r\n--\(boundary)\r\n".utf8
            bytes += part.bytes + Array("\r\n".utf8) + body
        }
        return bytes + Array("\r\n--\(boundary)--\r\n".utf8)
    }

    private static func addType(_ type: String, to header: inout MailHeader) {
        header.add("Content-Type", ["\(type);", "charset=utf-8"])
        header.add("Content-Transfer-Encoding", ["quoted-printable"])
    }

    /// A Message-ID that nobody else makes (RFC 5322, section 3.6.4), with angle brackets.
    static func makeID(for from: MailAddress) -> String { "<\(self.unique())@\(from.domain)>" }

    /// 96 random bits.
    static func unique() -> String {
        (0..<3).map { _ in String(UInt64(UInt32.random(in: .min ... .max)) | 1 << 32, radix: 16).dropFirst() }.joined()
    }
}
