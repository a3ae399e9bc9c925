// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import RelayHooks
import TestSupport
import Testing

/// `relay.metrics`, as scripts see it and as operators read it.
@Suite struct MetricsTests {
    /// Runs Lua while the scripts load, and returns the error, if any.
    private func failure(of line: String) -> String? {
        do {
            _ = try Chat(line, hasStock: false)
            return nil
        } catch {
            return "\(error)".replacing("scripts/test.lua:1: ", with: "")
        }
    }

    @Test func `counters add up, gauges are what was said last, sorted by name and labels`() throws {
        let chat = try Chat(
            """
            local count, gauge = relay.metrics.count, relay.metrics.gauge
            gauge("b:room_size", 3)
            gauge("b:room_size", -1.5)
            count("a_total", 2, { room = "z", kind = "x" })
            count("a_total")
            count("a_total", nil)
            count("a_total", 0.5, { kind = "x", room = "z" })
            count("a_total", 0, { room = "" })
            """,
            hasStock: false
        )
        let lines = chat.hooks.metrics.entries.map { entry in
            let labels = entry.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            return "\(entry.name) \(entry.kind.rawValue) \(labels.joined(separator: ",")) \(entry.value)"
        }
        #expect(
            lines == [
                "a_total counter  2.0", "a_total counter kind=x,room=z 2.5", "a_total counter room= 0.0",
                "b:room_size gauge  -1.5",
            ]
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let json = String(decoding: try encoder.encode(chat.hooks.metrics), as: UTF8.self)
        #expect(json.hasPrefix(#"[{"kind":"counter","labels":{},"name":"a_total","value":2},"#))
    }

    @Test func `texts that only Unicode calls equal are different labels`() throws {
        let chat = try Chat(
            #"for _, e in ipairs { "\u{e9}", "e\u{301}" } do relay.metrics.count("n", 1, { e = e }) end"#
        )
        #expect(chat.hooks.metrics.entries.count == 2)
    }

    @Test func `a counter that has become as large as a number can be stays a number`() throws {
        let chat = try Chat(#"for _ = 1, 3 do relay.metrics.count("n", 1.7e308) end"#)
        #expect(chat.hooks.metrics.entries.map(\.value) == [.greatestFiniteMagnitude])
        #expect(throws: Never.self) { try JSONEncoder().encode(chat.hooks.metrics) }
    }

    @Test func `another engine begins afresh`() throws {
        let states = StateStore()
        let chat = try Chat(#"relay.metrics.count("n")"#, states: states)
        #expect(chat.hooks.metrics.entries.count == 1)
        #expect(try Chat("", states: states).hooks.metrics.entries.isEmpty)
    }

    @Test(arguments: [
        ("count()", "relay.metrics.count takes a metric's name first, not nil"),
        ("count('1a')", "a metric's name has letters, digits, _ and :, and at most 128"),
        ("count('á')", "a metric's name has letters, digits, _ and :, and at most 128"),
        ("count('')", "a metric's name has letters, digits, _ and :, and at most 128"),
        ("count(('a'):rep(129))", "a metric's name has letters, digits, _ and :, and at most 128"),
        ("count('a', -1)", "takes a finite number from 0, not -1.0"),
        ("count('a', 0/0)", "takes a finite number from 0, not"),
        ("count('a', '1')", "relay.metrics.count takes a number second, not a string"),
        ("gauge('a')", "relay.metrics.gauge takes a number second, not nil"),
        ("gauge('a', 1/0)", "takes a finite number, not inf"),
        ("gauge('a', 1, 'x')", "relay.metrics.gauge takes a table of labels third, not a string"),
        ("gauge('a', 1, {'x'})", "labels have names, and one of these is a number"),
        ("gauge('a', 1, {x = 1})", "label 'x' takes a text, not a number"),
        ("gauge('a', 1, {x = '\\xff'})", "label 'x' takes a text, not bytes that are not UTF-8"),
        ("gauge('a', 1, {['x:y'] = ''})", "label 'x:y': a key has letters, digits and _, and at most 128"),
        ("gauge('a', 1, {x = ('á'):rep(65)})", "label 'x' has 130 bytes, more than 128"),
        ("count('a') relay.metrics.gauge('a', 1)", "it is a counter already; choose another name for the gauge"),
        ("counter('a')", "relay.metrics has no 'counter'; did you mean 'count'?"),
    ])
    func `what is no metric is told`(call: String, expected: String) throws {
        let failure = try #require(self.failure(of: "relay.metrics." + call))
        #expect(failure.contains(expected), "\(failure)")
    }

    @Test(arguments: [
        ("for i = 1, %d do relay.metrics.count('m' .. i) end", 200, "the limit of 200 metrics is reached"),
        (
            "for i = 1, %d do relay.metrics.count('m', 1, { i = '' .. i }) end", 100,
            "the limit of 100 sets of labels is reached"
        ),
        (
            "local l = {} for i = 1, %d do l['l' .. i] = '' end relay.metrics.count('m', 1, l)", 8,
            "it has 9 labels, more than 8"
        ),
    ])
    func `the limits hold`(loop: String, limit: Int, expected: String) throws {
        #expect(self.failure(of: loop.replacing("%d", with: "\(limit)")) == nil)
        let failure = try #require(self.failure(of: loop.replacing("%d", with: "\(limit + 1)")))
        #expect(failure.contains(expected), "\(failure)")
    }
}
