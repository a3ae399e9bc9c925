// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayCore
import Testing
import WireFormats

@Suite struct TextBatchTests {
    /// Passes a read to the hub, and returns how many items were taken.
    private func pass(
        _ read: String,
        _ decoder: inout MessageDecoder,
        from person: Person,
        while mayGoOn: () -> Bool = { true }
    ) -> Int {
        let batch = TextBatch()
        return withBytes(read) {
            decoder.begin($0)
            defer { decoder.keepRest() }
            decoder.advance(
                to: decoder.cut(atMost: 64, into: batch) {
                    person.stage.hub.receive(batch, from: person.client, while: mayGoOn)
                }
            )
            return batch.taken
        }
    }

    @Test func `a read is taken in order, with what lies between its texts`() throws {
        let stage = Stage { $0.messageBytes = 5 }
        let (ana, bia) = (try stage.join("ana"), try stage.join("bia"))
        stage.policy.onSystemMessage = { _, kind in kind.rawValue }
        _ = stage.policy.takeCalls()
        var decoder = MessageDecoder(.auto, limit: 5)
        #expect(self.pass("um\nmuito longo\ndois\n", &decoder, from: ana) == 4)
        #expect(
            stage.policy.takeCalls() == ["relay ana: um", "system message ana: too_long", "relay ana: dois"]
        )
        bia.says("oi")
        stage.endTick()
        // What the first item said: this client speaks lines.
        #expect(ana.hears() == ["too_long\noi\n"])
    }

    @Test func `nobody is heard in the rest of a read whose first text closed it`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        stage.policy.onRelay = { stage.hub.close($0.sender, reason: "enough") }
        _ = stage.policy.takeCalls()
        var decoder = MessageDecoder(.line, limit: 100)
        #expect(self.pass("um\ndois\ntres\n", &decoder, from: ana) == 1)
        #expect(stage.policy.takeCalls().filter { $0.hasPrefix("relay") } == ["relay ana: um"])
    }

    @Test func `a full tick and a caller that says so end a batch, and the rest of it comes next`() throws {
        let stage = Stage { $0.tickBytes = 1 }
        let ana = try stage.join("ana")
        _ = try stage.join("bia")
        _ = stage.policy.takeCalls()
        var decoder = MessageDecoder(.line, limit: 100)
        #expect(self.pass("um\ndois\ntres\n", &decoder, from: ana) == 1)
        stage.policy.onRelay = { _ in }
        stage.endTick()
        #expect(self.pass("", &decoder, from: ana, while: { false }) == 1)
        #expect(self.pass("", &decoder, from: ana) == 1)
        #expect(stage.policy.takeCalls() == ["relay ana: um", "relay ana: dois", "relay ana: tres"])
        #expect(decoder.pendingBytes == 0)
    }
}
