// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import Logging
import StockScripts
import TestSupport
import Testing

@testable import RelayHooks

@Suite struct ScriptReportTests {
    private func report(_ files: [String: String]) -> ScriptReport {
        let log = LogRecord()
        return ScriptReport(
            of: ScriptSet(stock: StockScripts.files, own: files.mapValues { Array($0.utf8) }),
            folder: "scripts",
            logger: Logger(label: "test") { _ in RecordingHandler(record: log) },
            version: "9.9.9"
        )
    }

    @Test func `hooks are listed as they run, with where they come from`() {
        let report = self.report([
            "a.lua": """
            relay.on("format", { order = 5, on_error = "block" }, print)
            relay.on("format", { dialect = "json" }, print)
            relay.on("start", print)
            """
        ])
        let rows = report.hooks.map { hook in
            let order = hook.order.map { "\($0)" } ?? "default"
            return
                "\(hook.event) \(order) \(hook.onError) \(hook.dialect ?? "-") \(hook.file):\(hook.line)"
        }
        #expect(
            rows == [
                "start 100.0 skip - scripts/a.lua:3", "ping default skip - stock/ping.lua:4",
                "name default skip - stock/format.lua:12",
                "message 50.0 fail - stock/lib/commands.lua:74", "format 100.0 skip json scripts/a.lua:2",
                "format 5.0 block plain scripts/a.lua:1", "format default skip plain stock/format.lua:20",
                "system_message default skip - stock/system_messages.lua:9",
                "console default skip - stock/console.lua:66", "latency default skip - stock/latency.lua:8",
                "alert default skip - stock/alerts.lua:38", "chat_connect default skip - stock/chat.lua:3",
                "chat_hello default skip - stock/chat.lua:8", "chat_send 100.0 block - stock/chat.lua:17",
                "chat_close default skip - stock/chat.lua:12",
            ]
        )
        #expect(report.problems.isEmpty)
    }

    @Test func `files say who loads them and what is special about them`() {
        let report = self.report([
            "format.lua": "\n", "console.lua": "relay.on('console', print)", "lib/unused.lua": "return 1",
            "chat.lua": "require('both')", "x.lua": "require('both')", "lib/both.lua": "return 1",
            "commands.lua": String(decoding: StockScripts.files["commands.lua"] ?? [], as: UTF8.self),
        ])
        let rows = report.files.map { "\($0.name) [\($0.loadedBy.joined(separator: " "))] \($0.note ?? "")" }
        #expect(
            rows == [
                "stock/alerts.lua [relay] ", "scripts/chat.lua [chat] replaces the stock file",
                "stock/commands.lua [relay] a copy of the stock file",
                "scripts/console.lua [relay] replaces the stock file",
                "scripts/format.lua [relay] empty: disables the stock file", "stock/latency.lua [relay] ",
                "scripts/lib/both.lua [relay chat] ",
                "stock/lib/commands.lua [relay] ", "scripts/lib/unused.lua [] no script requires it",
                "stock/ping.lua [relay] ", "stock/system_messages.lua [relay] ", "scripts/x.lua [relay] ",
            ]
        )
    }

    @Test func `every broken file is told at once, and a broken module once`() throws {
        let report = self.report([
            "a.lua": "relay.on('mesage', print)", "b.lua": "local = 1", "c.lua": "require('m')",
            "d.lua": "require('m')",
            "lib/m.lua": "\n\nrelay.foo()", "chat.lua": "relay.on('format', print)",
        ])
        #expect(
            report.problems.map { "\($0.file):\($0.line ?? 0)" } == [
                "scripts/a.lua:1", "scripts/b.lua:1", "scripts/lib/m.lua:3", "scripts/chat.lua:1",
            ]
        )
        #expect(report.problems.first?.reason == "unknown event 'mesage'; did you mean 'message'?")
        let json = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
        #expect(json.contains(#""line":3"#))
    }

    @Test func `after a script that never ends no other is blamed`() {
        let report = self.report(["a.lua": "while true do end", "b.lua": "local = 1"])
        #expect(report.problems.map(\.file) == ["scripts/a.lua"])
        #expect(report.problems.first?.reason.hasPrefix("loading the scripts took more than 2.0 seconds") == true)
    }
}
