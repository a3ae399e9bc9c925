// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import Logging
import RelayCore
import StockScripts
import Testing

@testable import RelayHooks

/// What a report warns of, though the scripts load.
@Suite struct NameCheckTests {
    private func warnings(_ files: [String: String], transports: [TransportKind] = TransportKind.allCases) -> [String] {
        let report = ScriptReport(
            of: ScriptSet(stock: StockScripts.files, own: files.mapValues { Array($0.utf8) }),
            folder: "scripts",
            transports: transports,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            version: "9.9.9"
        )
        #expect(report.problems.map(\.description) == [])
        return report.warnings.map(\.description)
    }

    @Test(arguments: [
        ("pritn()", "nobody sets the global 'pritn', so it is nil; did you mean 'print'?"),
        ("local limit = 1; return limt", "nobody sets the global 'limt', so it is nil; did you mean 'limit'?"),
        (
            "do local it = 1 end return it",
            "nobody sets the global 'it', so it is nil; the local of that name is not known here"
        ),
        ("io.write('x')", "scripts have no 'io'; relay.file writes lines, and relay.state keeps values"),
        ("relay.sned(relay.others, '')", "relay has no 'sned'; did you mean 'send'?"),
        ("relay.log.inform('')", "relay.log has no 'inform'; did you mean 'info'?"),
        ("string.fromat('')", "string has no 'fromat'; did you mean 'format'?"),
        ("relay.quit()", "relay has no 'quit'; known: "),
    ]) func `a name that nobody knows is told, also where it never runs`(text: String, reason: String) throws {
        let found = self.warnings(["a.lua": "\nlocal function never()\n\(text)\nend"])
        let first = try #require(found.first)
        #expect(found.count == 1 && first.hasPrefix("scripts/a.lua:3: \(reason)"), "\(found)")
    }

    @Test func `what is set, built in or reached otherwise is no mistake`() {
        let files = [
            "a.lua": """
            count = 0
            local shared = require("shared")
            local function never()
              count = count + 1
              print(_VERSION, os.time(), relay.version.x, utf8.char(1), relay.json.null, table.unpack({}))
              return shared.anything.you.like
            end
            """,
            "chat.lua": "require('shared')",
            // Either program has one of them.
            "lib/shared.lua": "local function never() return relay.quit, relay.send end return {}",
            "a_test.lua": "test('x', function(t) nobody.knows() end)",
        ]
        #expect(self.warnings(files) == [])
    }

    @Test func `a format for a dialect that nobody gets is told`() {
        let hook = "relay.on('format', { dialect = 'jsno' }, print)\n"
        let never = "scripts/a.lua:1: no script gives a client the dialect 'jsno', so this hook never runs"
        #expect(self.warnings(["a.lua": hook]) == [never])
        let named = "relay.on('connect', function(client) client.dialect = 'json' end)"
        let bare = "scripts/a.lua:2: no 'format' hook is for the dialect 'json', so who has it gets bare texts"
        #expect(
            self.warnings(["a.lua": hook + named])
                == [never + "; did you mean 'json'?", bare + "; did you mean 'jsno'?"]
        )
        #expect(self.warnings(["a.lua": hook + named.replacing("json", with: "jsno")]) == [])
        let any = "relay.on('connect', function(client) client.dialect = client.data.wish end)"
        #expect(self.warnings(["a.lua": hook, "b.lua": any]) == [])
    }

    @Test func `a ping hook for a transport that nobody listens on is told`() {
        let files = ["a.lua": "relay.on('ping', { transport = 'tcp' }, print)", "ping.lua": ""]
        #expect(self.warnings(files) == [])
        #expect(
            self.warnings(files, transports: [.udp])
                == ["scripts/a.lua:1: the relay does not listen on tcp, so this hook never runs"]
        )
    }
}
