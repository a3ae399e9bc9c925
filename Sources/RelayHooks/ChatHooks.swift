// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
public import Logging
public import LuaScripting
public import RelayCore

/// The server that a chat client talks to, as scripts see it.
public struct ChatServer: Sendable {
    /// The name or address that was asked for.
    public var host: String
    /// The port.
    public var port: Int
    /// Both, as one writes them: `HOST:PORT`.
    public var address: String
    /// What carries the chat.
    public var transport: TransportKind

    /// Describes a server.
    public init(host: String, port: Int, address: String, transport: TransportKind) {
        self.host = host
        self.port = port
        self.address = address
        self.transport = transport
    }
}

/// Answers the chat client's questions with the hooks of `chat.lua`.
///
/// Confined to one thread, like the Lua state it owns.
public final class ChatHooks {
    /// What becomes of a typed text.
    public enum Sending: Equatable, Sendable {
        /// This is sent.
        case send([UInt8])
        /// Nothing is sent: a hook says so.
        case nothing
        /// Nothing is sent: a hook failed that was to decide about it.
        case failed
        /// The chat is left.
        case quit
    }

    private let engine: HookEngine
    private let server: ChatServer

    /// Loads `chat.lua` and what it requires.
    ///
    /// - Parameters:
    ///   - server: The server that events are about.
    ///   - scripts: The Lua files.
    ///   - limits: Bounds of texts, answers and hooks.
    ///   - luaLimits: What the scripts may use.
    ///   - values: What operators set for them.
    ///   - logger: The operational log.
    ///   - version: The program's version, `relay.version` in Lua.
    /// - Throws: ``ScriptError`` for scripts that do not load.
    public init(
        server: ChatServer,
        scripts: ScriptSet,
        limits: Limits = Limits(),
        luaLimits: LuaLimits = LuaLimits(),
        values: ScriptValues = ScriptValues(),
        logger: Logger,
        version: String
    ) throws {
        self.server = server
        self.engine = try HookEngine(
            // It never has clients: the engine takes limits and clock from it.
            hub: Hub(limits: limits, clock: { Date().timeIntervalSince1970 }),
            program: .chat,
            scripts: scripts,
            limits: luaLimits,
            values: values,
            console: nil,
            logger: logger,
            version: version
        )
    }

    /// Called with each failure of a hook, beside the log.
    public var onFailure: ((HookFailure) -> Void)? {
        get { self.engine.observers.onFailure }
        set { self.engine.observers.onFailure = newValue }
    }

    /// What each hook has done, in the order in which they run.
    public var hookStatus: [HookStatus] { self.engine.hookStatus }

    /// The chat is connected: asks `chat_connect` for a line to show.
    public func connected() -> [UInt8]? {
        self.ask(.chatConnect, self.engine.loaded.schemas.chatConnect)
    }

    /// Asks `chat_hello` for a first text to send.
    public func hello() -> [UInt8]? {
        self.ask(.chatHello, self.engine.loaded.schemas.chatHello)
    }

    /// The connection has ended: asks `chat_close` for a line to show.
    ///
    /// - Parameter reason: `left`, `closed` by the server, or `lost`.
    /// - Returns: The line, if there is one.
    public func closed(reason: String) -> [UInt8]? {
        self.ask(.chatClose, self.engine.loaded.schemas.chatClose, reason: reason)
    }

    /// Passes a typed text through the `chat_send` hooks.
    public func sending(_ text: UnsafeRawBufferPointer) -> Sending {
        switch self.filter(.chatSend, self.engine.loaded.schemas.chatSend, text) {
        case .text(let bytes): .send(bytes)
        case .withheld: .nothing
        case .failed: .failed
        case .object: .quit
        }
    }

    /// Passes a received text through the `chat_receive` hooks; nil if it is not to be shown.
    public func received(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        guard case .text(let bytes) = self.filter(.chatReceive, self.engine.loaded.schemas.chatReceive, text) else {
            return nil
        }
        return bytes
    }

    private func ask(_ event: HookEvent, _ answer: LuaAnswerSchema, reason: String? = nil) -> [UInt8]? {
        let object = LuaValue.object(LuaObject(type: self.engine.loaded.types.server, id: 0))
        let reason = reason.map { PinnedString($0) }
        var text: [UInt8]?
        self.engine.hub.runPolicy {
            let second = reason.map { LuaValue.bytes($0.bytes) }
            _ = self.engine.ask(
                self.engine.loaded.lists[event],
                about: HookSubject(server: self.server),
                answer,
                object,
                second
            ) { answer in
                if case .bytes(let bytes) = answer { text = Array(bytes) }
            }
        }
        return text
    }

    /// What became of a text that went through the hooks of a filter.
    private enum Filtered {
        case text([UInt8])
        /// A hook answered `false`.
        case withheld
        /// A hook failed or is paused whose failure counts as that.
        case failed
        /// A hook answered an object.
        case object
    }

    /// Leads a text through the hooks of a filter: each gets what the ones before it left.
    private func filter(_ event: HookEvent, _ answer: LuaAnswerSchema, _ text: UnsafeRawBufferPointer) -> Filtered {
        let engine = self.engine
        let list = engine.loaded.lists[event]
        guard !list.isEmpty else { return .text(Array(text)) }
        return engine.hub.runPolicy {
            engine.run(files: list.hooks.fileCount, about: HookSubject(server: self.server)) {
                let current = TickBuffer()
                current.append(text)
                var stage = HookStage(list, answer, .bytes(current[0..<current.count]))
                while true {
                    switch engine.next(&stage) {
                    case .none: return .text(Array(current[0..<current.count]))
                    case .value(.bytes(let bytes)):
                        current.reset()
                        current.append(bytes)
                        stage.setFirst(.bytes(current[0..<current.count]))
                    case .value(.object): return .object
                    case .value: return .withheld
                    case .failure: return .failed
                    }
                }
            }
        }
    }
}
