// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Testing

@testable import ChatClient

/// The session without input or output: what it wants done, in the order in which it wants it.
@Suite struct ChatSessionTests: SessionStage {
    @Test func `a chat from beginning to end of input`() throws {
        let session = try self.session()
        #expect(self.wants(session) == ["connect"])
        session.connected(at: 0)
        #expect(self.wants(session) == ["show Conectado ao servidor.", "send \n"])
        session.sent(at: 0)
        self.type("oi", "", "tudo bem?", into: session)
        #expect(self.wants(session) == ["send oi\ntudo bem?\n"])
        session.received(Array("olá\num".utf8), at: 1)
        #expect(self.wants(session) == ["show olá"])
        session.inputEnded(at: 2)
        #expect(self.wants(session) == [], "something is still on its way")
        session.sent(at: 2)
        #expect(self.wants(session) == ["finish"])
        session.received(Array(" dois\ntrês".utf8), at: 2)
        session.ended(nil, at: 2)
        #expect(
            self.wants(session) == [
                "show um dois", "show três", "close", "show Desconectado do servidor.", "exit 0",
            ]
        )
    }

    @Test func `lines typed before the connection stands are sent once it does`() throws {
        let session = try self.session()
        self.type("um", "dois", into: session)
        session.inputEnded(at: 0)
        #expect(self.wants(session) == ["connect"])
        session.connected(at: 1)
        #expect(self.wants(session) == ["show Conectado ao servidor.", "send \n", "send um\ndois\n"])
    }

    @Test func `a server that stays silent or never stops is left all the same`() throws {
        for talks in [false, true] {
            let session = try self.session()
            session.connected(at: 0)
            session.sent(at: 0)
            session.inputEnded(at: 10)
            var time = 10.0
            while !self.wants(session).contains("exit 0") {
                time = try #require(session.deadline)
                if talks, time < 14.9 {
                    time -= 0.1
                    session.received([0x78, 0x0A], at: time)
                }
                session.tick(at: time)
            }
            #expect(talks ? time == 15 : time == 11)
        }
    }

    @Test func `sair leaves without waiting for anything but what was typed before`() throws {
        let session = try self.session()
        session.connected(at: 0)
        session.sent(at: 0)
        self.type("adeus", "/sair", "not this", into: session)
        #expect(self.wants(session) == ["connect", "show Conectado ao servidor.", "send \n", "send adeus\n"])
        session.sent(at: 0)
        #expect(self.wants(session) == ["finish"])
        session.ended("reset by the server", at: 0)
        #expect(self.wants(session) == ["close", "show Desconectado do servidor.", "exit 0"])
    }

    @Test func `a server that takes nothing is left by whoever quits, who is told`() throws {
        let session = try self.session()
        session.connected(at: 0)
        self.type("um", "dois", "/sair", into: session, at: 1)
        _ = self.wants(session)
        #expect(session.deadline == 6)
        session.tick(at: 6)
        #expect(
            self.wants(session) == [
                "close", "notice 2 texts were not sent to h:1: it takes nothing", "show Desconectado do servidor.",
                "exit 1",
            ]
        )
    }

    @Test func `sair before the connection stands waits for it, if not for long`() throws {
        let session = try self.session()
        self.type("antes", "/sair", into: session)
        #expect(self.wants(session) == ["connect"])
        session.connected(at: 1)
        #expect(self.wants(session) == ["show Conectado ao servidor.", "send \n", "send antes\n"])
        session.sent(at: 1)
        session.sent(at: 1)
        #expect(self.wants(session) == ["finish"])

        let refused = try self.session()
        self.type("/sair", into: refused)
        refused.failed("connection refused", at: 1)
        #expect(self.wants(refused).last == "exit 1")

        let silent = try self.session(reconnect: true)
        self.type("antes", "/sair", into: silent)
        silent.failed("connection refused", at: 1)
        silent.tick(at: 2)
        #expect(silent.deadline == 5)
        silent.tick(at: 5)
        #expect(
            self.wants(silent) == [
                "connect", "notice cannot connect to h:1: connection refused; trying again in 1 s", "connect",
                "notice 1 text was not sent to h:1: there was no time", "exit 1",
            ]
        )
    }

    @Test func `sair between two attempts ends in time, too`() throws {
        let session = try self.session(reconnect: true)
        session.failed("x", at: 0)
        session.tick(at: 1)
        session.failed("x", at: 1)
        self.type("antes", "/sair", into: session, at: 2)
        session.tick(at: 3)
        session.failed("x", at: 4)
        _ = self.wants(session)
        #expect(session.deadline == 7)
        session.tick(at: 7)
        #expect(self.wants(session) == ["notice 1 text was not sent to h:1: there was no time", "exit 1"])
    }

    @Test func `an interruption before the connection stands waits for nothing`() throws {
        for fails in [false, true] {
            let session = try self.session(reconnect: true)
            self.type("antes", into: session)
            if fails { session.failed("x", at: 0) }
            _ = self.wants(session)
            session.interrupted(code: 130, at: 0)
            #expect(self.wants(session) == ["notice 1 text was not sent to h:1: there was no time", "exit 130"])
        }
    }

    @Test func `a second interruption waits for nothing`() throws {
        let session = try self.session()
        session.connected(at: 0)
        _ = self.wants(session)
        session.interrupted(code: 130, at: 0)
        #expect(self.wants(session) == [])
        session.interrupted(code: 130, at: 0)
        #expect(self.wants(session) == ["exit 130"])
    }

    @Test func `a connection that fails says so and ends with 1`() throws {
        let session = try self.session()
        session.failed("connection refused", at: 0)
        #expect(self.wants(session) == ["connect", "notice cannot connect to h:1: connection refused", "exit 1"])
    }

    @Test func `a reset says so and ends with 1, also while answers are awaited`() throws {
        for atEnd in [false, true] {
            let session = try self.session()
            session.connected(at: 0)
            session.sent(at: 0)
            if atEnd { session.inputEnded(at: 0) }
            _ = self.wants(session)
            session.ended("reset by the server", at: 1)
            #expect(
                self.wants(session) == [
                    "close", "show Desconectado do servidor.",
                    "notice the connection to h:1 was lost: reset by the server",
                    "exit 1",
                ]
            )
        }
    }

    @Test func `a server that closes in order ends the chat with 0, unless something was not sent`() throws {
        let session = try self.session()
        session.connected(at: 0)
        session.sent(at: 0)
        _ = self.wants(session)
        session.ended(nil, at: 1)
        #expect(self.wants(session) == ["close", "show Desconectado do servidor.", "exit 0"])

        let other = try self.session()
        other.connected(at: 0)
        self.type("um", "dois", into: other)
        _ = self.wants(other)
        other.ended(nil, at: 1)
        #expect(
            self.wants(other) == [
                "close", "show Desconectado do servidor.",
                "notice 2 texts were not sent to h:1: it closed the connection",
                "exit 1",
            ]
        )
    }

    @Test func `raw texts leave one by one and as they are`() throws {
        let session = try self.session(.raw)
        session.connected(at: 0)
        self.type("um", "dois", into: session)
        #expect(self.wants(session) == ["connect", "show Conectado ao servidor.", "send um"])
        session.sent(at: 1)
        #expect(self.wants(session) == [])
        session.tick(at: try #require(session.deadline))
        #expect(self.wants(session) == ["send dois"])
        session.received(Array("a\nb".utf8), at: 2)
        #expect(self.wants(session) == ["show a\nb"])
    }

    @Test func `input is not read on while too much waits`() throws {
        let session = try self.session()
        session.connected(at: 0)
        session.sent(at: 0)
        #expect(session.wantsInput)
        self.type(String(repeating: "x", count: 300_000), into: session)
        #expect(!session.wantsInput)
        session.sent(at: 0)
        #expect(session.wantsInput)
        session.inputEnded(at: 0)
        #expect(!session.wantsInput)
    }

    @Test func `a line whose hook fails is not sent as it was typed, and whoever typed it is told`() throws {
        let session = try self.session(
            script:
                #"relay.on("chat_send", function(text) return (text:gsub("s3gredo", "***" .. (text == "x" and nil))) end)"#
        )
        session.connected(at: 0)
        _ = self.wants(session)
        session.sent(at: 0)
        self.type("o s3gredo", "outro", into: session)
        let notice = "notice a line was not sent: its chat_send hook failed"
        #expect(self.wants(session) == [notice, notice])
        session.inputEnded(at: 0)
        session.ended(nil, at: 0)
        #expect(self.wants(session).last == "exit 1")
    }

    @Test func `hooks change, hold back and answer texts, and break no line`() throws {
        let session = try self.session(
            script: """
                relay.on("chat_hello", function() return "Oi\\na todos" end)
                relay.on("chat_send", function(text) if text == "x" then return false end return text:upper() end)
                relay.on("chat_receive", function(text) if text == "spam" then return false end end)
                """
        )
        session.connected(at: 0)
        #expect(self.wants(session) == ["connect", "send \nOi a todos\n"])
        session.sent(at: 0)
        self.type("x", "oi", into: session)
        session.received(Array("spam\nok\n".utf8), at: 0)
        #expect(self.wants(session) == ["send OI\n", "show ok"])
    }
}
