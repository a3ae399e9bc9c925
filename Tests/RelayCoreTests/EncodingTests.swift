// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayCore
import Testing
import WireFormats

@Suite struct EncodingTests {
    @Test(arguments: [
        ("oi", "oi\n"), ("", "\n"), ("a\nb", "a b\n"), ("a\r\nb", "a b\n"), ("a\rb", "a b\n"),
        ("a\n\nb", "a  b\n"), ("a\r\r\nb", "a  b\n"), ("a\n\rb", "a  b\n"), ("\na", " a\n"), ("a\n", "a \n"),
        ("a\r\n", "a \n"), ("a\r", "a \n"), ("\n", " \n"), ("\r\n\r\n", "  \n"), ("a\r\nb\rc\nd", "a b c d\n"),
    ])
    func `the line encoding joins the lines of a text and ends it with a newline`(text: String, wire: String) throws {
        let stage = Stage()
        let ana = try stage.join("ana", wire: .line)
        let bia = try stage.join("bia", wire: .line)
        ana.isTold("<")
        stage.sends(text, to: .everyone)
        ana.isTold(text)
        ana.isTold(">")
        stage.endTick()
        #expect(ana.ear.events == [.wrote("<\n" + wire + wire + ">\n")])
        #expect(bia.ear.events == [.wrote(wire)])
    }

    @Test func `the raw encoding sends the exact bytes`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        let bytes: [UInt8] = [0x0D, 0x0A, 0x00, 0xFF, 0x0A, 0xC3, 0x0D]
        #expect(bytes.withUnsafeBytes { stage.hub.send($0, to: .everyone, from: nil) } == 1)
        #expect(bytes.withUnsafeBytes { stage.hub.send($0, to: ana.client) })
        stage.endTick()
        #expect(ana.ear.events == [.wrote(bytes + bytes)])
    }

    @Test func `a change of encoding in the middle of a tick counts from the next text on`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        let bia = try stage.join("bia")
        let caio = try stage.join("caio")
        ana.says("1")
        bia.isTold("2")
        bia.frames(.line)
        ana.says("3")
        bia.isTold("4\n5")
        bia.frames(.raw)
        ana.says("6")
        bia.frames(.line)
        ana.says("7")
        stage.endTick()
        #expect(bia.hears() == ["123\n4 5\n67\n"])
        #expect(caio.hears() == ["1367"])
        #expect(bia.client.wire == .line)
        ana.says("8")
        stage.endTick()
        #expect(bia.hears() == ["8\n"])
    }

    @Test func `a change of dialect counts from the next text on, and one text reads differently to each`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        let bia = try stage.join("bia")
        let caio = try stage.join("caio")
        let texts = FormattedTexts()
        let loud = try #require(stage.hub.dialect("loud"))
        texts.set("oi ", for: .plain)
        texts.set("OI! ", for: loud)
        #expect(stage.hub.deliver(texts, to: .others, from: ana.client).recipients == 2)
        bia.speaks("loud")
        #expect(bia.client.dialect == loud)
        #expect(stage.hub.deliver(texts, to: .others, from: ana.client).recipients == 2)
        #expect(stage.hub.deliver(texts, to: .only([bia.id, caio.id]), from: ana.client).recipients == 2)
        bia.speaks("plain")
        #expect(stage.hub.deliver(texts, to: .others, from: ana.client).recipients == 2)
        stage.endTick()
        #expect(bia.hears() == ["oi OI! OI! oi "])
        #expect(caio.hears() == ["oi oi oi oi "])
        #expect(ana.hears() == [])
    }

    @Test func `the only member of a room may change its encoding and still be heard there`() throws {
        let stage = Stage()
        let ana = try stage.join("ana", room: "north")
        ana.frames(.line)
        ana.speaks("loud")
        #expect(stage.hub.clients(in: "north").map(\.id) == [ana.id])
        let bia = try stage.join("bia", room: "north")
        bia.says("oi")
        stage.endTick()
        #expect(ana.hears() == ["oi\n"])
    }

    @Test func `dialects have names, plain is the first, and a name is numbered once`() throws {
        let stage = Stage()
        let loud = try #require(stage.hub.dialect("loud"))
        #expect(stage.hub.dialect("plain") == .plain)
        #expect(stage.hub.dialect("loud") == loud)
        #expect(loud != .plain)
        #expect(stage.hub.name(of: .plain).string == "plain")
        #expect(stage.hub.name(of: loud).string == "loud")
    }

    @Test func `those who use a dialect whose text is withheld get nothing and do not count`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        let bia = try stage.join("bia")
        let caio = try stage.join("caio")
        bia.speaks("loud")
        let texts = FormattedTexts()
        texts.set("oi", for: .plain)
        texts.withhold(from: bia.client.dialect)
        #expect(texts.has(bia.client.dialect))
        #expect(stage.hub.deliver(texts, to: .others, from: ana.client).recipients == 1)
        #expect(stage.hub.deliver(texts, to: .only([bia.id]), from: ana.client).recipients == 0)
        #expect(stage.hub.deliver(texts, to: .everyone, from: nil).recipients == 2)
        stage.endTick()
        #expect(bia.hears() == [])
        #expect(caio.hears() == ["oioi"])
        #expect(stage.hub.counters.deliveries == 3)
    }

    @Test func `a set of texts knows which dialects are decided until it is reset`() throws {
        let hub = Stage().hub
        let loud = try #require(hub.dialect("loud"))
        let quiet = try #require(hub.dialect("quiet"))
        let texts = FormattedTexts()
        texts.set("oi", for: .plain)
        texts.set(String(repeating: "OI", count: 10_000), for: loud)
        texts.withhold(from: quiet)
        #expect(texts[.plain].map(Array.init) == Array("oi".utf8))
        #expect(texts[loud]?.count == 20_000)
        #expect(texts[quiet] == nil)
        #expect(texts.has(.plain) && texts.has(loud) && texts.has(quiet))
        texts.reset()
        #expect(!texts.has(.plain) && !texts.has(loud) && !texts.has(quiet))
        #expect(texts[.plain] == nil)
    }

    @Test func `the hub names each dialect that a text is still missing for, and only those of recipients`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        let bia = try stage.join("bia")
        let caio = try stage.join("caio", room: "elsewhere")
        ana.speaks("of the sender")
        bia.speaks("loud")
        caio.speaks("quiet")
        let texts = FormattedTexts()
        #expect(stage.hub.dialect(missingFrom: texts, on: .others, from: ana.client) == bia.client.dialect)
        #expect(stage.hub.dialect(missingFrom: texts, on: .room("elsewhere"), from: nil) == caio.client.dialect)
        #expect(stage.hub.dialect(missingFrom: texts, on: .room("elsewhere"), from: caio.client) == nil)
        #expect(stage.hub.dialect(missingFrom: texts, on: .only([99, caio.id]), from: nil) == caio.client.dialect)
        texts.withhold(from: bia.client.dialect)
        #expect(stage.hub.dialect(missingFrom: texts, on: .others, from: ana.client) == nil)
        texts.set("x", for: caio.client.dialect)
        #expect(stage.hub.dialect(missingFrom: texts, on: .everyone, from: ana.client) == ana.client.dialect)
        texts.set("x", for: ana.client.dialect)
        #expect(stage.hub.dialect(missingFrom: texts, on: .everyone, from: ana.client) == nil)
    }
}
