// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CTerminal

/// How many columns a terminal gives to texts.
public enum TerminalWidth {
    /// The columns of a text in one line, without control characters.
    public static func of(_ text: String) -> Int { text.reduce(0) { $0 + self.of($1) } }

    /// The columns of a character: none for one that only joins or marks others, two for CJK and emoji.
    public static func of(_ character: Character) -> Int {
        // What is joined, and skin tones, take no room beside what they join.
        var width = 0
        var isJoined = false
        for scalar in character.unicodeScalars {
            if !isJoined, !(width > 0 && scalar.properties.isEmojiModifier) {
                width += max(0, Int(cterminal_width(scalar.value)))
            }
            isJoined = scalar == "\u{200D}"
        }
        return width
    }
}
