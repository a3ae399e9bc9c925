// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import TestSupport
import Testing

@testable import MailAlerts

/// What Python's parser reads in our mails is what was put in.
@Suite struct CompositionTests {
    /// A mail and what is to be read in it.
    private struct Expected: Encodable {
        var subject: String
        var to: [[String]]
        var from: [String]
        var date: Double
        var fields: [String: String]
        var text: String
        var html: String?
    }

    /// Texts that encoders stumble over.
    private static let texts = [
        "", "\n", "\n\n\n", "a", "a\n", "a\n\n", ".", ".\n", "..\n.\n", "From me\n", "x\nFrom you\n", ">From\n", " ",
        "trailing \n", "tab\t\n",
        "\t", "=", "a=b\n", "=3D\n", "\r", "a\rb\n", "\r\n", "a\r\nb\r\n", "\n\r", "\0", "a\0b\n", "\u{7F}\u{1B}[31m\n",
        "olá, mundo\n",
        "\u{FEFF}BOM\n", "👩‍👩‍👧‍👦 🇧🇷\n", "e\u{301}\n", "\u{2028}\u{2029}\u{85}\u{0B}\u{0C}\u{1C}\n", "--=_x--\n",
        "\u{10FFFF}\u{FFFD}\n",
        String(repeating: "a", count: 75), String(repeating: "a", count: 76) + "\n",
        String(repeating: "a", count: 77) + "\n",
        String(repeating: "a", count: 75) + " \n", String(repeating: "a", count: 74) + "é\n",
        String(repeating: "x", count: 5_000),
        String(repeating: "👍", count: 1_000) + "\n", String(repeating: " ", count: 300) + "\n",
        String(repeating: ".\n", count: 100),
        String(repeating: "From ", count: 50),
        String(decoding: [0x61, 0xFF, 0xC3, 0x28, 0xED, 0xA0, 0x80, 0x62], as: UTF8.self),
    ]

    private static let subjects = [
        "", "Lenta", "Relay is slow: 120 ms", "Olá", "=?utf-8?B?T2k=?=", "a =?x?= b", "two  spaces", " leading",
        "trailing ", "tab\there", "\u{1B}[2J",
        "👩‍👩‍👧‍👦", String(repeating: "a", count: 69), String(repeating: "a", count: 70),
        String(repeating: "word ", count: 60) + "end",
        String(repeating: "ç", count: 300), String(repeating: "👩‍👩‍👧‍👦", count: 30),
        "e" + String(repeating: "\u{301}", count: 200), "\"quoted\" (x) <y> ,;",
    ]

