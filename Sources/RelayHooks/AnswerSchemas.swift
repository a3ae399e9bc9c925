// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LatencyMonitor
internal import LuaScripting
internal import RelayCore

/// What the hooks of each question and filter may answer.
struct AnswerSchemas {
    let admit: LuaAnswerSchema
    let name: LuaAnswerSchema
    let ping: LuaAnswerSchema
    let message: LuaAnswerSchema
    let route: LuaAnswerSchema
    let format: LuaAnswerSchema
    let systemMessage: LuaAnswerSchema
    let console: LuaAnswerSchema
    let latency: LuaAnswerSchema
    let alert: LuaAnswerSchema
    let chatConnect: LuaAnswerSchema
    let chatHello: LuaAnswerSchema
    let chatSend: LuaAnswerSchema
    let chatReceive: LuaAnswerSchema
    let chatClose: LuaAnswerSchema

    init(limits: Limits, types: HookAPI.Types) {
        func text(_ event: StaticString, longest: Int, acceptsFalse: Bool = true) -> LuaAnswerSchema {
            LuaAnswerSchema(
                event: event,
                accepted: [.bytes],
                acceptsFalse: acceptsFalse,
                longest: longest,
                expected: acceptsFalse ? "a string, false or nil" : "a string or nil"
            )
        }
        self.admit = LuaAnswerSchema(
            event: "admit",
            accepted: [.bytes, .object(types.pending)],
            acceptsFalse: true,
            takesReason: true,
            longest: limits.answerBytes,
            expected: "a string to ask, false and a reason, relay.pending(), or nil"
        )
        self.ping = text("ping", longest: limits.answerBytes)
        self.name = text("name", longest: limits.nameBytes, acceptsFalse: false)
        self.message = text("message", longest: limits.answerBytes)
        self.format = text("format", longest: limits.answerBytes)
        self.systemMessage = text("system_message", longest: limits.answerBytes)
        self.chatConnect = text("chat_connect", longest: limits.answerBytes)
        self.chatHello = text("chat_hello", longest: limits.messageBytes)
        self.chatReceive = text("chat_receive", longest: limits.answerBytes)
        self.chatClose = text("chat_close", longest: limits.answerBytes)
        self.chatSend = LuaAnswerSchema(
            event: "chat_send",
            accepted: [.bytes, .object(types.quit)],
            acceptsFalse: true,
            longest: limits.messageBytes,
            expected: "a string, relay.quit, false or nil"
        )
        self.route = LuaAnswerSchema(
            event: "route",
            accepted: [.object(types.route)],
            acceptsFalse: true,
            longest: 0,
            expected: "a route (relay.others, relay.everyone, relay.room, relay.only), false or nil"
        )
        self.console = LuaAnswerSchema(
            event: "console",
            accepted: [.bytes, .list],
            acceptsFalse: true,
            // The text, and a line for each recipient.
            longest: 4 * limits.answerBytes + limits.clients * (limits.nameBytes + 32),
            expected: "a line, a list of lines, false or nil"
        )
        self.latency = LuaAnswerSchema(
            event: "latency",
            accepted: [.bytes],
            acceptsFalse: false,
            highestLevel: HealthStatus.worst,
            longest: limits.nameBytes,
            expected: "a status's name and a level from 0 (good) to 3 (down), or nil"
        )
        self.alert = LuaAnswerSchema(
            event: "alert",
            accepted: [.record],
            acceptsFalse: true,
            longest: 0,
            expected: "a mail ({ subject = ..., text = ..., html = ..., to = ... }), false or nil"
        )
    }
}
