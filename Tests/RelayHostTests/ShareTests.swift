// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import HostSettings
import TestSupport
import Testing

@testable import RelayHost

/// Scripts that take all the time they can get, and people who chat meanwhile.
@Suite(.serialized, .timeLimit(.minutes(15))) struct ShareTests {
    /// Scripts that never let go, each a kind of its own.
    static let greedy = [
        "a timer that makes a timer": "local function f() relay.after(0, f) end f()",
        "a timer that needs longer than its period": """
        local function busy() local n = 0 for i = 1, 200000 do n = n + i end return n end
        relay.every(0.01, busy)
        """,
        "many timers that are quick": """
        local function busy() local n = 0 for i = 1, 2000 do n = n + i end return n end
        for i = 1, 500 do relay.every(0.01, busy) end
        """,
        "a timer that loops": "relay.every(0.01, function() while true do end end)",
        "timers that make timers that loop": """
        local function f() relay.after(0, f) while true do end end
        f = f; relay.after(0, f)
        """,
        "timers made by texts": """
        relay.on("message", function()
          local function f() relay.after(0, f) end
          for i = 1, 20 do f() end
        end)
        """,
    ]

    @Test(arguments: greedy.keys.sorted())
    func `people chat, commands are answered and the relay stops, whatever timers do`(kind: String) async throws {
        try await LiveRelay.run(scripts: ["greedy.lua": try #require(Self.greedy[kind])]) { relay in
            let ana = try relay.connect()
            let bia = try relay.connect()
            for round in 0..<5 {
                ana.send("\(round)\n")
                #expect(bia.receive().hasSuffix("disse: \(round)"))
            }
            #expect(try await relay.relay.status().clients == 2)
            try await relay.relay.reload()
            ana.send("depois\n")
            #expect(bia.receive().hasSuffix("disse: depois"))
        }
    }
}
