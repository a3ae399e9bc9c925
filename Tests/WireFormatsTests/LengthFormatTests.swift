// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import TestSupport
import Testing

@testable import WireFormats

/// A text behind its length.
private func frame(_ text: some Collection<UInt8>) -> [UInt8] {
    let length = UInt32(text.count)
    return [UInt8(length >> 24), UInt8(length >> 16 & 0xFF), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF)] + text
}

private func frame(_ text: String) -> [UInt8] { frame(Array(text.utf8)) }

/// The texts of frames, the slow way.
private func frames(of bytes: [UInt8], limit: Int) -> [Found] {
    var found: [Found] = []
    var rest = bytes[...]
    while rest.count >= 4 {
        let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        rest = rest.dropFirst(4)
        if length > limit {
            found.append(.tooLong)
        } else if length > 0 {
            guard rest.count >= length else { break }
            found.append(.message(Array(rest.prefix(length))))
        }
        rest = rest.dropFirst(length)
    }
    return found
}

/// The wire format in which each text comes behind its length.
@Suite struct LengthFormatTests {
    private static let limit = 8

    @Test func `each frame is a text, whatever is in it`() {
        var feed = Feed(.length)
        #expect(feed.decoder.encoding == .length)
        feed.read(frame("one") + frame("two\nlines\r\n") + frame([0x00, 0xFF, 0x0A, 0x00, 0x00, 0x00, 0x01]))
        #expect(
            feed.takeFound() == [
                .message("one"), .message("two\nlines\r\n"), .message([0x00, 0xFF, 0x0A, 0x00, 0x00, 0x00, 0x01]),
            ]
        )
        #expect(feed.decoder.pendingBytes == 0 && feed.storageBytes == 0)
    }

    @Test func `an empty frame is no text`() {
        var feed = Feed(.length)
        feed.read(frame("") + frame("") + frame("a") + frame(""))
        #expect(feed.takeFound() == [.message("a")])
        #expect(feed.decoder.pendingBytes == 0)
    }

    @Test func `the most significant byte of a length comes first`() {
        var feed = Feed(.length, limit: 70_000)
        let text = [UInt8](repeating: 0x78, count: 0x01_02_03)
        feed.read([0x00, 0x01, 0x02, 0x03] + text)
        #expect(feed.takeFound() == [.message(text)])
    }

    private static let inputs: [[UInt8]] = [
        [], frame(""), frame("a"), frame("12345678"), frame("123456789"), frame("a") + frame("") + frame("b\nc"),
        frame("123456789") + frame("ok"), frame("") + frame("1234567890123456") + frame("") + frame("end"),
        frame("12345678") + frame("12345678"), frame("ab") + [0, 0, 0], frame("ab") + [0, 0, 0, 3, 0x78, 0x78],
        [0xFF, 0xFF, 0xFF, 0xFF, 0x78, 0x78], frame("123456789") + frame("123456789") + frame("1"),
    ]

    @Test(arguments: inputs)
    func `the texts are the same however the input is cut in two or three`(bytes: [UInt8]) {
        let expected = frames(of: bytes, limit: Self.limit)
        for first in 0...bytes.count {
            for second in first...bytes.count {
                var feed = Feed(.length, limit: Self.limit)
                for piece in [bytes[..<first], bytes[first..<second], bytes[second...]] { feed.read(piece) }
                #expect(feed.takeFound() == expected, "cut at \(first) and \(second)")
                #expect(feed.mostPending < 4 + Self.limit)
            }
        }
    }

    @Test(arguments: inputs)
    func `the texts are the same byte by byte`(bytes: [UInt8]) {
        var feed = Feed(.length, limit: Self.limit)
        for byte in bytes { feed.read([byte]) }
        #expect(feed.takeFound() == frames(of: bytes, limit: Self.limit))
    }

    @Test(arguments: 0..<200)
    func `random frames in random pieces are the texts of the slow way`(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        let limit = Int.random(in: 1...20, using: &random)
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 1...40, using: &random) {
            let count = Int.random(in: 0...limit + 4, using: &random)
            bytes += frame((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
        }
        bytes.removeLast(Int.random(in: 0...4, using: &random))
        var feed = Feed(.length, limit: limit)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...30, using: &random)
            feed.read(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
            if Int.random(in: 0..<4, using: &random) == 0 { feed.fallsSilent() }
        }
        #expect(feed.takeFound() == frames(of: bytes, limit: limit), "limit \(limit), \(bytes)")
    }

    @Test func `a partial frame is no text, neither after silence nor at the end of input`() {
        for partial in [[0], [0, 0, 0], [0, 0, 0, 3], [0, 0, 0, 3, 0x78, 0x78]] as [[UInt8]] {
            var feed = Feed(.length)
            feed.read(frame("a") + partial)
            #expect(!feed.decoder.awaitsSilence)
            feed.fallsSilent()
            feed.fallsSilent()
            #expect(feed.takeFound() == [.message("a")])
        }
    }

    @Test func `after silence a frame goes on`() {
        var feed = Feed(.length)
        feed.read([0, 0, 0, 2, 0x61])
        feed.fallsSilent()
        feed.read([0x62])
        #expect(feed.takeFound() == [.message("ab")])
    }

    @Test func `the bytes of a text over the limit are not kept, whatever length is declared`() {
        let limit = 64 << 10
        let read = [UInt8](repeating: 0x78, count: 64 << 10)
        var feed = Feed(.length, limit: limit)
        feed.read([0x04, 0x00, 0x00, 0x00])
        #expect(feed.takeFound() == [.tooLong])
        for _ in 0..<1_024 {
            feed.read(read)
            // A decoder that took these bytes for frames would find millions.
            guard feed.found.isEmpty, feed.storageBytes == 0, feed.decoder.pendingBytes == 0 else { break }
        }
        #expect(feed.takeFound().isEmpty && feed.storageBytes == 0 && feed.decoder.pendingBytes == 0)
        feed.read(frame("next"))
        #expect(feed.takeFound() == [.message("next")])
        feed.read([0xFF, 0xFF, 0xFF, 0xFF] + frame("within"))
        #expect(feed.takeFound() == [.tooLong])
    }

    @Test func `little more than a partial frame is kept between reads`() {
        var feed = Feed(.length)
        feed.read(frame(String(repeating: "x", count: 900)) + [0, 0, 1])
        #expect(feed.storageBytes <= 64 && feed.decoder.pendingBytes == 3)
    }
}
