// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayCore
import Testing

@testable import WireFormats

@Suite struct MessageDecoderLimitTests {
    private static let limit = 10
    private static let exact = "0123456789"

    @Test(arguments: ["\n", "\r\n"])
    func `a line of exactly the limit is a message, with either ending and in any pieces`(ending: String) {
        let bytes = Array((Self.exact + ending + "next" + ending).utf8)
        for cut in 0...bytes.count {
            var feed = Feed(.line, limit: Self.limit)
            feed.read(bytes[..<cut])
            feed.read(bytes[cut...])
            #expect(feed.takeFound() == [.message(Self.exact), .message("next")], "cut at \(cut)")
        }
    }

    @Test(arguments: ["\n", "\r\n"])
    func `a line over the limit is too long once, and the lines after it arrive`(ending: String) {
        for excess in ["x", "\r", "xx", "x\r", "\r\r", "\rx", String(repeating: "x", count: 50)] {
            let bytes = Array(("a" + ending + Self.exact + excess + ending + "b" + ending).utf8)
            // A return more is part of the end of a line that has none.
            guard !(excess == "\r" && ending == "\n") else { continue }
            for cut in 0...bytes.count {
                var feed = Feed(.line, limit: Self.limit)
                feed.read(bytes[..<cut])
                feed.read(bytes[cut...])
                #expect(feed.takeFound() == [.message("a"), .tooLong, .message("b")], "\(excess) cut at \(cut)")
            }
        }
    }

    @Test func `two long lines in a row are too long each`() {
        var feed = Feed(.line, limit: Self.limit)
        feed.read(Self.exact + Self.exact)
        feed.read(Self.exact + "\n" + Self.exact + "x\n" + Self.exact)
        feed.read(Self.exact)
        #expect(feed.takeFound() == [.tooLong, .tooLong, .tooLong])
        feed.read("\n\nok\n")
        #expect(feed.takeFound() == [.message("ok")])
    }

    @Test func `a raw read longer than the limit is cut`() {
        var feed = Feed(.raw, limit: Self.limit)
        feed.read(Self.exact)
        #expect(feed.takeFound() == [.message(Self.exact)])
        feed.read(Self.exact + Self.exact + "x\n")
        #expect(feed.takeFound() == [.message(Self.exact), .message(Self.exact), .message("x\n")])
    }

    @Test
    func `in auto mode a read without a newline is cut at the limit, and a newline behind the cut decides from there`()
    {
        var feed = Feed(.auto, limit: Self.limit)
        feed.read(Self.exact + "x")
        #expect(feed.takeFound() == [.message(Self.exact), .message("x")])
        feed.read(Self.exact + "yz\nline\n")
        #expect(feed.takeFound() == [.message(Self.exact), .encodingChanged, .message("yz"), .message("line")])
    }

    @Test(arguments: ["\n", "\r\n"])
    func `in auto mode a first line of exactly the limit is one message`(ending: String) {
        var feed = Feed(.auto, limit: Self.limit)
        feed.read(Self.exact + ending)
        #expect(feed.takeFound().filter { $0 != .encodingChanged } == [.message(Self.exact)])
        #expect(feed.decoder.encoding == .line)
    }

    @Test func `a finished line is never longer than the limit`() {
        for (text, expected) in [
            (Self.exact, Found.message(Self.exact)), (Self.exact + "\r", .message(Self.exact)),
            (Self.exact + "x", .tooLong),
        ] {
            var feed = Feed(.auto, limit: Self.limit)
            feed.read("\n" + text)
            #expect(feed.takeFound() == [.encodingChanged])
            feed.fallsSilent()
            #expect(feed.takeFound() == [expected])
            feed.read("\nnext\n")
            #expect(feed.takeFound() == [.message("next")])
        }
    }

    @Test func `a line that is too long already is not reported again when it is finished`() {
        var feed = Feed(.auto, limit: Self.limit)
        feed.read("\n" + Self.exact + Self.exact)
        #expect(feed.takeFound() == [.encodingChanged, .tooLong])
        #expect(feed.decoder.awaitsSilence)
        feed.fallsSilent()
        #expect(feed.takeFound() == [])
        #expect(!feed.decoder.awaitsSilence)
    }

    @Test func `a line of 64 MiB without an end keeps the memory of one read and is too long once`() {
        let limit = 64 << 10
        let read = [UInt8](repeating: 0x78, count: 64 << 10)
        for mode in [WireFormat.line, .auto] {
            var feed = Feed(mode, limit: limit)
            if mode == .auto { feed.read("\n") }
            _ = feed.takeFound()
            var mostStorage = 0
            for _ in 0..<1_024 {
                feed.read(read)
                mostStorage = max(mostStorage, feed.storageBytes)
            }
            #expect(feed.takeFound() == [.tooLong])
            #expect(feed.mostPending <= limit + 1)
            #expect(mostStorage <= 4 * limit)
            feed.read("\nnext\n")
            #expect(feed.takeFound() == [.message("next")])
        }
    }

    @Test func `memory stays bounded when each read ends within a line`() {
        var feed = Feed(.line, limit: 100)
        let read = [UInt8](repeating: 0x78, count: 50) + [0x0A] + [UInt8](repeating: 0x79, count: 49)
        for _ in 0..<10_000 {
            feed.read(read)
        }
        #expect(feed.found.count == 10_000)
        #expect(feed.storageBytes <= 1_024)
    }

    @Test func `memory stays bounded when input is never used up, as with a client whose messages take long to decide`()
    {
        var decoder = MessageDecoder(.line, limit: 1_000)
        let batch = TextBatch()
        let line = [UInt8](repeating: 0x78, count: 999) + [0x0A]
        line.withUnsafeBytes { decoder.begin($0) }
        decoder.keepRest()
        for _ in 0..<10_000 {
            line.withUnsafeBytes { decoder.begin($0) }
            decoder.advance(to: decoder.cut(atMost: 64, into: batch) { #expect(batch.next() == .text(0..<999)) })
            decoder.keepRest()
            #expect(decoder.pendingBytes == 1_000)
        }
        #expect(decoder.storageBytes <= 64 << 10)
    }
}