    private static func random(_ random: inout SplitMix64, longest: Int, alphabet: [Unicode.Scalar]) -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...longest, using: &random) {
            alphabet.randomElement(using: &random).map { text.append($0) }
        }
        return String(text)
    }

    private static let alphabet = Array(
        "aZ09 .=?_-<>@\"\\(),:;\t\réß漢👍\u{301}\u{200D}\u{7F}\u{1B}\u{80}\u{2028}\u{10FFFF}F".unicodeScalars
    )

    @Test func `what Python reads in a mail is what was put into it`() async throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        var random = SplitMix64(seed: 5_322)
        var count = 0
        func write(_ draft: MailDraft, from: MailAddress, follows: [String] = []) throws {
            let date = Date(timeIntervalSince1970: Double(Int.random(in: 0..<4_000_000_000, using: &random)))
            let messageID = MailMessage.makeID(for: from)
            let bytes = MailMessage.compose(
                draft,
                .init(from: from, date: date, messageID: messageID, follows: follows)
            )
            var fields = ["Message-ID": messageID, "Auto-Submitted": "auto-generated", "MIME-Version": "1.0"]
            fields["In-Reply-To"] = follows.last
            if !follows.isEmpty { fields["References"] = follows.joined(separator: " ") }
            let expected = Expected(
                subject: draft.subject,
                to: draft.to.map { [$0.name ?? "", $0.mailbox] },
                from: [from.name ?? "", from.mailbox],
                date: date.timeIntervalSince1970,
                fields: fields,
                text: draft.text,
                html: draft.html
            )
            try Data(bytes).write(to: URL(fileURLWithPath: "\(folder.path)/\(count).eml"))
            try JSONEncoder().encode(expected).write(to: URL(fileURLWithPath: "\(folder.path)/\(count).json"))
            count += 1
        }
        let plain = try MailAddress("luar@example.com")
        for text in Self.texts {
            try write(MailDraft(to: [plain], subject: "x", text: text), from: plain)
            try write(MailDraft(to: [plain], subject: "x", text: text, html: "<p>\(text)"), from: plain)
        }
        for subject in Self.subjects { try write(MailDraft(to: [plain], subject: subject, text: "x\n"), from: plain) }
        let names = [
            "Ana", "Ana Sá", "\"Ana B. (x)\"", "\"a \\\"b\\\" \\\\ c\"", String(repeating: "Ana ", count: 10) + "Sá",
            String(repeating: "Ana ", count: 14) + "Sa", "=?utf-8?Q?x?=", "名前",
        ]
        let people = try names.map { try MailAddress("\($0) <ana.\($0.utf8.count)@example.com>") }
        for person in people { try write(MailDraft(to: people + [plain], subject: "x", text: "x\n"), from: person) }
        let ids = (0..<3).map { _ in MailMessage.makeID(for: plain) }
        try write(MailDraft(to: [plain], subject: "x", text: "x\n"), from: plain, follows: [ids[0]])
        try write(MailDraft(to: [plain], subject: "x", text: "x\n"), from: plain, follows: ids)
        for _ in 0..<600 {
            let subject = Self.random(&random, longest: 120, alphabet: Self.alphabet.filter { $0 != "\r" })
            let text = Self.random(&random, longest: 400, alphabet: Self.alphabet + ["\n", "\n", "a", " "])
            let html = Bool.random(using: &random) ? Self.random(&random, longest: 200, alphabet: Self.alphabet) : nil
            try write(
                MailDraft(to: people.shuffled(using: &random), subject: subject, text: text, html: html),
                from: plain
            )
        }
        let script = "\(LiveMailServer.scripts)/parse_mails.py"
        try await Python.run([script, folder.path]) { program in
            let code = try program.exitCode()
            #expect(code == 0, "\(program.error)")
            #expect(program.output == "read \(count)\n", "\(program.output.prefix(4_000))")
        }
    }

    @Test func `an encoded word never ends within a character that readers see as one`() {
        let family = "👩‍👩‍👧‍👦"
        for word in EncodedWords.of(String(repeating: family, count: 20), firstColumn: 9) {
            let data = Data(base64Encoded: String(word.dropFirst(10).dropLast(2))) ?? Data()
            #expect(String(decoding: data, as: UTF8.self).replacingOccurrences(of: family, with: "").isEmpty, "\(word)")
        }
    }

    @Test func `Message-IDs are unique`() throws {
        let from = try MailAddress("luar@example.com")
        #expect(Set((0..<10_000).map { _ in MailMessage.makeID(for: from) }).count == 10_000)
    }

    @Test(arguments: ["\r", "\n", "\0", "\r\nBcc: eve@example.com"])
    func `line breaks and NUL are refused in every header and address`(_ attack: String) throws {
        let ana = try MailAddress("ana@example.com")
        #expect(throws: MailRefusal.self) { try MailDraft(to: [ana], subject: "x\(attack)y", text: "") }
        #expect(throws: MailRefusal.self) { try MailDraft(to: [ana], subject: "", text: "", label: "x\(attack)") }
        #expect(throws: MailRefusal.self) { try MailDraft(to: [ana], subject: "", text: "", incident: "\(attack)x") }
        for address in [
            "ana@example.com\(attack)", "ana\(attack)@example.com", "\(attack)ana@example.com",
            "ana@exa\(attack)mple.com",
            "Ana\(attack) <ana@example.com>", "Ana <ana@example.com\(attack)>", "\"Ana\(attack)\" <ana@example.com>",
        ] {
            #expect(throws: MailRefusal.self) { try MailAddress(address) }
        }
    }

    @Test(arguments: [
        "", "ana", "@example.com", "ana@", "a b@example.com", "ana@@example.com", "ana@exa mple.com", "ana@-x.com",
        "ana@example..com",
        ".ana@example.com", "ana.@example.com", "a..b@example.com", "<ana@example.com",
        "\(String(repeating: "a", count: 61)) <ana@example.com>",
        "\(String(repeating: "é", count: 23)) <ana@example.com>", "ana@example.com>", "Ana ana@example.com",
        "Ana <ana>",
        "\"Ana <ana@example.com>", "ána@example.com", "ana@exämple.com", "ana@example.com, bia@example.com",
        "Ana <<ana@example.com>",
        "\"ana\"@example.com", "ana@[127.0.0.1]", "ana@example.com.", "<>",
    ])
    func `what is no address is refused`(_ text: String) {
        #expect(throws: MailRefusal.self) { try MailAddress(text) }
    }

    @Test func `addresses are read and shown`() throws {
        #expect(try MailAddress(" ana@example.com ").mailbox == "ana@example.com")
        #expect(try MailAddress("<ana@example.com>").name == nil)
        let ana = try MailAddress("\"Sá, Ana \\\"x\\\"\" <ana+x@example.com>")
        #expect(ana.name == "Sá, Ana \"x\"" && ana.mailbox == "ana+x@example.com")
        #expect(try MailAddress(ana.description) == ana)
    }
}
