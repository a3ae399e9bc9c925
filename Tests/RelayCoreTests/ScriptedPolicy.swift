// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayCore

/// Rules made of closures, with a transcript of the calls, that notice a call from within another.
final class ScriptedPolicy: RelayPolicy {
    var onName: (Client) -> String? = { _ in nil }
    var onConnected: (Client) -> Void = { _ in }
    var onDisconnected: (Client, String) -> Void = { _, _ in }
    var onRelay: (Message) -> Void = { _ in }
    var onTell: (Client, Occasion) -> String? = { _, _ in nil }

    private(set) var calls: [String] = []
    private(set) var wasCalledFromWithin = false
    private var isBusy = false
    private var told: [UnsafeMutableRawBufferPointer] = []

    deinit {
        for text in self.told { text.deallocate() }
    }

    func name(of client: Client) -> String? {
        self.call("name \(client.id)") { self.onName(client) }
    }

    func connected(_ client: Client) {
        self.call("connected \(client.name.string)") { self.onConnected(client) }
    }

    func disconnected(_ client: Client, reason: String) {
        self.call("disconnected \(client.name.string): \(reason)") { self.onDisconnected(client, reason) }
    }

    func relay(_ message: Message) {
        let text = String(decoding: message.text, as: UTF8.self)
        self.call("relay \(message.sender.name.string): \(text)") { self.onRelay(message) }
    }

    func tell(_ client: Client, _ occasion: Occasion) -> UnsafeRawBufferPointer? {
        let text = self.call("tell \(client.name.string): \(occasion.rawValue)") { self.onTell(client, occasion) }
        guard let text else { return nil }
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
        copy.copyBytes(from: text.utf8)
        self.told.append(copy)
        return UnsafeRawBufferPointer(copy)
    }

    /// The calls since this was last asked.
    func takeCalls() -> [String] {
        defer { self.calls.removeAll() }
        return self.calls
    }

    private func call<Answer>(_ name: String, _ body: () -> Answer) -> Answer {
        if self.isBusy { self.wasCalledFromWithin = true }
        self.isBusy = true
        defer { self.isBusy = false }
        self.calls.append(name)
        return body()
    }
}
