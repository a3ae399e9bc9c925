// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import Logging
import Synchronization
import Testing

@testable import LineOutput

@Suite struct LineLogHandlerTests {
    private final class Lines: LineSink {
        let all = Mutex<[String]>([])
        func write(_ line: String) { self.all.withLock { $0.append(line) } }
    }

    private func logged(_ format: LineLogHandler.Format, _ message: Logger.Message, _ metadata: Logger.Metadata)
        -> [String]
    {
        let lines = Lines()
        let logger = Logger(label: "test") { _ in LineLogHandler(to: lines, level: .info, format: format) }
        logger.debug("too quiet")
        logger.error(message, metadata: metadata)
        return lines.all.withLock { $0 }
    }

    @Test func `text is a line with its values, and blocks below`() {
        let lines = self.logged(.text, "it broke", ["b.x": "1 2", "a.x": "y", "trace": "one\n\ttwo"])
        #expect(lines.first?.contains(#" error it broke a.x=y b.x="1 2""#) == true)
        #expect(lines.dropFirst() == ["  trace:", "    one", "        two"])
    }

    @Test func `JSON is one object a line that reads back, whatever is in it`() throws {
        let nasty = "a\"b\\c\n\t\u{1B}[2J\u{202E}\u{9B}é👋\u{0}"
        let lines = self.logged(.json, "it \"broke\"", ["script.x": "\(nasty)", "time": "mine"])
        #expect(lines.count == 1)
        let line = try #require(lines.first)
        #expect(!line.unicodeScalars.contains { LineEscaping.isShown($0) })
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String]
        #expect(object?["message"] == "it \"broke\"")
        #expect(object?["level"] == "error")
        #expect(object?["script.x"] == nasty)
        #expect(object?["time"]?.hasSuffix("Z") == true, "the host's own fields come first")
        #expect(line.hasPrefix("{\"time\":\""))
    }
}
