// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Logging
internal import LuaScripting
public import RelayCore

extension HookEngine: RelayPolicy {
    /// Asks the `name` handlers.
    public func name(of client: Client) -> String? {
        var name: String?
        self.ask(.name, self.shapes?.name, self.object(client)) { answer in
            guard case .bytes(let bytes) = answer else { return }
            name = String(validating: bytes, as: UTF8.self)
            if name == nil {
                self.logger.error("a name was refused: it is not UTF-8", metadata: ["client": "\(client.id)"])
            }
        }
        // A handler may have read the address in its place.
        if let types = self.types { self.state?.changed(types.client, client.id) }
        return name
    }

    /// Runs the `connect` handlers, then asks the console's.
    public func connected(_ client: Client) {
        self.notify(.connect, self.object(client))
        self.show(ConsoleEvent(kind: "connect", client: client, transport: Label(client.origin.transport)))
    }

    /// Runs the `disconnect` handlers, then asks the console's; after that scripts cannot read the client any more.
    public func disconnected(_ client: Client, reason: String) {
        self.departing = client
        if let types = self.types { self.state?.changed(types.client, client.id) }
        let reason = Label(reason)
        self.notify(.disconnect, self.object(client), .bytes(reason.bytes))
        self.show(
            ConsoleEvent(kind: "disconnect", client: client, reason: reason, transport: Label(client.origin.transport))
        )
        self.departing = nil
        self.forget(client)
    }

    /// Runs a message through all its handlers, in one entry into Lua.
    public func relay(_ message: Message) {
        guard let run = self.message else { return }
        run.begin(message)
        self.execute(run)
        run.end()
    }

    /// Asks the `tell` handlers.
    public func tell(_ client: Client, _ occasion: Occasion) -> UnsafeRawBufferPointer? {
        guard !self.registry.handlers(for: .tell).isEmpty else { return nil }
        let kind = Label(occasion.rawValue)
        let isStranger = self.hub.client(client.id) == nil
        if isStranger { self.departing = client }
        var hasAnswer = false
        self.ask(.tell, self.shapes?.tell, self.object(client), .bytes(kind.bytes)) { answer in
            guard case .bytes(let bytes) = answer else { return }
            self.told.reset()
            self.told.append(bytes)
            hasAnswer = true
        }
        if isStranger {
            self.departing = nil
            self.forget(client)
        }
        return hasAnswer ? self.told[0..<self.told.count] : nil
    }

    /// Lets Lua collect a client once no script holds it; what scripts read from it then is nil.
    private func forget(_ client: Client) {
        guard let types = self.types else { return }
        self.state?.changed(types.client, client.id)
        self.state?.forget(types.client, client.id)
    }
}
