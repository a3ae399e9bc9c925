// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// An address of mail (RFC 5322, section 3.4): `ana@example.com` or `Ana <ana@example.com>`.
public struct MailAddress: Sendable, Hashable, CustomStringConvertible {
    /// Where mail goes, as in `ana@example.com`: ASCII.
    public let mailbox: String
    /// What people read instead, if there is something.
    public let name: String?

    /// The longest mailbox that fits a path (RFC 5321, section 4.5.3.1.3).
    private static let longestMailbox = 254
    /// Bytes of a name that fit a line, and of one that is to be encoded: it fits one encoded word, as not every program puts a
    /// name of several together rightly.
    private static let longestName = 60
    private static let longestEncodedName = 45

    /// Reads an address.
    ///
    /// The part before the @ is of letters, digits and `!#$%&'*+-/=?^_\`{|}~.`; a quoted one is refused, and so is anything that is
    /// not ASCII: a domain is written as `xn--…`.
    ///
    /// - Parameter text: What somebody wrote.
    /// - Throws: What is wrong with it.
    public init(_ text: String) throws(MailRefusal) {
        guard !text.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) }) else {
            throw MailRefusal("an address holds no line breaks or other control characters")
        }
        let trimmed = text.trimmed
        guard trimmed.hasSuffix(">") else {
            try Self.check(mailbox: trimmed)
            self.mailbox = trimmed
            self.name = nil
            return
        }
        guard let bracket = trimmed.lastIndex(of: "<") else {
            throw MailRefusal("'\(trimmed)' is not an address like ana@example.com or Ana <ana@example.com>")
        }
        let mailbox = String(trimmed[trimmed.index(after: bracket)...].dropLast())
        try Self.check(mailbox: mailbox)
        let name = try Self.unquoted(String(trimmed[..<bracket]).trimmed)
        let longest = MailHeader.isPlain(name) ? Self.longestName : Self.longestEncodedName
        guard name.utf8.count <= longest else {
            throw MailRefusal("the name in an address is longer than \(longest) bytes")
        }
        self.mailbox = mailbox
        self.name = name.isEmpty ? nil : name
    }

    /// As it may be written.
    public var description: String {
        guard let name = self.name else { return self.mailbox }
        return "\(MailHeader.quotedIfNeeded(name)) <\(self.mailbox)>"
    }

    /// What comes after the @.
    var domain: Substring {
        self.mailbox[self.mailbox.index(after: self.mailbox.lastIndex(of: "@") ?? self.mailbox.startIndex)...]
    }

    private static func unquoted(_ name: String) throws(MailRefusal) -> String {
        guard name.hasPrefix("\"") else {
            guard !name.contains("\"") && !name.contains("<") && !name.contains(">") else {
                throw MailRefusal("a name with quotes or angle brackets in it stands in quotes")
            }
            return name
        }
        guard name.count >= 2, name.hasSuffix("\"") else {
            throw MailRefusal("the name in an address lacks a closing quote")
        }
        var plain = ""
        var isEscaped = false
        for character in name.dropFirst().dropLast() {
            if character == "\\" && !isEscaped {
                isEscaped = true
                continue
            }
            guard character != "\"" || isEscaped else { throw MailRefusal("a quote in a quoted name is written \\\"") }
            plain.append(character)
            isEscaped = false
        }
        guard !isEscaped else { throw MailRefusal("the name in an address lacks a closing quote") }
        return plain.trimmed
    }

    private static func check(mailbox: String) throws(MailRefusal) {
        guard let at = mailbox.lastIndex(of: "@") else {
            throw MailRefusal("'\(mailbox)' is not an address: it has no @")
        }
        guard mailbox.utf8.allSatisfy({ $0 < 0x80 }) else {
            throw MailRefusal("'\(mailbox)' is not ASCII; write the domain in its xn--… form")
        }
        guard mailbox.utf8.count <= Self.longestMailbox else {
            throw MailRefusal("an address is longer than \(Self.longestMailbox) bytes")
        }
        let local = mailbox[..<at].split(separator: ".", omittingEmptySubsequences: false)
        guard mailbox[..<at].utf8.count <= 64,
            local.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(MailHeader.isAtomText) })
        else {
            throw MailRefusal("'\(mailbox)' is not an address: what stands before the @ is not allowed")
        }
        guard MailServer.isHostName(mailbox[mailbox.index(after: at)...]) else {
            throw MailRefusal("'\(mailbox)' is not an address: what stands after the @ is not a domain")
        }
    }
}

extension String {
    /// Without spaces at the ends.
    var trimmed: String {
        let tail = self.drop { $0 == " " }
        return String(tail[..<(tail.lastIndex { $0 != " " }.map(tail.index(after:)) ?? tail.startIndex)])
    }
}
