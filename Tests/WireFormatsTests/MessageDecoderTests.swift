// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Testing
import WireFormats

@Suite struct MessageDecoderTests {
    @Test func `in line mode each line is a message, with either ending`() {
        var feed = Feed(.line)
        #expect(feed.decoder.encoding == .line)
        feed.read("one\ntwo\r\nthr")
        #expect(feed.takeFound() == [.message("one"), .message("two")])
        #expect(feed.decoder.pendingBytes == 3)
        feed.read("ee\n")
        #expect(feed.takeFound() == [.message("three")])
        #expect(feed.decoder.pendingBytes == 0)
    }

    @Test func `in raw mode each read is a message as it is`() {
        var feed = Feed(.raw)
        for text in ["one\ntwo\r\n", "\n", "\r", "x", " "] {
            feed.read(text)
            #expect(feed.takeFound() == [.message(text)])
        }
        #expect(feed.decoder.encoding == .raw)
        #expect(!feed.decoder.awaitsSilence)
        feed.fallsSilent()
        #expect(feed.found == [])
    }

    @Test func `in auto mode each read is a message until the first newline, and each line from there on`() {
        var feed = Feed(.auto)
        feed.read("one")
        feed.read("two\r")
        #expect(feed.decoder.encoding == .raw)
        #expect(feed.takeFound() == [.message("one"), .message("two\r")])
        feed.read("three\nfour\r\nfi")
        #expect(feed.takeFound() == [.encodingChanged, .message("three"), .message("four")])
        #expect(feed.decoder.encoding == .line)
        feed.read("ve")
        #expect(feed.takeFound() == [])
        feed.read("\nsix\n")
        #expect(feed.takeFound() == [.message("five"), .message("six")])
    }

    @Test func `in auto mode a newline alone makes the connection line-framed and is no message`() {
        var feed = Feed(.auto)
        feed.read("\n")
        feed.read("one")
        #expect(feed.takeFound() == [.encodingChanged])
        feed.read("\n")
        #expect(feed.takeFound() == [.message("one")])
    }

    @Test(arguments: [WireFormat.line, .auto])
    func `empty lines are no messages`(mode: WireFormat) {
        var feed = Feed(mode)
        feed.read("\n\r\n\n")
        feed.read("\r")
        feed.read("\n\n a\n\n\r\nb\n")
        #expect(feed.takeFound().filter { $0 != .encodingChanged } == [.message(" a"), .message("b")])
    }

    @Test(arguments: WireFormat.allCases)
    func `an empty read changes nothing`(mode: WireFormat) {
        var feed = Feed(mode)
        feed.read("")
        #expect(feed.takeFound() == [])
        feed.read("a\nb")
        let before = feed.decoder.pendingBytes
        _ = feed.takeFound()
        feed.read("")
        #expect(feed.takeFound() == [])
        #expect(feed.decoder.pendingBytes == before)
    }

    @Test func `only one return before the newline belongs to the line's end; any other is text`() {
        var feed = Feed(.line)
        feed.read("a\rb\n\rc\nd\r\r\n\r\r\n\re\r\n")
        #expect(
            feed.takeFound() == [
                .message("a\rb"), .message("\rc"), .message("d\r"), .message("\r"), .message("\re"),
            ]
        )
    }

    @Test(arguments: [WireFormat.auto, .line, .raw])
    func `any bytes but the newline are text`(mode: WireFormat) {
        var feed = Feed(mode)
        let text: [UInt8] = [0x00, 0xFF, 0xFE, 0xC3, 0x28, 0x00, 0x80, 0x0D, 0x00]
        feed.read(text + (mode == .raw ? [] : [0x0A]))
        #expect(feed.takeFound().filter { $0 != .encodingChanged } == [.message(text)])
        let all = (0...255).map(UInt8.init).filter { $0 != 0x0A }
        feed.read(all + (mode == .raw ? [] : [0x0A]))
        #expect(feed.takeFound() == [.message(all)])
    }

    @Test func `in auto mode an unfinished line is a message once finished; in line mode it is none`() {
        var auto = Feed(.auto)
        auto.read("one\ntwo")
        #expect(auto.takeFound() == [.encodingChanged, .message("one")])
        #expect(auto.decoder.awaitsSilence)
        auto.fallsSilent()
        #expect(auto.takeFound() == [.message("two")])
        #expect(!auto.decoder.awaitsSilence)
        auto.fallsSilent()
        #expect(auto.takeFound() == [])
        auto.read("\nthree\n")
        #expect(auto.takeFound() == [.message("three")], "the late end of a finished line is no message")

        var line = Feed(.line)
        line.read("one\ntwo")
        #expect(line.takeFound() == [.message("one")])
        #expect(!line.decoder.awaitsSilence)
        line.fallsSilent()
        #expect(line.takeFound() == [])
        line.read("three\n")
        #expect(line.takeFound() == [.message("twothree")])
    }

    @Test func `a finished line loses the return that would have begun its end, and a return alone is no message`() {
        var feed = Feed(.auto)
        feed.read("\none\r")
        feed.fallsSilent()
        feed.read("\n\r")
        #expect(feed.decoder.awaitsSilence)
        feed.fallsSilent()
        #expect(!feed.decoder.awaitsSilence)
        feed.read("\ntwo\r\r")
        feed.fallsSilent()
        #expect(feed.takeFound() == [.encodingChanged, .message("one"), .message("two\r")])
    }

    @Test func `before the first newline there is no partial line`() {
        var feed = Feed(.auto)
        feed.read("one")
        #expect(!feed.decoder.awaitsSilence)
        feed.fallsSilent()
        #expect(feed.takeFound() == [.message("one")])
    }

    @Test func `little more than an unfinished line is kept between reads`() {
        var feed = Feed(.auto)
        #expect(feed.storageBytes == 0)
        feed.read(String(repeating: "x", count: 900) + "\n" + String(repeating: "y", count: 500) + "\npart")
        _ = feed.takeFound()
        #expect(feed.storageBytes <= 64)
        #expect(feed.decoder.pendingBytes == 4)
        feed.read("ial\nnext\n")
        #expect(feed.takeFound() == [.message("partial"), .message("next")])
        #expect(feed.decoder.pendingBytes == 0)
        #expect(feed.storageBytes == 0)
        feed.read("a")
        feed.read(String(repeating: "b", count: 800) + "\nc")
        #expect(feed.takeFound().count == 1)
        #expect(feed.storageBytes <= 66)
    }
}
