// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import CSockets
import RelayCore
import TestSupport
import Testing
import WireFormats

@testable import RelayTransport

/// A tick's output for one socket.
@Suite struct DatagramBatchTests {
    /// Texts as a lane of datagrams holds them.
    private static func lane(_ texts: [String]) -> [UInt8] {
        texts.flatMap { text in withUnsafeBytes(of: UInt32(text.utf8.count)) { Array($0) } + Array(text.utf8) }
    }

    private func recipient(_ port: UInt16) -> csockets_recipient {
        csockets_recipient(to: csockets_address(ip: loopback, scope: 0, port: port), from: csockets_address())
    }

    /// What each port gets, in order.
    private func sent(_ batch: DatagramBatch) -> [UInt16: [String]] {
        var sent: [UInt16: [String]] = [:]
        for run in batch.runs {
            for number in run.first..<run.first + run.count {
                let text = batch.texts[Int(number)]
                let bytes = batch.allBytes[text.offset..<text.offset + text.length]
                sent[batch.recipients[Int(run.recipient)].to.port, default: []] +=
                    [String(decoding: bytes, as: UTF8.self)]
            }
        }
        return sent
    }

    @Test func `a lane is copied once, whoever gets which part of it`() {
        let batch = DatagramBatch()
        let texts = ["um", "dois", "três", "quatro"]
        let bytes = Self.lane(texts)
        bytes.withUnsafeBytes { lane in
            let end = Self.lane(["um"]).count
            let middle = end + Self.lane(["dois"]).count
            let piece = { (range: Range<Int>) in UnsafeRawBufferPointer(rebasing: lane[range]) }
            // Parts first: the whole lane is known all the same.
            batch.add([piece(0..<end), piece(middle..<lane.count)], of: lane, to: self.recipient(1))
            batch.add([lane], of: lane, to: self.recipient(2))
            batch.add([piece(end..<middle)], of: lane, to: self.recipient(3))
            batch.add([piece(end..<end)], of: lane, to: self.recipient(4))
        }
        #expect(self.sent(batch) == [1: ["um", "três", "quatro"], 2: texts, 3: ["dois"]])
        #expect(batch.allBytes.count == bytes.count)
        #expect(batch.count == 8)
    }

    @Test func `texts of their own come between those of the lane, and are copied once for several`() {
        let batch = DatagramBatch()
        let shared = Self.lane(["a todos"])
        let own = Self.lane(["só a ti"])
        shared.withUnsafeBytes { shared in
            own.withUnsafeBytes { own in
                for port in 1...50 as ClosedRange<UInt16> {
                    batch.add([own, shared], of: shared, to: self.recipient(port))
                }
            }
        }
        Array("pong".utf8).withUnsafeBytes { batch.add($0, to: self.recipient(51)) }
        let sent = self.sent(batch)
        #expect(sent[17] == ["só a ti", "a todos"])
        #expect(sent[51] == ["pong"])
        #expect(batch.texts.count == 3)
    }

    @Test func `after a tick the same memory may hold other texts`() {
        let batch = DatagramBatch()
        var bytes = Self.lane(["um"])
        bytes.withUnsafeMutableBytes { memory in
            let lane = UnsafeRawBufferPointer(memory)
            batch.add([lane], of: lane, to: self.recipient(1))
            batch.endTick()
            memory[5] = UInt8(ascii: "a")
            batch.add([lane], of: lane, to: self.recipient(1))
        }
        #expect(self.sent(batch) == [1: ["um", "ua"]])
        batch.reset()
        #expect(batch.isEmpty && batch.weight == 0)
    }

    @Test(arguments: 0..<50)
    func `any parts of any lanes reach whom they are for`(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        let batch = DatagramBatch()
        var expected: [UInt16: [String]] = [:]
        for number in 0..<4 {
            let texts = (0..<Int.random(in: 1...30, using: &random))
                .map { _ in
                    String(repeating: "x", count: Int.random(in: 1...40, using: &random)) + "\(number)"
                }
            let starts = texts.indices.map { Self.lane(Array(texts[..<$0])).count }
            let bytes = Self.lane(texts)
            bytes.withUnsafeBytes { lane in
                for port in 1...10 as ClosedRange<UInt16> {
                    let cut = Int.random(in: 0..<texts.count, using: &random)
                    let next = Int.random(in: cut...texts.count, using: &random)
                    let end = next < texts.count ? starts[next] : lane.count
                    let pieces = [0..<starts[cut], end..<lane.count].filter { !$0.isEmpty }
                        .map { UnsafeRawBufferPointer(rebasing: lane[$0]) }
                    batch.add(pieces, of: lane, to: self.recipient(port))
                    let heard = texts[..<cut] + texts[next...]
                    if !heard.isEmpty { expected[port, default: []] += heard }
                }
            }
            batch.endTick()
        }
        #expect(self.sent(batch) == expected)
    }
}

/// 127.0.0.1, mapped.
private let loopback:
    (
        UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8
    ) = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127, 0, 0, 1)
