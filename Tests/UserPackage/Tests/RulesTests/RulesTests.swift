// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import LuarTesting
import Testing

/// The scripts folder beside the package's tests.
private let scripts = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("scripts").path

struct RulesTests {
    @Test func officeHours() throws {
        let relay = try HookHarness(scripts: scripts, settings: ["latency.normal_ms": "80"])
        let ana = relay.connect(.tcp, "10.0.0.1:4000")
        let bia = relay.connect(.tcp, "10.0.0.2:5000")
        ana.says("oi")
        #expect(bia.hears == ["('10.0.0.1', 4000) disse: OI"])
        #expect(relay.measure(rtt: .milliseconds(120)).status == "Lenta")
        #expect(relay.measure(.timeout).level == 3)
        relay.advance(by: .seconds(30))
        #expect(relay.mails.count == 2)
        #expect(relay.failures.isEmpty)
    }
}
