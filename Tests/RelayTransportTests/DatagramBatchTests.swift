// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import CSockets
import TestSupport
import Testing

@testable import RelayCore
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
        let tick = TestTick([[], Self.lane(texts)])
        let end = Self.lane(["um"]).count
        let middle = end + Self.lane(["dois"]).count
        let size = Self.lane(texts).count
        // Parts first: the whole lane is known all the same.
        batch.add(tick.pieces((1, 0..<end), (1, middle..<size)), of: tick.output, to: self.recipient(1))
        batch.add(batch.texts(of: 1, in: tick.output), to: self.recipient(2))
        batch.add(tick.pieces((1, end..<middle)), of: tick.output, to: self.recipient(3))
        batch.add(tick.pieces((1, end..<end)), of: tick.output, to: self.recipient(4))
        batch.add(batch.texts(of: 0, in: tick.output), to: self.recipient(5))
        #expect(self.sent(batch) == [1: ["um", "três", "quatro"], 2: texts, 3: ["dois"]])
        #expect(batch.allBytes.count == size)
        #expect(batch.count == 8)
    }

    @Test func `texts for clients of other transports are in the same source, and are none of its own`() {
        let batch = DatagramBatch()
        let (other, own) = (Array("in room x\n".utf8), Self.lane(["só a ti", "e mais"]))
        let tick = TestTick([other + own + other, Self.lane(["a todos"])])
        let range = other.count..<other.count + own.count
        for port in 1...3 as ClosedRange<UInt16> {
            batch.add(tick.pieces((0, range)), of: tick.output, to: self.recipient(port))
        }
        #expect(self.sent(batch) == [1: ["só a ti", "e mais"], 2: ["só a ti", "e mais"], 3: ["só a ti", "e mais"]])
        #expect(batch.allBytes.count == own.count)
    }

    @Test func `texts of their own come between those of the lane, and are copied once for several`() {
        let batch = DatagramBatch()
        let (own, shared) = (Self.lane(["só a ti"]), Self.lane(["a todos"]))
        let tick = TestTick([own, shared])
        for port in 1...50 as ClosedRange<UInt16> {
            let pieces = tick.pieces((0, 0..<own.count), (1, 0..<shared.count))
            batch.add(pieces, of: tick.output, to: self.recipient(port))
        }
        Array("pong".utf8).withUnsafeBytes { batch.add($0, to: self.recipient(51)) }
        let sent = self.sent(batch)
        #expect(sent[17] == ["só a ti", "a todos"])
        #expect(sent[51] == ["pong"])
        #expect(batch.texts.count == 3)
    }

    @Test func `after a tick the same sources have other texts`() {
        let batch = DatagramBatch()
        for text in ["um", "ua"] {
            let tick = TestTick([Self.lane([text])])
            batch.add(batch.texts(of: 0, in: tick.output), to: self.recipient(1))
            batch.endTick()
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
        for _ in 0..<2 {
            let lanes = (0..<3)
                .map { number in
                    (0..<Int.random(in: 1...30, using: &random))
                        .map { _ in String(repeating: "x", count: Int.random(in: 1...40, using: &random)) + "\(number)"
                        }
                }
            let tick = TestTick(lanes.map(Self.lane))
            for port in 1...10 as ClosedRange<UInt16> {
                var pieces: [(Int, Range<Int>)] = []
                for (number, texts) in lanes.enumerated() {
                    let start = { Self.lane(Array(texts[..<$0])).count }
                    let cut = Int.random(in: 0...texts.count, using: &random)
                    let next = Int.random(in: cut...texts.count, using: &random)
                    pieces += [(number, 0..<start(cut)), (number, start(next)..<start(texts.count))]
                    let heard = texts[..<cut] + texts[next...]
                    if !heard.isEmpty { expected[port, default: []] += heard }
                }
                batch.add(tick.pieces(pieces), of: tick.output, to: self.recipient(port))
            }
            batch.endTick()
        }
        #expect(self.sent(batch) == expected)
    }
}

/// The sources of a tick, in memory of its own.
private final class TestTick {
    let output = TickOutput()
    private let memory: [UnsafeMutableRawBufferPointer]

    init(_ sources: [[UInt8]]) {
        self.memory = sources.map { bytes in
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
            memory.copyBytes(from: bytes)
            return memory
        }
        self.output.sources = self.memory.map { UnsafeRawBufferPointer($0) }
    }

    deinit { for memory in self.memory { memory.deallocate() } }

    func pieces(_ pieces: (Int, Range<Int>)...) -> ArraySlice<TickOutput.Piece> { self.pieces(pieces) }

    func pieces(_ pieces: [(Int, Range<Int>)]) -> ArraySlice<TickOutput.Piece> {
        pieces.map { TickOutput.Piece(source: $0.0, range: $0.1) }[...]
    }
}

/// 127.0.0.1, mapped.
private let loopback:
    (
        UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8
    ) = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127, 0, 0, 1)
