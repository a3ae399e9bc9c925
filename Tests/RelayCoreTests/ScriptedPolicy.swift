// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayCore

/// Rules made of closures, with a transcript of the calls, that notice a call from within another.
final class ScriptedPolicy: RelayPolicy {
    var onAdmit: (Client, String?) -> (prompt: String?, refusal: String?) = { _, _ in (nil, nil) }
    var onPing: (String, ClientOrigin) -> String? = { _, _ in nil }
    /// Whether a text of a client is a ping.
    var isPing: (Message) -> Bool = { _ in false }
    weak var hub: Hub?
    var onName: (Client) -> String? = { _ in nil }
    var onConnected: (Client) -> Void = { _ in }
    var onDisconnected: (Client, String) -> Void = { _, _ in }
    var onRelay: (Message) -> Void = { _ in }
    var onSystemMessage: (Client, SystemMessageKind) -> String? = { _, _ in nil }

    private(set) var calls: [String] = []
    private(set) var wasCalledFromWithin = false
    private var isBusy = false
    private var told: [UnsafeMutableRawBufferPointer] = []

    deinit {
        for text in self.told { text.deallocate() }
    }

    func admit(_ client: Client, _ text: UnsafeRawBufferPointer?) -> Admission {
        let text = text.map { String(decoding: $0, as: UTF8.self) }
        let answer = self.onAdmit(client, text)
        if let prompt = answer.prompt {
            self.calls.append("admit \(client.id): prompted after \(text ?? "nothing")")
            return .prompt(self.keep(prompt))
        }
        guard let refusal = answer.refusal else { return .letIn }
        self.calls.append("admit \(client.id): refused after \(text ?? "nothing")")
        return .refuse(refusal.isEmpty ? nil : self.keep(refusal))
    }

    func ping(_ text: UnsafeRawBufferPointer, from origin: ClientOrigin) -> UnsafeRawBufferPointer? {
        self.onPing(String(decoding: text, as: UTF8.self), origin).map { self.keep($0) }
    }

    func unreachable(_ client: Client) { self.calls.append("unreachable \(client.name.string)") }

    func admissionRejected(_ client: Client) { self.calls.append("turned away \(client.id)") }

    func name(of client: Client) -> String? {
        self.call("name \(client.id)") { self.onName(client) }
    }

    func connected(_ client: Client) {
        self.call("connected \(client.name.string)") { self.onConnected(client) }
    }

    func disconnected(_ client: Client, reason: String) {
        self.call("disconnected \(client.name.string): \(reason)") { self.onDisconnected(client, reason) }
    }

    func relay(_ message: Message) -> Bool {
        let isPing = self.isPing(message)
        self.hub?.note(from: message.sender, isPing: isPing)
        let text = String(decoding: message.text, as: UTF8.self)
        self.call("relay \(message.sender.name.string): \(text)") { self.onRelay(message) }
        return isPing
    }

    func systemMessage(_ kind: SystemMessageKind, for client: Client) -> UnsafeRawBufferPointer? {
        let text = self.call("system message \(client.name.string): \(kind.rawValue)") {
            self.onSystemMessage(client, kind)
        }
        return text.map { self.keep($0) }
    }

    private func keep(_ text: String) -> UnsafeRawBufferPointer {
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
