// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Testing
import WireFormats

@testable import RelayCore

@Suite struct TickMemoryTests {
    @Test func `after a tick nothing refers to its buffers, and only a few are kept for the next`() throws {
        let stage = Stage()
        var people: [Person] = []
        for number in 0..<100 {
            people.append(try stage.join("a\(number)", room: "\(number)"))
            people.append(try stage.join("b\(number)", room: "\(number)"))
        }
        for person in people { person.says("oi") }
        people[0].isTold("you")
        people[1].moves(to: "7")
        people[2].frames(.line)
        people[3].leaves()
        let buffers = stage.hub.activeLanes.compactMap(\.buffer).map(Weak.init)
        #expect(buffers.count == 100)
        stage.endTick()
        #expect(buffers.count { $0.object != nil } == 64)
        #expect(stage.hub.spareBuffers.count == 64)
        #expect(
            people.allSatisfy {
                $0.client.pendingSlices.isEmpty && !$0.client.isTouched && $0.client.lane?.buffer == nil
            }
        )
        #expect(stage.hub.activeLanes.isEmpty && stage.hub.touched.isEmpty && stage.hub.closing.isEmpty)
        #expect(stage.hub.encoded.isEmpty && stage.hub.sources.isEmpty && stage.hub.directs.count == 0)
        for person in people { person.says("oi") }
        stage.endTick()
        #expect(stage.hub.spareBuffers.count == 64)
    }

    @Test func `a hub that goes away takes its clients, rooms and outlets with it`() throws {
        final class Outlet: MemoryReceiver {
            var client: Client?
            func write(_ pieces: [UnsafeRawBufferPointer]) {}
            func close() {}
        }
        weak var client: Client?
        weak var lane: Lane?
        weak var outlet: Outlet?
        do {
            let hub = Hub(clock: { 0 })
            let kept = Outlet()
            let origin = ClientOrigin(transport: .tcp, host: "10.0.0.1", port: 1)
            kept.client = hub.join(origin, wire: .raw, receiver: kept)
            client = kept.client
            lane = kept.client?.lane
            outlet = kept
            #expect(lane != nil)
        }
        #expect(client == nil && lane == nil && outlet == nil)
    }

    @Test func `a closed client and its outlet are let go of at the end of the tick`() {
        let stage = Stage()
        let left = Self.visit(stage)
        #expect(left.client.object != nil, "it is owed its last bytes")
        stage.endTick()
        #expect(left.client.object == nil)
        #expect(left.ear.object == nil)
    }

    /// Somebody comes, is told something and leaves; nobody here remembers it.
    private static func visit(_ stage: Stage) -> (client: Weak<Client>, ear: Weak<Ear>) {
        guard let ana = stage.tryJoin("ana") else { return (Weak(nil), Weak(nil)) }
        ana.isTold("oi")
        ana.leaves()
        return (Weak(ana.client), Weak(ana.ear))
    }

    @Test func `a buffer keeps its bytes while it grows, and gives a large memory back`() {
        let buffer = TickBuffer()
        let text = Array("0123456789".utf8)
        for _ in 0..<200_000 { text.withUnsafeBytes { buffer.append($0) } }
        #expect(buffer.count == 2_000_000)
        #expect(Array(buffer[1_999_995..<2_000_000]) == Array("56789".utf8))
        #expect(buffer[0..<buffer.count].enumerated().allSatisfy { $0.element == text[$0.offset % 10] })
        buffer.reset()
        #expect(buffer.count == 0)
        [].withUnsafeBytes { buffer.append($0) }
        #expect(buffer.count == 0)
        text.withUnsafeBytes { buffer.append($0) }
        // Of what was reserved, only what is written stays.
        buffer.reserve(20_000)[0] = UInt8(ascii: "!")
        buffer.commit(1)
        #expect(buffer.reserve(0).isEmpty)
        #expect(Array(buffer[0..<buffer.count]) == Array("0123456789!".utf8))
    }

    @Test func `a client hears touching stretches as one piece`() throws {
        let stage = Stage()
        let ana = try stage.join("ana")
        let bia = try stage.join("bia")
        ana.isTold("1")
        ana.isTold("2")
        #expect(ana.client.pendingSlices.map(\.range) == [0..<2])
        bia.isTold("3")
        ana.isTold("4")
        #expect(ana.client.pendingSlices.map(\.range) == [0..<2, 3..<4])
    }

    private final class Weak<Object: AnyObject> {
        private(set) weak var object: Object?

        init(_ object: Object?) {
            self.object = object
        }
    }
}
