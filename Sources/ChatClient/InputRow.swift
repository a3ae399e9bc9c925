// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LineOutput

/// How the line being typed is drawn: always in one row, of which the part around the cursor is shown.
///
/// One row can be cleared and drawn again whatever stands above it, and however long the line is.
struct InputRow: Equatable {
    /// What the row shows, safe for a terminal.
    var text = ""
    /// Columns before the cursor.
    var column = 0
    /// Columns of the text.
    private var width = 0

    /// Draws a line for a terminal so many columns wide.
    init(_ characters: [Character], cursor: Int, columns: Int) {
        // The last column stays free: writing there makes some terminals wrap.
        let room = max(1, columns - 1)
        var shown: [String] = []
        var start = cursor
        var used = 0
        // Everything before the cursor if it fits; else as much as leaves a quarter of the row for what follows.
        let before = cursor < characters.count ? room - min(room / 4, characters.count - cursor) : room
        while start > 0 {
            let (text, width) = Self.cell(characters[start - 1])
            guard used + width <= before else { break }
            shown.append(text)
            used += width
            start -= 1
        }
        self.column = used
        self.text = shown.reversed().joined()
        for character in characters[cursor...] {
            let (text, width) = Self.cell(character)
            guard used + width <= room else { break }
            self.text += text
            used += width
        }
        self.width = used
    }

    /// What a terminal needs to show the row in place of the one it shows: the row is drawn without wrapping, so that no
    /// disagreement about a character's width can spoil the rows around.
    var drawn: String {
        if self.text.isEmpty { return InputRow.clear }
        return "\r\u{1B}[?7l\(self.text)\u{1B}[K\u{1B}[?7h\r" + (self.column > 0 ? "\u{1B}[\(self.column)C" : "")
    }

    /// Empties the row.
    static let clear = "\r\u{1B}[K"

    /// Empties the row after the terminal became narrower and broke it into several; ends in the first of them.
    ///
    /// Row by row: tmux keeps what it clears to the end of the screen in its history.
    func cleared(forColumns columns: Int) -> String {
        let columns = max(1, columns)
        let above = self.column / columns
        let below = max(above, (self.width - 1) / columns)
        let up = { (rows: Int) in rows > 0 ? "\u{1B}[\(rows)A" : "" }
        let rows = Array(repeating: "\r\u{1B}[2K", count: below + 1).joined(separator: "\u{1B}[B")
        return up(above) + rows + up(below)
    }

    /// A character as it is shown, and how many columns that takes.
    static func cell(_ character: Character) -> (text: String, width: Int) {
        if character.unicodeScalars.contains(where: { LineEscaping.isShown($0) }) {
            let text = LineEscaping.escaped(String(character))
            return (text, text.count)
        }
        return (String(character), TerminalWidth.of(character))
    }
}
