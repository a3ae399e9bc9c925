// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import Logging
import RelayCore
import RelayHooks
import StockScripts
import WireFormats

/// Relays messages from one client to a number of readers, without sockets: the load of `message-cost.sh`.
///
/// It uses the real hub and the stock scripts. Every reader copies the bytes that it gets, as a socket does. Nothing
/// but the seed of Lua's hashes depends on the time, so the same arguments run almost the same instructions.
///
///     MessageCost READERS MESSAGES
@main
struct MessageCost {
    /// Messages in one read and one tick, as many as one connection passes in one visit.
    private static let messagesPerTick = 64
    private static let text = [UInt8](repeating: UInt8(ascii: "x"), count: 64)

    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        guard arguments.count == 2, arguments[0] > 0, arguments[1] >= 0 else {
            FileHandle.standardError.write(Data("usage: MessageCost READERS MESSAGES\n".utf8))
            exit(2)
        }
        let (readerCount, messageCount) = (arguments[0], arguments[1])
        let hub = Hub(clock: { 1_000_000 })
        let hooks = try HookEngine(
            hub: hub,
            scripts: ScriptSet(stock: StockScripts.files),
            console: nil,
            logger: Logger(label: "message-cost") { _ in SwiftLogNoOpLogHandler() },
            version: "0"
        )
        let readers = (0..<readerCount).map { _ in Reader() }
        for (index, reader) in readers.enumerated() { _ = try Self.join(hub, port: 2_000 + index, receiver: reader) }
        let sender = try Self.join(hub, port: 1_000, receiver: Reader())

        Self.send(messageCount, from: sender, through: hub)

        let expected = messageCount * ("('127.0.0.1', 1000) disse: \n".utf8.count + Self.text.count)
        guard readers.allSatisfy({ $0.byteCount == expected }) else {
            FileHandle.standardError.write(
                Data("each reader must get \(expected) bytes, the first one got \(readers[0].byteCount)\n".utf8)
            )
            exit(1)
        }
        // The hub does not keep its policy alive.
        withExtendedLifetime(hooks) {}
    }

    private static func send(_ messageCount: Int, from sender: Client, through hub: Hub) {
        var decoder = MessageDecoder(.line, limit: 65_536)
        let batch = TextBatch()
        let line = Self.text + [UInt8(ascii: "\n")]
        let read = [[UInt8]](repeating: line, count: Self.messagesPerTick).flatMap(\.self)
        var left = messageCount
        while left > 0 {
            let count = min(left, Self.messagesPerTick)
            read.withUnsafeBytes {
                decoder.begin(UnsafeRawBufferPointer(rebasing: $0[..<(count * (Self.text.count + 1))]))
                let rest = decoder.cut(atMost: count, into: batch) { hub.receive(batch, from: sender) { true } }
                decoder.advance(to: rest)
                decoder.keepRest()
            }
            hub.endTick()
            left -= count
        }
    }

    private static func join(_ hub: Hub, port: Int, receiver: Reader) throws -> Client {
        let origin = ClientOrigin(transport: .tcp, host: "127.0.0.1", port: port)
        guard let client = hub.join(origin, wire: .line, receiver: receiver) else { throw ClientLimitReached() }
        hub.endTick()
        receiver.byteCount = 0
        return client
    }
}

/// A reader that copies the bytes of each tick over those of the tick before, and counts them.
private final class Reader: MemoryReceiver {
    var byteCount = 0
    private var bytes: [UInt8] = []

    func write(_ pieces: [UnsafeRawBufferPointer]) {
        self.bytes.removeAll(keepingCapacity: true)
        for piece in pieces { self.bytes.append(contentsOf: piece) }
        self.byteCount += self.bytes.count
    }

    func close() {}
}

private struct ClientLimitReached: Error {}
