// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayCore
import Testing

@testable import WireFormats

/// The table of wire formats.
@Suite struct WireEncodingTests {
    private func wrapped(_ text: String, _ wire: WireEncoding) -> [UInt8] {
        let buffer = TickBuffer()
        withUnsafeBytes(of: UInt8(ascii: "<")) { buffer.append($0) }
        let range = Array(text.utf8).withUnsafeBytes { wire.append($0, to: buffer) }
        #expect(range == 1..<buffer.count)
        return Array(buffer[range])
    }

    @Test func `each format wraps a text in its own way`() {
        let text = "a\r\nb"
        #expect(self.wrapped(text, .raw) == Array(text.utf8))
        #expect(self.wrapped(text, .line) == Array("a b\n".utf8))
        #expect(self.wrapped(text, .length) == [0, 0, 0, 4] + Array(text.utf8))
        for wire in [WireEncoding.datagram(limit: 9), .memory] {
            let bytes = self.wrapped(text, wire)
            let texts = bytes.withUnsafeBytes { bytes in DatagramTexts(bytes).map { Array(bytes[$0]) } }
            #expect(texts == [Array(text.utf8)])
        }
        #expect(self.wrapped(String(repeating: "x", count: 0x0102), .length).prefix(4) == [0, 0, 1, 2])
    }

    @Test func `an empty text is a line, a frame of length 0, and no datagram`() {
        #expect(self.wrapped("", .raw).isEmpty)
        #expect(self.wrapped("", .line) == [0x0A])
        #expect(self.wrapped("", .length) == [0, 0, 0, 0])
        #expect(self.wrapped("", .datagram(limit: 9)).isEmpty)
        #expect(self.wrapped("", .memory).isEmpty)
    }

    @Test func `encodings are equal if they wrap texts in the same way up to the same length`() {
        let all: [WireEncoding] = [.raw, .line, .length, .datagram(limit: 10), .datagram(limit: 11), .memory]
        #expect(Set(all).count == all.count)
        for (index, one) in all.enumerated() {
            for (other, two) in all.enumerated() { #expect((one == two) == (index == other)) }
        }
        #expect(WireEncoding.datagram(limit: 10) == .datagram(limit: 10))
    }

    @Test func `scripts know encodings by name, and each carries texts up to its limit`() {
        let all: [WireEncoding] = [.raw, .line, .length, .datagram(limit: 10), .memory]
        #expect(all.map(\.name) == ["raw", "line", "length", "datagram", "length"])
        #expect(all.map(\.textLimit) == [.max, .max, Int(UInt32.max), 10, .max])
    }

    @Test(arguments: WireFormat.allCases)
    func `a new decoder and the table agree on how texts to a new client are wrapped`(format: WireFormat) {
        #expect(MessageDecoder(format, limit: 1).encoding == format.encoding)
    }
}
