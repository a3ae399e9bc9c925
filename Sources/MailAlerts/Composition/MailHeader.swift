// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// The header of a mail (RFC 5322, section 2.2), folded.
struct MailHeader {
    /// The longest line, without its line break (RFC 5322, section 2.1.1).
    static let longestLine = 78

    private(set) var bytes: [UInt8] = []

    /// Adds a field of words that stay whole; a line is broken between two where it would become too long.
    mutating func add(_ name: String, _ words: [String]) {
        self.bytes += name.utf8
        self.bytes.append(0x3A)
        var column = name.utf8.count + 1
        for (index, word) in words.enumerated() {
            // Checked where values come from; a line break here would be a field of somebody else's making.
            precondition(word.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }, "a header holds printable ASCII")
            // The first word stays beside the name: a line of nothing but spaces is obsolete syntax.
            if index > 0, column + 1 + word.utf8.count > Self.longestLine {
                self.bytes += "\r\n".utf8
                column = 0
            }
            self.bytes.append(0x20)
            self.bytes += word.utf8
            column += 1 + word.utf8.count
        }
        self.bytes += "\r\n".utf8
    }

    /// Adds a field of free text, encoded where it is more than a short line of plain ASCII.
    mutating func add(_ name: String, text: String) {
        let isPlain =
            Self.isPlain(text) && !text.contains("  ")
            && text == text.trimmed && name.utf8.count + 2 + text.utf8.count <= Self.longestLine
        self.add(name, isPlain ? [text] : EncodedWords.of(text, firstColumn: name.utf8.count + 2))
    }

    /// Adds a field of addresses.
    mutating func add(_ name: String, addresses: [MailAddress]) {
        var words: [String] = []
        for (index, address) in addresses.enumerated() {
            let comma = index + 1 < addresses.count ? "," : ""
            guard let person = address.name else {
                words.append(address.mailbox + comma)
                continue
            }
            words +=
                Self.isPlain(person)
                ? [Self.quotedIfNeeded(person)] : EncodedWords.of(person, firstColumn: name.utf8.count + 2)
            words.append("<\(address.mailbox)>\(comma)")
        }
        self.add(name, words)
    }

    /// Whether a text may stand in a header as it is: printable ASCII, and not like an encoded word.
    static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } && !text.contains("=?")
    }

    /// A name as a phrase: as it is if it consists of atoms, else as a quoted string (RFC 5322, section 3.2.4).
    static func quotedIfNeeded(_ name: String) -> String {
        let isAtoms =
            name.utf8.allSatisfy { self.isAtomText($0) || $0 == 0x20 || $0 >= 0x80 } && !name.contains("  ")
            && !name.contains("=?")
        if isAtoms { return name }
        return "\"" + name.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] } + "\""
    }

    /// Whether a byte may stand in an atom (RFC 5322, section 3.2.3).
    static func isAtomText(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$%&'*+-/=?^_`{|}~".utf8.contains(byte)
        }
    }
}
