// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import TestSupport
import Testing
import WireFormats

@Suite struct MessageDecoderSplitTests {
    @Test(arguments: [WireFormat.auto, .line, .raw, .length], 0..<100)
    func `reads that wait together are cut as if none had waited`(format: WireFormat, seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let reads = (0..<Int.random(in: 1...12, using: &random))
            .map { _ in
                let bytes = (0..<Int.random(in: 1...14, using: &random))
                    .map { _ in
                        Array("\n\r\0\0\0\u{3}abc".utf8).randomElement(using: &random) ?? 0
                    }
                return (bytes: bytes, comesLate: Int.random(in: 0..<4, using: &random) == 0)
            }
        var (waiting, other) = (Feed(format, limit: 10), Feed(format, limit: 10))
        waiting.readAhead(reads)
        for read in reads {
            if read.comesLate { other.fallsSilent() }
            other.read(read.bytes)
        }
        #expect(waiting.found == other.found, "\(reads)")
        #expect(waiting.decoder.waitingReads == 0)
        #expect(waiting.decoder.pendingBytes == other.decoder.pendingBytes)
    }

    private static let limit = 8

    private static let inputs = [
        "", "\n", "\r\n", "\r", "a", "a\n", "a\r\n", "a\r", "\r\r\n", "\n\n", "\r\n\r\n", "a\nb\n", "a\r\nb\r\nc",
        "a\rb\n", "12345678\n", "12345678\r\n", "12345678\r", "123456789\n", "123456789\r\n", "1234567\r\r\n",
        "12345678\r\r\n", "1234567890\nok\n", "12345678901234567890\r\nok\r\n", "a\u{0}b\n\u{0}\n", "oi, você\nçã\n",
        "\n\r\n12345678\n\n123456789\r\n\rx\r\n12345678901234567890\nend\npart", "one\ntwo\r\nthree\n\nfour",
    ]

    @Test(arguments: inputs)
    func `in line mode the messages are the same however the input is cut in two or three`(input: String) {
        let bytes = Array(input.utf8)
        let expected = lines(of: bytes, limit: Self.limit)
        for first in 0...bytes.count {
            for second in first...bytes.count {
                var feed = Feed(.line, limit: Self.limit)
                for piece in [bytes[..<first], bytes[first..<second], bytes[second...]] { feed.read(piece) }
                #expect(feed.takeFound() == expected, "cut at \(first) and \(second)")
                #expect(feed.mostPending <= Self.limit + 1)
            }
        }
    }

    @Test(arguments: inputs)
    func `in line mode the messages are the same byte by byte`(input: String) {
        let bytes = Array(input.utf8)
        var feed = Feed(.line, limit: Self.limit)
        for byte in bytes { feed.read([byte]) }
        #expect(feed.takeFound() == lines(of: bytes, limit: Self.limit))
    }

    @Test(arguments: inputs)
    func `in auto mode, once line-framed, the messages are the same however the rest is cut`(input: String) {
        let bytes = Array(input.utf8)
        let expected = lines(of: bytes, limit: Self.limit)
        for first in 0...bytes.count {
            for second in first...bytes.count {
                var feed = Feed(.auto, limit: Self.limit)
                feed.read("hi\n".utf8 + bytes[..<first])
                feed.read(bytes[first..<second])
                feed.read(bytes[second...])
                #expect(
                    feed.takeFound() == [.encodingChanged, .message("hi")] + expected,
                    "cut at \(first) and \(second)"
                )
            }
        }
        var feed = Feed(.auto, limit: Self.limit)
        feed.read("\n")
        for byte in bytes { feed.read([byte]) }
        #expect(feed.takeFound() == [.encodingChanged] + expected)
    }

    @Test(arguments: inputs)
    func `in raw mode the messages are the pieces, and together they are the input`(input: String) {
        let bytes = Array(input.utf8)
        for cut in 0...bytes.count {
            var feed = Feed(.raw, limit: Self.limit)
            feed.read(bytes[..<cut])
            feed.read(bytes[cut...])
            var together: [UInt8] = []
            for found in feed.takeFound() {
                guard case .message(let text) = found else {
                    Issue.record("\(found) in raw mode")
                    continue
                }
                #expect(!text.isEmpty && text.count <= Self.limit)
                together += text
            }
            #expect(together == bytes)
        }
    }

    @Test(arguments: 0..<200)
    func `random bytes in random pieces are the lines of the slow way`(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        let limit = Int.random(in: 1...20, using: &random)
        let bytes = Self.randomBytes(using: &random)
        var feed = Feed(.line, limit: limit)
        for piece in Self.pieces(of: bytes, using: &random) { feed.read(piece) }
        #expect(feed.takeFound() == lines(of: bytes, limit: limit), "limit \(limit), \(bytes)")
        #expect(feed.mostPending <= limit + 1)
    }

    @Test(arguments: 0..<200)
    func `in auto mode random reads are messages up to the first newline, and lines from there on`(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        let bytes = Self.randomBytes(using: &random)
        var feed = Feed(.auto, limit: bytes.count + 1)
        let pieces = Self.pieces(of: bytes, using: &random)
        for piece in pieces { feed.read(piece) }
        let whole = pieces.prefix { !$0.contains(0x0A) }
        var expected = whole.map { Found.message($0) }
        let rest = Array(bytes.dropFirst(whole.joined().count))
        if !rest.isEmpty { expected += [.encodingChanged] + lines(of: rest, limit: bytes.count + 1) }
        #expect(feed.takeFound() == expected, "\(pieces)")
    }

    @Test(arguments: 0..<200)
    func `with silences at random, no message is empty or over the limit, and no text is made up`(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        let limit = Int.random(in: 1...20, using: &random)
        let bytes = Self.randomBytes(using: &random)
        var feed = Feed(.auto, limit: limit)
        for piece in Self.pieces(of: bytes, using: &random) {
            feed.read(piece)
            if Int.random(in: 0..<4, using: &random) == 0 {
                feed.fallsSilent()
                #expect(!feed.decoder.awaitsSilence)
            }
        }
        feed.fallsSilent()
        var from = 0
        for case .message(let text) in feed.takeFound() {
            #expect(!text.isEmpty && text.count <= limit, "limit \(limit), \(bytes)")
            let start = (from...bytes.count).first { bytes[$0...].starts(with: text) }
            #expect(start != nil, "a message that is not in the input, or out of order")
            from = (start ?? from) + text.count
        }
    }

    /// Bytes with many line ends and long stretches without.
    private static func randomBytes(using random: inout SplitMix64) -> [UInt8] {
        let rarity = Int.random(in: 2...40, using: &random)
        return (0..<Int.random(in: 1...400, using: &random))
            .map { _ in
                switch Int.random(in: 0..<rarity, using: &random) {
                case 0: 0x0A
                case 1: 0x0D
                default: UInt8.random(in: 0...255, using: &random)
                }
            }
    }

    private static func pieces(of bytes: [UInt8], using random: inout SplitMix64) -> [[UInt8]] {
        let longest = Int.random(in: 1...50, using: &random)
        var pieces: [[UInt8]] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + Int.random(in: 1...longest, using: &random))
            pieces.append(Array(bytes[start..<end]))
            start = end
        }
        return pieces
    }
}
