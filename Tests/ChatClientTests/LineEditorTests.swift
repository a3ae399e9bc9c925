// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Testing

@testable import ChatClient

@Suite struct LineEditorTests {
    /// Types keys and shows the line with its cursor as a bar.
    private func line(_ keys: [Key]) -> String {
        var editor = LineEditor()
        for key in keys { _ = editor.take(key) }
        return String(editor.characters[..<editor.cursor]) + "|" + String(editor.characters[editor.cursor...])
    }

    @Test(arguments: [
        ([Key.text("abc"), .left, .text("X")], "abX|c"), ([.text("abc"), .home, .delete], "|bc"),
        ([.text("abc"), .backspace, .backspace, .backspace, .backspace], "|"), ([.left, .delete, .right], "|"),
        ([.text("um dois  três"), .wordLeft], "um dois  |três"),
        ([.text("um dois"), .wordLeft, .wordLeft, .wordRight], "um| dois"),
        ([.text("um dois"), .deleteWordLeft], "um |"), ([.text("um dois"), .home, .deleteWordRight, .end], " dois|"),
        ([.text("um dois"), .left, .deleteToHome], "|s"),
        ([.text("um dois"), .home, .right, .deleteToEnd, .yank, .yank], "um doism dois|"),
        ([.text("ab"), .home, .endOfInput], "|b"), ([.text("ab"), .endOfInput], "ab|"),
    ])
    func `keys edit the line`(keys: [Key], expected: String) {
        #expect(self.line(keys) == expected)
    }

    @Test func `characters are what people see, however they are made`() {
        #expect(self.line([.text("cafe"), .text("\u{301}"), .text("s"), .left, .left]) == "caf|e\u{301}s")
        #expect(self.line([.text("👨"), .text("\u{200D}"), .text("👩"), .backspace]) == "|")
        #expect(self.line([.text("x🇧"), .text("🇷"), .left]) == "x|🇧🇷")
    }

    @Test func `Enter finishes the line, and Up brings it back`() {
        var editor = LineEditor()
        func press(_ keys: Key...) -> LineEditor.Outcome? { keys.map { editor.take($0) }.last ?? nil }
        #expect(press(.text("um"), .enter) == .line("um"))
        #expect(press(.enter) == .line(""))
        #expect(press(.text("dois"), .enter) == .line("dois"))
        #expect(press(.text("dois"), .enter) == .line("dois"))
        _ = press(.text("rascunho"), .up)
        #expect(editor.text == "dois")
        _ = press(.up)
        #expect(editor.text == "um", "a line sent twice in a row is remembered once")
        _ = press(.up, .down, .down)
        #expect(editor.text == "rascunho", "what was being typed is still there")
        _ = press(.down)
        #expect(editor.text == "rascunho")
    }

    @Test func `the history is bounded`() {
        var editor = LineEditor()
        for number in 0..<1_500 { _ = [Key.text("\(number)"), .enter].map { editor.take($0) } }
        for _ in 0..<2_000 { _ = editor.take(.up) }
        #expect(editor.text == "\(1_500 - LineEditor.historyLines)")
    }

    @Test func `leaving is told apart from editing`() {
        var editor = LineEditor()
        #expect(editor.take(.endOfInput) == .endOfInput)
        #expect(editor.take(.interrupt) == .interrupt)
        #expect(editor.take(.suspend) == .suspend)
        #expect(editor.take(.redraw) == .redraw)
    }
}
