// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import HostSettings
import Logging
import RelayCore
import RelayHooks
import StockScripts

@testable import ChatClient

/// What tests of the session share: a session, somebody who types, and what it wants done in words.
protocol SessionStage {}

extension SessionStage {
    func session(
        _ framing: ChatFraming = .lines,
        reconnect: Bool = false,
        script: String? = nil
    ) throws -> ChatSession {
        let own = script.map { ["chat.lua": Array($0.utf8)] } ?? [:]
        let hooks = try ChatHooks(
            server: ChatServer(
                host: "h",
                port: 1,
                address: "h:1",
                transport: framing == .datagrams ? .udp : .tcp
            ),
            scripts: ScriptSet(stock: StockScripts.files, own: own),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            version: "9.9.9"
        )
        return ChatSession(server: Endpoint(host: "h", port: 1), framing: framing, reconnects: reconnect, hooks: hooks)
    }

    /// What the session wants done since the last look, in words.
    func wants(_ session: ChatSession) -> [String] {
        while session.isBehind { session.step() }
        return session.takeActions()
            .map { action in
                switch action {
                case .connect: "connect"
                case .send(let bytes): "send " + String(decoding: bytes, as: UTF8.self)
                case .finish: "finish"
                case .close: "close"
                case .show(let text): "show " + String(decoding: text, as: UTF8.self)
                case .notice(let text): "notice " + text
                case .exit(let code): "exit \(code)"
                }
            }
    }

    func type(_ lines: String..., into session: ChatSession, at time: Double = 0) {
        for line in lines { session.typed(Array(line.utf8), at: time) }
        session.flush(at: time)
    }
}
