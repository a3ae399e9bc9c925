// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import Testing

@testable import MailAlerts

/// What is remembered of a dialogue, and what is shown of it.
@Suite struct SMTPDialogueTests {
    private struct Stage {
        var dialogue = SMTPDialogue(login: MailStage.login)

        mutating func says(_ line: String) -> String { self.dialogue.said(Array((line + "\r\n").utf8)) }

        mutating func hears(_ line: String) -> String {
            Array((line + "\r\n").utf8).withUnsafeBytes { self.dialogue.heard($0) }
        }
    }

    @Test func `the last line of a reply counts, and what comes after our goodbye does not`() {
        var stage = Stage()
        _ = stage.says("EHLO us")
        _ = stage.hears("250-one")
        #expect(stage.dialogue.reply == nil)
        _ = stage.hears("250 two")
        #expect(stage.dialogue.reply?.text == "250 two")
        _ = stage.says("MAIL FROM:<luar@example.com>")
        #expect(stage.dialogue.reply == nil)
        for line in ["451-first", "no reply", "45", "4511 x", "451 last"] { _ = stage.hears(line) }
        #expect(stage.dialogue.reply == .init(code: 451, text: "451 last"))
        #expect(stage.says("QUIT") == "QUIT")
        _ = stage.hears("250 bye")
        #expect(stage.dialogue.reply?.code == 451 && stage.dialogue.stage == .mail && !stage.dialogue.isTaken)
    }

    @Test func `answers to challenges are hidden, whatever they look like`() {
        var stage = Stage()
        #expect(stage.says("AUTH LOGIN") == "AUTH LOGIN")
        for answer in ["QUIT", "MAIL FROM:<x>", "AUTH PLAIN x", "bHVhcg=="] {
            #expect(stage.hears("334 VXNlcm5hbWU6") == "334 ***")
            #expect(stage.says(answer) == "***")
        }
        #expect(stage.hears("535 you said bHVhcg==") == "535 you said ***")
        #expect(stage.says("AUTH PLAIN c2VjcmV0") == "AUTH PLAIN ***")
        #expect(stage.says("c2VjcmV0") == "***")
    }

    @Test func `what is shown has no control characters, no endless length and no password in any form`() {
        let dialogue = SMTPDialogue(login: MailStage.login)
        #expect(dialogue.shown("a\u{1B}[2J\tb\u{202E}c\u{9B}".utf8) == #"a\u{1B}[2J\u{9}b\u{202E}c\u{9B}"#)
        #expect(dialogue.shown([0x61, 0xFF]) == "a\u{FFFD}")
        #expect(dialogue.shown(String(repeating: "x", count: 5_000).utf8).count == 301)
        let login = MailStage.login
        for secret in [login.password, "\0\(login.user)\0\(login.password)"] {
            #expect(dialogue.shown("<\(secret)>".utf8).contains("***"))
            #expect(dialogue.shown("<\(Data(secret.utf8).base64EncodedString())>".utf8) == "<***>")
        }
    }
}
