// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// The line that a person is typing, and the lines typed before.
///
/// It works on whole characters as people see them (extended grapheme clusters, Unicode annex 29), so that an accent
/// typed as a character of its own, or a family of emoji, is one step for the cursor and one for Backspace.
struct LineEditor {
    /// What a key has come to beside a changed line.
    enum Outcome: Equatable {
        /// The line is finished.
        case line(String)
        case endOfInput
        case interrupt
        case suspend
        case redraw
    }

    /// Lines that are remembered.
    static let historyLines = 1_000

    private(set) var characters: [Character] = []
    /// How many characters stand before the cursor.
    private(set) var cursor = 0
    private var history: [String] = []
    /// The position in the history while looking back; its end is the line being typed.
    private var position = 0
    private var draft: [Character] = []
    private var deleted: [Character] = []

    var text: String { String(self.characters) }
    var isEmpty: Bool { self.characters.isEmpty }

    /// Takes a key.
    mutating func take(_ key: Key) -> Outcome? {
        switch key {
        case .text(let text): self.insert(text)
        case .enter: return .line(self.finish())
        case .backspace: self.remove(max(0, self.cursor - 1)..<self.cursor)
        case .delete: self.remove(self.cursor..<min(self.cursor + 1, self.characters.count))
        case .left: self.cursor = max(0, self.cursor - 1)
        case .right: self.cursor = min(self.characters.count, self.cursor + 1)
        case .wordLeft: self.cursor = self.wordStart
        case .wordRight: self.cursor = self.wordEnd
        case .home: self.cursor = 0
        case .end: self.cursor = self.characters.count
        case .up: self.recall(self.position - 1)
        case .down: self.recall(self.position + 1)
        case .deleteWordLeft: self.cut(self.wordStart..<self.cursor)
        case .deleteWordRight: self.cut(self.cursor..<self.wordEnd)
        case .deleteToHome: self.cut(0..<self.cursor)
        case .deleteToEnd: self.cut(self.cursor..<self.characters.count)
        case .yank: self.insert(String(self.deleted))
        case .redraw: return .redraw
        case .interrupt: return .interrupt
        case .suspend: return .suspend
        case .endOfInput:
            if self.isEmpty { return .endOfInput }
            self.remove(self.cursor..<min(self.cursor + 1, self.characters.count))
        }
        return nil
    }

    private mutating func insert(_ text: String) {
        // What is typed may belong to the character before it, as an accent does.
        var text = text
        if self.cursor > 0 {
            self.cursor -= 1
            text = String(self.characters.remove(at: self.cursor)) + text
        }
        let new = Array(text)
        self.characters.insert(contentsOf: new, at: self.cursor)
        self.cursor += new.count
    }

    private mutating func remove(_ range: Range<Int>) {
        self.characters.removeSubrange(range)
        if range.lowerBound < self.cursor { self.cursor -= min(range.count, self.cursor - range.lowerBound) }
    }

    private mutating func cut(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        self.deleted = Array(self.characters[range])
        self.remove(range)
    }

    private mutating func finish() -> String {
        let line = self.text
        if !line.isEmpty, line != self.history.last {
            self.history.append(line)
            if self.history.count > Self.historyLines { self.history.removeFirst() }
        }
        self.replace(by: [])
        self.position = self.history.count
        return line
    }

    /// Shows an earlier or later line; what was being typed is kept at the end.
    private mutating func recall(_ position: Int) {
        guard (0...self.history.count).contains(position), position != self.position else { return }
        if self.position == self.history.count { self.draft = self.characters }
        self.position = position
        self.replace(by: position == self.history.count ? self.draft : Array(self.history[position]))
    }

    private mutating func replace(by characters: [Character]) {
        self.characters = characters
        self.cursor = characters.count
    }

    private var wordStart: Int {
        var index = self.cursor
        while index > 0, !Self.isWord(self.characters[index - 1]) { index -= 1 }
        while index > 0, Self.isWord(self.characters[index - 1]) { index -= 1 }
        return index
    }

    private var wordEnd: Int {
        var index = self.cursor
        while index < self.characters.count, !Self.isWord(self.characters[index]) { index += 1 }
        while index < self.characters.count, Self.isWord(self.characters[index]) { index += 1 }
        return index
    }

    private static func isWord(_ character: Character) -> Bool { character.isLetter || character.isNumber }
}
