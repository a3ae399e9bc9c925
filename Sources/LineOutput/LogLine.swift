// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// A part of a log entry, made up to a limit in bytes.
///
/// Texts are escaped piece by piece and only as far as there is room, so that a huge value costs no more than a small one.
struct LogLine {
    /// How text is made safe to stand where it stands.
    enum Escaping {
        /// `\n`, `\\`, `\x1B` and `\u{202E}`.
        case plain
        /// The same, and `\"`.
        case quoted
        /// As in a JSON string (RFC 8259).
        case json
    }

    /// What stands in the place of the bytes that are missing.
    static let mark = "…(cut)"

    private(set) var bytes: [UInt8] = []

    /// The text so far.
    var text: String { String(decoding: self.bytes, as: UTF8.self) }

    /// Appends what the host writes itself, whole.
    mutating func append(_ text: String) { self.bytes += text.utf8 }

    /// Appends a text from outside, and cuts it between two characters where it gets too long.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - escaping: How it is made safe.
    ///   - room: The most bytes that this may add, including ``mark``.
    mutating func append(_ text: some StringProtocol, as escaping: Escaping, room: Int) {
        let start = self.bytes.count
        let mark = Self.mark.utf8
        // Where the text is cut if it does not fit: the last place with room for the mark.
        var cut = start
        for scalar in text.unicodeScalars {
            self.append(scalar, as: escaping)
            let length = self.bytes.count - start
            if length > room {
                self.bytes.removeSubrange(cut...)
                if mark.count <= room { self.bytes += mark }
                return
            }
            if length + mark.count <= room { cut = self.bytes.count }
        }
    }

    private mutating func append(_ scalar: Unicode.Scalar, as escaping: Escaping) {
        switch (scalar, escaping) {
        case ("\\", _): self.bytes += #"\\"#.utf8
        case ("\"", .quoted), ("\"", .json): self.bytes += #"\""#.utf8
        case ("\n", .json): self.bytes += #"\n"#.utf8
        case ("\r", .json): self.bytes += #"\r"#.utf8
        case ("\t", .json): self.bytes += #"\t"#.utf8
        case (_, .json): self.bytes += LineEscaping.escapedJSON(String(Character(scalar))).utf8
        default:
            let isCharacter = scalar.isASCII && scalar.value >= 0x20 && scalar.value != 0x7F
            if isCharacter {
                self.bytes.append(UInt8(scalar.value))
            } else {
                LineEscaping.append(scalar, to: &self.bytes)
            }
        }
    }

    /// Whether a key or value needs quotes: it would else look like something else, or like several.
    static func needsQuotes(_ text: some StringProtocol) -> Bool {
        text.isEmpty
            || text.utf8.contains {
                $0 <= 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: "\\")
            }
    }
}

extension String {
    /// A beginning of the text with at most so many bytes and the next character, whatever its length.
    ///
    /// It costs what that beginning costs, and nothing for the rest.
    func prefix(bytes: Int) -> Substring {
        guard let end = self.utf8.index(self.startIndex, offsetBy: bytes, limitedBy: self.endIndex) else {
            return self[...]
        }
        // Between two scalars, so that no character is torn.
        var index = end
        while index < self.endIndex, index.samePosition(in: self.unicodeScalars) == nil {
            index = self.utf8.index(after: index)
        }
        return self[..<index]
    }
}
