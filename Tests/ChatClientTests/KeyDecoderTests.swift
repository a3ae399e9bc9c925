// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import TestSupport
import Testing

@testable import ChatClient

@Suite struct KeyDecoderTests {
    private func keys(_ bytes: [UInt8]) -> [Key] {
        var decoder = KeyDecoder()
        return decoder.take(bytes)
    }

    private func keys(_ text: String) -> [Key] { self.keys(Array(text.utf8)) }

    @Test(arguments: [
        ("olá 👋", [Key.text("olá 👋")]), ("a\r", [.text("a"), .enter]), ("a\n", [.text("a"), .enter]),
        ("a\r\nb", [.text("a"), .enter, .text("b")]), ("\n\n", [.enter, .enter]), ("\u{1B}[A\u{1B}OB", [.up, .down]),
        ("\u{1B}[1;5D\u{1B}[1;3C", [.wordLeft, .wordRight]), ("\u{1B}[1;2D", [.left]),
        ("\u{1B}[H\u{1B}[4~", [.home, .end]),
        ("\u{1B}[3~\u{7F}\u{8}", [.delete, .backspace, .backspace]),
        ("\u{1B}b\u{1B}f\u{1B}d", [.wordLeft, .wordRight, .deleteWordRight]),
        ("\u{1}\u{5}\u{B}\u{15}\u{17}\u{19}", [.home, .end, .deleteToEnd, .deleteToHome, .deleteWordLeft, .yank]),
        ("\u{3}\u{4}\u{1A}\u{C}", [.interrupt, .endOfInput, .suspend, .redraw]), ("a\tb", [.text("a\tb")]),
        ("\u{1B}[200~a\u{1}\nb\u{1B}[201~c", [.text("a\u{1}"), .enter, .text("bc")]),
        ("\u{1B}[200~\u{1B}[Ax\u{1B}[201~", [.text("x")]), ("\u{1B}[99;99;99zx", [.text("x")]),
        ("\u{0}x", [.text("x")]),
        ("\u{1B}\u{1B}[A", [.up]), ("\u{1B}[\u{1B}[A", [.up]), ("\u{1B}[200~a\u{3}", [.text("a"), .interrupt]),
        ("\u{1B}\u{3}", [.interrupt]), ("\u{1B}[1\u{3}", [.interrupt]), ("\u{1B}ç", [.text("ç")]),
        ("\u{1B}[1;-9223372036854775808A", [.up]), ("\u{1B}[1;99999999999999999999D", [.left]),
    ])
    func `bytes become keys`(text: String, expected: [Key]) {
        #expect(self.keys(text) == expected)
    }

    @Test func `what is no UTF-8 becomes a replacement character`() {
        #expect(self.keys([0x61, 0xFF, 0x62]) == [.text("a\u{FFFD}b")])
        #expect(self.keys([0xC3, 0x61]) == [.text("\u{FFFD}a")])
        #expect(self.keys([0xE2, 0x82, 0x0D]) == [.text("\u{FFFD}"), .enter])
        #expect(self.keys([0x80, 0x80]) == [.text("\u{FFFD}\u{FFFD}")])
    }

    @Test func `keys are the same however their bytes are split`() {
        let bytes = Array("é👨‍👩‍👧\u{1B}[1;5D\u{1B}[200~x\r\ny\u{1B}[201~\u{1B}OA\u{4}\r".utf8)
        let whole = Self.merged(self.keys(bytes))
        for first in 0...bytes.count {
            for second in first...bytes.count {
                var decoder = KeyDecoder()
                var keys = decoder.take(bytes[..<first])
                keys += decoder.take(bytes[first..<second])
                keys += decoder.take(bytes[second...])
                #expect(Self.merged(keys) == whole)
            }
        }
    }

    @Test func `any bytes at all are survived, in bounded memory`() {
        var random = SplitMix64(seed: 7)
        for _ in 0..<200 {
            var decoder = KeyDecoder()
            var editor = LineEditor()
            for _ in 0..<20 {
                let bytes = (0..<50)
                    .map { _ in
                        // Escapes and brackets often, so that sequences come about.
                        [0x1B, 0x5B, 0x7E, UInt8.random(in: 0...255, using: &random)].randomElement(using: &random) ?? 0
                    }
                for key in decoder.take(bytes) { _ = editor.take(key) }
                #expect((0...editor.characters.count).contains(editor.cursor))
            }
        }
    }

    /// Pieces of text that follow each other, as one.
    private static func merged(_ keys: [Key]) -> [Key] {
        keys.reduce(into: []) { all, key in
            if case .text(let more) = key, case .text(let before) = all.last {
                all[all.count - 1] = .text(before + more)
            } else {
                all.append(key)
            }
        }
    }
}
