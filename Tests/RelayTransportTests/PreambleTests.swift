// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayCore
import TestSupport
import Testing
import WireFormats

@testable import RelayTransport

/// A stage that needs so many bytes.
struct CountingStage: PreambleStage {
    var count: Int
    var timeLimit: Duration { .seconds(self.count) }

    func look(at bytes: UnsafeRawBufferPointer) -> StageVerdict {
        bytes.count >= self.count ? .passed(bytes: self.count) : .incomplete
    }
}

/// A stage that ends with the first `!`, and fails at a `?` before it.
struct MarkStage: PreambleStage {
    var timeLimit: Duration { .seconds(60) }

    func look(at bytes: UnsafeRawBufferPointer) -> StageVerdict {
        for (place, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: "!") { return .passed(bytes: place + 1) }
            if byte == UInt8(ascii: "?") { return .failed }
        }
        return .incomplete
    }
}

/// A stage that looks at the first byte and leaves it, as one that tells protocols apart does.
struct SniffingStage: PreambleStage {
    var timeLimit: Duration { .seconds(1) }

    func look(at bytes: UnsafeRawBufferPointer) -> StageVerdict {
        guard let first = bytes.first else { return .incomplete }
        return first == UInt8(ascii: "?") ? .failed : .passed(bytes: 0)
    }
}

/// A connection without a socket: preamble, state and decoder, put together as ``TCPConnection`` does it.
private struct Wire {
    var state = ConnectionState()
    var preamble: Preamble
    var decoder: MessageDecoder
    var texts: [String] = []
    var log: [String] = []

    init(_ stages: [any PreambleStage], _ format: WireFormat = .line) {
        self.preamble = Preamble(stages)
        self.decoder = MessageDecoder(format, limit: 100)
        self.receive([])
    }

    mutating func receive(_ bytes: [UInt8]) {
        guard self.state.mayRead else { return }
        if !bytes.isEmpty { self.take(.inputArrived) }
        if self.state.phase == .preamble {
            var behind: [UInt8]?
            let progress = bytes.withUnsafeBytes { self.preamble.receive($0) { behind = Array($0) } }
            if case .begun(let limit) = progress { self.log.append("wait \(limit.components.seconds)") }
            if progress == .failed { return self.take(.preambleFailed) }
            guard progress == .passed else { return }
            self.take(.preamblePassed)
            if let behind { self.decode(behind) }
        } else {
            self.decode(bytes)
        }
        self.take(.inputUsedUp)
    }

    mutating func end() {
        guard self.state.mayRead else { return }
        self.take(.inputEnded(.left))
        self.take(.inputUsedUp)
    }

    private mutating func decode(_ bytes: [UInt8]) {
        let batch = TextBatch()
        var texts: [String] = []
        bytes.withUnsafeBytes {
            self.decoder.begin($0)
            let rest = self.decoder.cut(atMost: .max, into: batch) {
                while case .text(let range)? = batch.next() {
                    texts.append(String(decoding: batch.bytes[range], as: UTF8.self))
                }
            }
            self.decoder.advance(to: rest)
            self.decoder.keepRest()
        }
        self.texts += texts
    }

    private mutating func take(_ event: ConnectionState.Event) {
        switch self.state.take(event) {
        case .nothing: break
        case .leave(let end): self.log.append("leave \(end.rawValue)")
        case let action: self.log.append("\(action)")
        }
    }
}

@Suite struct PreambleTests {
    @Test func `without a handshake a connection joins at once, before any byte`() {
        var wire = Wire([PlainStart()])
        #expect(wire.log == ["join"])
        wire.receive(Array("um\n".utf8))
        #expect(wire.texts == ["um"])
        #expect(Wire([]).log == ["join"])
    }

    private static var stages: [any PreambleStage] {
        [CountingStage(count: 3), PlainStart(), SniffingStage(), MarkStage(), CountingStage(count: 2), PlainStart()]
    }

    @Test func `however the bytes are cut, each stage gets its own, and the first text what is behind`() {
        let bytes = Array("abchello!xyum\ndois\n".utf8)
        for first in 0...bytes.count {
            for second in first...bytes.count {
                var wire = Wire(Self.stages)
                for piece in [bytes[..<first], bytes[first..<second], bytes[second...]] where !piece.isEmpty {
                    wire.receive(Array(piece))
                }
                wire.end()
                #expect(wire.texts == ["um", "dois"], "cut at \(first) and \(second)")
                let actions = wire.log.filter { !$0.hasPrefix("wait") }
                #expect(actions == ["join", "leave left"], "cut at \(first) and \(second)")
            }
        }
        var wire = Wire(Self.stages, .length)
        for byte in Array("abchello!xy".utf8) + [0, 0, 0, 2, 0x6F, 0x69] { wire.receive([byte]) }
        #expect(wire.texts == ["oi"])
    }

    @Test func `a stage that has to wait has a time limit of its own, once`() {
        var wire = Wire(Self.stages)
        #expect(wire.log == ["wait 3"])
        for byte in Array("abc".utf8) { wire.receive([byte]) }
        #expect(wire.log == ["wait 3", "wait 1"])
        for byte in Array("hel".utf8) { wire.receive([byte]) }
        #expect(wire.log == ["wait 3", "wait 1", "wait 60"])
        wire.receive(Array("lo!".utf8))
        #expect(wire.log == ["wait 3", "wait 1", "wait 60", "wait 2"])
        wire.receive(Array("xy".utf8))
        #expect(wire.log == ["wait 3", "wait 1", "wait 60", "wait 2", "join"])
    }

    @Test func `a stage that fails ends the connection, and what comes behind it is not read`() {
        for bytes in ["abc?um\n", "abchel?o!xyum\n"] {
            for cut in 0...bytes.utf8.count {
                var wire = Wire(Self.stages)
                wire.receive(Array(bytes.utf8.prefix(cut)))
                wire.receive(Array(bytes.utf8.dropFirst(cut)))
                #expect(wire.log.last == "destroy" && !wire.log.contains("join"), "cut at \(cut)")
                #expect(wire.state.phase == .closed && wire.texts.isEmpty)
            }
        }
    }

    @Test func `the end of input before the end of the preamble ends the connection`() {
        var wire = Wire(Self.stages)
        wire.receive(Array("abch".utf8))
        wire.end()
        #expect(wire.log.last == "destroy" && !wire.log.contains("join"))
    }

    @Test func `a stage may look at so many bytes and no more`() {
        var preamble = Preamble([MarkStage()])
        let most = [UInt8](repeating: 0x78, count: Preamble.mostBytes)
        #expect(most.withUnsafeBytes { preamble.receive($0) { _ in } } == .begun(timeLimit: .seconds(60)))
        #expect([0x78].withUnsafeBytes { preamble.receive($0) { _ in } } == .failed)
    }
}
