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

    @Test func `keys and values in quotes or with a backslash cannot pass for other fields`() throws {
        let lines = self.logged(
            .text,
            "it broke",
            ["x\" level=none admin=yes ": "1", "a": #"\x1B\n "quoted""#, "b": "c\\d"]
        )
        #expect(lines.count == 1)
        let line = try #require(lines.first)
        #expect(line.contains(#" a="\\x1B\\n \"quoted\"""#))
        #expect(line.contains(#" b="c\\d""#))
        #expect(line.hasSuffix(#" "x\" level=none admin=yes "=1"#))
    }

    @Test(arguments: [LineLogHandler.Format.text, .json])
    func `an entry has at most 8 KiB whatever comes, and shows where it is cut`(format: LineLogHandler.Format) throws {
        for text in ["x", "é", "👋", "\u{1}", "\"", "\\", "\n", "\u{202E}", "line\n"] {
            let huge = String(repeating: text, count: 1 << 20)
            var fields: Logger.Metadata = ["\(huge)": "short"]
            for index in 0..<100 { fields["field\(index)"] = "\(huge)" }
            let lines = self.logged(format, "\(huge)", fields)
            #expect(lines.reduce(0) { $0 + $1.utf8.count + 1 } <= LineLogHandler.longestEntry)
            #expect(lines.contains { $0.contains(LogLine.mark) })
            // Empty lines of a block are left out, so these all have room.
            if format == .json || text != "\n" { #expect(lines.contains { $0.contains("log.missing_fields") }) }
            // Cut between two characters, and between two escapes.
            #expect(!lines.contains { $0.unicodeScalars.contains("\u{FFFD}") })
            guard format == .json, let line = lines.first else { continue }
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String]
            #expect(object?["level"] == "error")
            #expect(object?["message"]?.hasSuffix(LogLine.mark) == true)
        }
    }

    @Test func `a text that just fits is not cut, and one byte more is`() {
        var line = LogLine()
        line.append(String(repeating: "é", count: 50), as: .plain, room: 100)
        #expect(line.text == String(repeating: "é", count: 50))
        line = LogLine()
        line.append(String(repeating: "é", count: 50) + "x", as: .plain, room: 100)
        #expect(line.text == String(repeating: "é", count: 46) + LogLine.mark)
    }
}
