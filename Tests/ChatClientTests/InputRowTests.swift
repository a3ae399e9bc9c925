// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Testing

@testable import ChatClient

@Suite struct InputRowTests {
    private func row(_ text: String, cursor: Int? = nil, columns: Int) -> String {
        let characters = Array(text)
        let row = InputRow(characters, cursor: cursor ?? characters.count, columns: columns)
        return "\(row.text) @\(row.column)"
    }

    @Test(arguments: [
        ("abc", 3, 20, "abc @3"), ("abc", 1, 20, "abc @1"), ("", 0, 20, " @0"),
        // The end is shown, and the last column stays free.
        ("abcdefghij", 10, 6, "fghij @5"), ("abcdefghij", 0, 6, "abcde @0"), ("abcdefghij", 5, 6, "bcdef @4"),
        ("漢字漢字", 4, 6, "漢字 @4"), ("a漢", 2, 2, " @0"), ("x", 1, 1, "x @1"),
        ("e\u{301}e\u{301}", 2, 20, "e\u{301}e\u{301} @2"),
        ("🇧🇷X", 2, 20, "🇧🇷X @3"), ("กำX", 2, 20, "กำX @3"), ("काX", 2, 20, "काX @3"), ("\u{200B}X", 2, 20, "\u{200B}X @1"),
        ("👍🏽X", 2, 20, "👍🏽X @3"), ("👨‍👩‍👧X", 2, 20, "👨‍👩‍👧X @3"), ("a\tb", 3, 20, #"a\tb @4"#),
        ("\u{202E}", 1, 20, #"\u{202E} @8"#),
    ])
    func `the part around the cursor is shown`(text: String, cursor: Int, columns: Int, expected: String) {
        #expect(self.row(text, cursor: cursor, columns: columns) == expected)
    }

    @Test func `a row never reaches the last column, whatever the line and the cursor`() {
        let characters = Array("ab漢c👋d\u{7}é\u{301}fgh字ij👨‍👩‍👧klm")
        for columns in 1...40 {
            for cursor in 0...characters.count {
                let row = InputRow(characters, cursor: cursor, columns: columns)
                let width = Array(row.text).reduce(0) { $0 + InputRow.cell($1).width }
                #expect(width <= max(1, columns - 1))
                #expect(row.column <= width)
            }
        }
    }

    @Test func `what would control the terminal is never drawn`() {
        let row = InputRow(Array("\u{1B}[2J\u{9B}31m"), cursor: 0, columns: 80)
        #expect(row.text == #"\x1B[2J\u{9B}31m"#)
    }

    @Test func `a narrower terminal has the row broken above the cursor`() {
        let row = InputRow(Array(String(repeating: "x", count: 50)), cursor: 50, columns: 80)
        let clear = "\r\u{1B}[2K"
        #expect(row.cleared(forColumns: 20) == "\u{1B}[2A\(clear)\u{1B}[B\(clear)\u{1B}[B\(clear)\u{1B}[2A")
        #expect(row.cleared(forColumns: 100) == clear)
        let first = InputRow(Array(String(repeating: "x", count: 50)), cursor: 0, columns: 80)
        #expect(first.cleared(forColumns: 30) == "\(clear)\u{1B}[B\(clear)\u{1B}[1A")
    }
}
