// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LineOutput
import Testing

@Suite struct TerminalWidthTests {
    @Test(arguments: [
        ("", 0), ("abc", 3), ("olá", 3), ("ola\u{301}", 3), ("日本語", 6), ("ｶﾞ", 2), ("👋", 2), ("👍🏽", 2), ("👨‍👩‍👧", 2),
        ("🇧🇷", 2), ("กำ", 2), ("a\u{200B}b", 2), ("\u{301}", 0), ("e\u{301}\u{302}\u{303}x", 2),
    ])
    func `counts the columns of wide, combining and joined characters`(text: String, columns: Int) {
        #expect(TerminalWidth.of(text) == columns)
    }
}
