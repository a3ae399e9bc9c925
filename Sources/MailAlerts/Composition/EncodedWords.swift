// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation

/// Text in headers that is more than ASCII (RFC 2047).
enum EncodedWords {
    /// The longest encoded word (RFC 2047, section 2), and what of it is not text.
    private static let longestWord = 75
    private static let frame = "=?utf-8?B??=".utf8.count

    /// A text as encoded words, none of which ends within a character.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - firstColumn: Where the first word stands in its line; it is shorter by that.
    /// - Returns: The words, to be parted by spaces or folds.
    static func of(_ text: String, firstColumn: Int) -> [String] {
        var words: [String] = []
        var piece: [UInt8] = []
        var room = self.room(min(self.longestWord, MailHeader.longestLine - firstColumn))
        func close() {
            words.append("=?utf-8?B?\(Data(piece).base64EncodedString())?=")
            piece = []
            room = self.room(self.longestWord)
        }
        for character in text {
            // What a reader sees as one character stays whole, unless it is longer than a word.
            let parts: [[UInt8]] =
                character.utf8.count <= room || character.utf8.count <= self.room(self.longestWord)
                ? [Array(character.utf8)] : character.unicodeScalars.map { Array(String($0).utf8) }
            for part in parts {
                if piece.count + part.count > room, !piece.isEmpty { close() }
                piece += part
            }
        }
        if !piece.isEmpty { close() }
        return words
    }

    /// How many bytes of text a word of this length carries.
    private static func room(_ length: Int) -> Int { (length - self.frame) / 4 * 3 }
}
