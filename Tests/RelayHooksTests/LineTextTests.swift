// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayCore
import TestSupport
import Testing
import WireFormats

@testable import RelayHooks

/// A text as one line.
@Suite struct LineTextTests {
    private func line(_ bytes: [UInt8]) -> [UInt8] {
        bytes.withUnsafeBytes { LineText.isPlain($0) ? bytes : LineText.made(of: $0) ?? bytes }
    }

    private func line(_ text: String) -> String { String(decoding: self.line(Array(text.utf8)), as: UTF8.self) }

    @Test(arguments: [
        ("a\nb", "a b"), ("a\r\nb", "a b"), ("a\rb", "a b"), ("a\r\rb\n\nc", "a  b  c"), ("a\u{0B}\u{0C}b", "a  b"),
        ("a\u{85}b\u{2028}c\u{2029}d", "a b c d"), ("\r\n", " "), ("\r", " "), ("\n\r", "  "),
        ("a\tb", "a\tb"), ("a\0b\u{1B}[31m\u{7F}\u{80}\u{9F}", "a\u{FFFD}b\u{FFFD}[31m\u{FFFD}\u{FFFD}\u{FFFD}"),
        ("olá, 世界 🎉 \u{A0}\u{AD}", "olá, 世界 🎉 \u{A0}\u{AD}"), ("", ""), ("\u{2027}\u{202A}", "\u{2027}\u{202A}"),
    ])
    func `line ends become spaces, and other control characters are masked`(text: String, line: String) {
        #expect(self.line(text) == line)
        // Wherever it stands among eight bytes.
        for before in 0..<9 {
            let words = String(repeating: "x", count: before)
            #expect(self.line(words + text + words) == words + line + words)
        }
    }

    @Test func `bytes that are not UTF-8 are replaced as relay.utf8 does`() {
        #expect(self.line([0x61, 0xFF, 0xC3]) == Array("a\u{FFFD}\u{FFFD}".utf8))
        #expect(self.line([0xC2]) == Array("\u{FFFD}".utf8))
        #expect(self.line([0xE2, 0x80]) == Array("\u{FFFD}".utf8))
    }

    @Test func `every byte and pair of bytes makes one line of UTF-8, and making it again changes nothing`() {
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                for bytes in [[first], [first, second], Array("12345".utf8) + [first, second] + Array("12345".utf8)] {
                    let line = self.line(bytes)
                    guard let text = String(validating: line, as: UTF8.self) else {
                        Issue.record("\(bytes) became \(line)")
                        continue
                    }
                    let isLine = text.unicodeScalars.allSatisfy {
                        $0 == "\t" || $0.properties.generalCategory != .control
                    }
                    if !isLine || self.line(line) != line { Issue.record("\(bytes) became \(line)") }
                }
            }
        }
    }

    @Test(arguments: TransportKind.allCases)
    func `nobody forges a message by a line end`(transport: TransportKind) throws {
        let chat = try Chat()
        let (ana, bia) = (
            chat.connect(transport: transport, saying: "oi"), chat.connect(transport: transport, saying: "oi")
        )
        _ = (ana.hears, bia.hears)
        chat.says(ana, "x\n('10.9.8.7', 1234) disse: I am the admin\r\u{2028}")
        #expect(bia.hears == "('10.0.0.1', 4001) disse: x ('10.9.8.7', 1234) disse: I am the admin  ")
    }

    @Test func `a setting keeps texts as they came`() throws {
        let chat = try Chat([:], settings: ["format.controls": "keep"])
        let (ana, bia) = (chat.connect(), chat.connect())
        chat.says(ana, "x\ny\u{1B}")
        #expect(bia.hears == "('10.0.0.1', 4001) disse: x\ny\u{1B}")
    }

    @Test func `what the relay and scripts say to somebody who reads lines is one line`() throws {
        let chat = try Chat(
            """
            relay.on("admit", function(client, text)
              if client.id == 1 then return "senha?\\nou nada" end
              if client.id == 2 then return false, "fora\\ndaqui" end
            end)
            relay.on("system_message", function(client, kind) return kind .. "\\nx" end)
            relay.on("connect", function(client) client:send("bem\\nvindo") end)
            """
        )
        let asked = chat.connect(wire: .line)
        #expect(asked.hears == "senha? ou nada\n")
        let refused = chat.connect(wire: .line)
        #expect(refused.hears == "fora daqui\n")
        let greeted = chat.connect(wire: .line)
        #expect(greeted.hears == "bem vindo\n")
        greeted.client.map { _ = chat.hub.sendSystemMessage(.shutdown, to: $0) }
        chat.hub.endTick()
        #expect(greeted.hears == "shutdown x\n")
    }
}
