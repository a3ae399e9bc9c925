// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import TestSupport
import Testing

@testable import ChatClient

@Suite struct SplitterTests {
    private func texts(_ pieces: [[UInt8]], _ framing: ChatFraming = .lines, limit: Int = 100) -> [String] {
        var splitter = TextSplitter(framing, limit: limit)
        var texts: [String] = []
        for piece in pieces {
            splitter.append(piece)
            while let text = splitter.next() { texts.append(String(decoding: text, as: UTF8.self)) }
        }
        splitter.finish()
        while let text = splitter.next() { texts.append(String(decoding: text, as: UTF8.self)) }
        return texts
    }

    @Test func `lines are texts however they are split`() {
        let bytes = Array("um\r\n\ndois é\ntrês".utf8)
        for first in 0...bytes.count {
            for second in first...bytes.count {
                let pieces = [Array(bytes[..<first]), Array(bytes[first..<second]), Array(bytes[second...])]
                #expect(self.texts(pieces) == ["um", "", "dois é", "três"])
            }
        }
    }

    @Test func `a text that is too long comes in pieces, and no character is torn`() {
        #expect(self.texts([Array("aaaéééé\nb\n".utf8)], limit: 4) == ["aaa", "éé", "éé", "b"])
        #expect(self.texts([Array("aaaa\r".utf8), Array("\nb\n".utf8)], limit: 4) == ["aaaa", "b"])
        let long = String(repeating: "é", count: 1_000)
        let pieces = self.texts(Array(long.utf8).map { [$0] }, limit: 33)
        #expect(pieces.joined() == long)
        #expect(pieces.allSatisfy { $0.utf8.count <= 33 })
    }

    @Test func `raw, what arrives together is a text, but for half a character`() {
        let euro = Array("€".utf8)
        #expect(self.texts([Array("oi".utf8), Array("a\nb".utf8)], .raw) == ["oi", "a\nb"])
        #expect(self.texts([Array("x".utf8) + euro[..<1], Array(euro[1...])], .raw) == ["x", "€"])
        #expect(self.texts([Array("x".utf8) + euro[..<2]], .raw) == ["x", "\u{FFFD}"])
    }

    @Test func `nothing is lost of any bytes`() {
        var random = SplitMix64(seed: 3)
        for _ in 0..<300 {
            let bytes = (0..<200).map { _ in UInt8.random(in: 0...255, using: &random) }
            var splitter = TextSplitter(.raw, limit: Int.random(in: 1...40, using: &random))
            var all: [UInt8] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...60, using: &random))
                rest = rest.dropFirst(piece.count)
                splitter.append(Array(piece))
                while let text = splitter.next() { all += text }
            }
            splitter.finish()
            while let text = splitter.next() { all += text }
            #expect(all == bytes)
        }
    }

    private func lines(_ pieces: [[UInt8]], limit: Int) -> [InputSplitter.Line] {
        var splitter = InputSplitter(limit: limit)
        var lines = pieces.flatMap { splitter.take($0) }
        if let last = splitter.finish() { lines.append(last) }
        return lines
    }

    @Test func `input lines are whole or refused, however they are split`() {
        let bytes = Array("12345\r\n123456\n\n1234567890".utf8)
        let expected: [InputSplitter.Line] = [.text(Array("12345".utf8)), .tooLong(6), .text([]), .tooLong(10)]
        for first in 0...bytes.count {
            for second in first...bytes.count {
                let pieces = [Array(bytes[..<first]), Array(bytes[first..<second]), Array(bytes[second...])]
                #expect(self.lines(pieces, limit: 5) == expected)
            }
        }
    }
}
