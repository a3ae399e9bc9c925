// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// The encoding quoted-printable (RFC 2045, section 6.7) of UTF-8 text.
///
/// A line feed is a line break; a carriage return is a character like others, so that any text comes back as it was.
enum QuotedPrintable {
    /// The longest line, without its line break.
    private static let longestLine = 76

    /// Encodes a text.
    ///
    /// Every line ends with a line break, the last one with a soft one where the text has none.
    static func encode(_ text: String) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.utf8.count + text.utf8.count / 8)
        for line in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false) {
            self.append(line, isLast: line.endIndex == text.utf8.endIndex, to: &output)
        }
        return output
    }

    private static func append(_ line: Substring.UTF8View, isLast: Bool, to output: inout [UInt8]) {
        var start = output.count
        var position = line.startIndex
        while position < line.endIndex {
            let byte = line[position]
            let next = line.index(after: position)
            // The last byte of a line needs no room for a soft break, unless the text ends there without a line break.
            let room = next == line.endIndex && !isLast ? self.longestLine : self.longestLine - 1
            var isLiteral = self.isLiteral(byte) && !(self.isBlank(byte) && next == line.endIndex)
            // Servers double a dot that begins a line, and mailboxes quote "From ": neither gets to see one.
            if output.count == start, byte == 0x2E || byte == 0x46 { isLiteral = false }
            if output.count - start + (isLiteral ? 1 : 3) > room {
                output += "=\r\n".utf8
                start = output.count
                continue
            }
            if isLiteral {
                output.append(byte)
            } else {
                output += [0x3D, self.digit(byte >> 4), self.digit(byte & 15)]
            }
            position = next
        }
        if !isLast { output += "\r\n".utf8 } else if output.count > start { output += "=\r\n".utf8 }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    private static func isLiteral(_ byte: UInt8) -> Bool {
        self.isBlank(byte) || (byte > 0x20 && byte < 0x7F && byte != 0x3D)
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x41 + value - 10 }
}
