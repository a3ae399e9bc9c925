// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Testing

@testable import ChatClient

/// The session when connections fail and are lost.
@Suite struct ChatReconnectTests: SessionStage {
    @Test func `reconnecting pauses longer each time, and says so`() throws {
        let session = try self.session(reconnect: true)
        var pauses: [String] = []
        var time = 0.0
        for _ in 0..<7 {
            _ = self.wants(session)
            session.failed("connection refused", at: time)
            pauses += self.wants(session)
            time = try #require(session.deadline)
            session.tick(at: time - 0.01)
            #expect(self.wants(session) == [])
            session.tick(at: time)
            #expect(session.actions == [.connect])
        }
        let head = "notice cannot connect to h:1: connection refused; trying again in "
        #expect(pauses == ["1 s", "2 s", "4 s", "8 s", "16 s", "30 s", "30 s"].map { head + $0 })
    }

    @Test func `after a good connection the pauses begin anew, after a short one they do not`() throws {
        let session = try self.session(reconnect: true)
        session.failed("x", at: 0)
        session.tick(at: 1)
        session.connected(at: 1)
        session.sent(at: 1)
        _ = self.wants(session)
        session.ended(nil, at: 2)
        #expect(
            self.wants(session) == [
                "close", "show Desconectado do servidor.", "notice h:1 closed the connection; trying again in 2 s",
            ]
        )
        session.tick(at: 4)
        session.connected(at: 4)
        session.sent(at: 4)
        _ = self.wants(session)
        session.ended("reset by the server", at: 20)
        #expect(
            self.wants(session).last
                == "notice the connection to h:1 was lost: reset by the server; trying again in 1 s"
        )
    }

    @Test func `what was not sent is sent on the next connection, each text once and in order`() throws {
        let session = try self.session(reconnect: true)
        session.connected(at: 0)
        self.type("um", into: session)
        self.type("dois", into: session)
        session.sent(at: 0)
        session.sent(at: 0)
        #expect(self.wants(session).suffix(3) == ["send \n", "send um\n", "send dois\n"])
        session.ended("reset by the server", at: 0)
        self.type("três", into: session)
        session.inputEnded(at: 0)
        _ = self.wants(session)
        session.tick(at: 1)
        session.connected(at: 1)
        #expect(self.wants(session) == ["connect", "show Conectado ao servidor.", "send \n", "send dois\ntrês\n"])
        session.sent(at: 1)
        session.sent(at: 1)
        session.ended(nil, at: 1)
        #expect(self.wants(session).last == "exit 0")
    }

    @Test func `the first text of the hooks comes first, on every connection and once`() throws {
        let session = try self.session(reconnect: true, script: "relay.on('chat_hello', function() return 'OI' end)")
        self.type("antes", into: session)
        session.connected(at: 0)
        #expect(self.wants(session) == ["connect", "send \nOI\n", "send antes\n"])
        session.ended(nil, at: 0)
        _ = self.wants(session)
        session.tick(at: 1)
        session.connected(at: 1)
        #expect(self.wants(session) == ["connect", "send \nOI\n", "send antes\n"])
    }

    @Test func `what the server does not have yet is waited for, and told if it never does`() throws {
        let session = try self.session()
        session.connected(at: 0)
        session.sent(at: 0)
        session.inputEnded(at: 0)
        _ = self.wants(session)
        session.tick(at: 1, unacknowledged: 5)
        #expect(session.deadline == 1.1)
        session.tick(at: 29, unacknowledged: 5)
        #expect(self.wants(session) == [])
        session.tick(at: 31, unacknowledged: 5)
        #expect(
            self.wants(session) == [
                "notice h:1 did not take the last 5 bytes", "close", "show Desconectado do servidor.", "exit 1",
            ]
        )
    }

    @Test func `an interruption while answers are awaited waits no longer`() throws {
        let session = try self.session()
        session.connected(at: 0)
        session.sent(at: 0)
        session.inputEnded(at: 0)
        _ = self.wants(session)
        session.interrupted(code: 130, at: 0)
        #expect(self.wants(session) == ["close", "show Desconectado do servidor.", "exit 130"])
    }

    @Test func `raw texts that were not sent keep their order, too`() throws {
        let session = try self.session(.raw, reconnect: true)
        session.connected(at: 0)
        self.type("um", "dois", "três", into: session)
        session.ended("reset by the server", at: 0)
        _ = self.wants(session)
        session.tick(at: 1)
        session.connected(at: 1)
        #expect(self.wants(session).suffix(1) == ["send um"])
        session.sent(at: 1)
        session.tick(at: 2)
        #expect(self.wants(session) == ["send dois"])
    }

    @Test func `with nothing left to send the end of input ends the reconnecting`() throws {
        let session = try self.session(reconnect: true)
        session.failed("x", at: 0)
        _ = self.wants(session)
        session.inputEnded(at: 0)
        #expect(self.wants(session) == ["exit 1"], "there never was a connection")

        let other = try self.session(reconnect: true)
        other.connected(at: 0)
        other.sent(at: 0)
        other.ended(nil, at: 0)
        _ = self.wants(other)
        other.inputEnded(at: 0)
        #expect(self.wants(other) == ["exit 0"])
    }
}
