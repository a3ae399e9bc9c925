// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import HostSettings
import TestSupport
import Testing

@testable import ChatClient

#if canImport(Glibc)
import Glibc
#endif

/// The chat client over UDP: what it says and when.
@Suite struct DatagramSessionTests: SessionStage {
    @Test func `it begins with a first text, shows nothing of its own, and leaves without a word`() throws {
        let session = try self.session(.datagrams)
        #expect(self.wants(session) == ["connect"])
        session.connected(at: 0)
        #expect(self.wants(session) == ["send Novo participante no chat."])
        session.sent(at: 0)
        session.received(Array("um\ndois".utf8), at: 0)
        session.received([], at: 0)
        session.received([0x6F, 0xC3], at: 0)
        #expect(self.wants(session) == ["show um\ndois", "show ", "show o\u{FFFD}"])
        self.type("/sair", into: session, at: 1)
        #expect(self.wants(session) == ["close", "exit 0"])
    }

    @Test func `texts go one by one, a moment apart, and those before the end go still`() throws {
        let session = try self.session(.datagrams)
        session.connected(at: 0)
        _ = self.wants(session)
        self.type("um", "dois", "/sair", into: session)
        #expect(self.wants(session) == [])
        session.sent(at: 0)
        #expect(self.wants(session) == [])
        session.tick(at: 0.001)
        #expect(self.wants(session) == ["send um"])
        session.sent(at: 0.001)
        session.tick(at: 0.0015)
        #expect(self.wants(session) == [])
        #expect(session.deadline == 0.002)
        session.tick(at: 0.002)
        #expect(self.wants(session) == ["send dois"])
        session.sent(at: 0.002)
        #expect(self.wants(session) == ["close", "exit 0"])
    }

    @Test func `at the end of input it waits a second for answers`() throws {
        let session = try self.session(.datagrams)
        session.connected(at: 0)
        session.sent(at: 0)
        _ = self.wants(session)
        session.inputEnded(at: 1)
        #expect(self.wants(session) == ["finish"])
        session.received(Array("resposta".utf8), at: 1.5)
        #expect(self.wants(session) == ["show resposta"])
        session.tick(at: 2.4)
        #expect(self.wants(session) == [])
        session.tick(at: 2.5)
        #expect(self.wants(session) == ["close", "exit 0"])
    }

    @Test func `an address where nobody listens is an error of receiving`() throws {
        let session = try self.session(.datagrams)
        session.connected(at: 0)
        session.sent(at: 0)
        _ = self.wants(session)
        session.ended("nobody listens there", at: 1)
        #expect(
            self.wants(session) == [
                "close", "show Erro ao receber mensagem.", "notice h:1 cannot be reached: nobody listens there",
                "exit 1",
            ]
        )
    }

    /// An IPv4 loopback address as the system resolves it.
    private func address(_ port: Int) -> Resolution.Address {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = in_port_t(port).bigEndian
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return Resolution.Address(family: AF_INET, bytes: withUnsafeBytes(of: name) { Array($0) })
    }

    @Test func `where all of its ports are taken it takes another one`() throws {
        let server = try DatagramPeer(to: 1)
        let held = try DatagramPeer(to: 1)
        let link = ChatDatagrams(to: Resolution(found: [self.address(server.port)]), from: held.port...held.port)
        defer { link.drop() }
        #expect(link.proceed(0, reads: true, at: 0) == [.connected])
        link.send(Array("oi".utf8))
        #expect(server.receive() == "oi")
    }

    @Test func `a host of several addresses is tried at each, with all that was sent`() throws {
        let server = try DatagramPeer(to: 1)
        let closed = try DatagramPeer.closed()
        let link = ChatDatagrams(to: Resolution(found: [self.address(closed.port), self.address(server.port)]))
        defer { link.drop() }
        #expect(link.proceed(0, reads: true, at: 0) == [.connected])
        link.send(Array("oi".utf8))
        var events: [ChatLinkEvent] = []
        // Nobody listens at the first.
        try poll("the text arrives: \(events)") {
            var polled = [link.polled(reads: true)]
            _ = Glibc.poll(&polled, 1, 10)
            events += link.proceed(polled[0].revents, reads: true, at: 0)
            return server.hasMail
        }
        #expect(server.receive() == "oi")
        link.send(Array("olá".utf8))
        #expect(server.receive() == "olá")
        #expect(events == [.sent])
    }

    @Test func `datagrams of others are not shown`() throws {
        let server = try DatagramPeer(to: 1)
        let link = ChatDatagrams(to: Resolution(found: [self.address(server.port)]))
        defer { link.drop() }
        _ = link.proceed(0, reads: true, at: 0)
        link.send(Array("oi".utf8))
        let port = server.receiveFrom().port
        try DatagramPeer(to: port).send("de outro")
        server.send("do servidor", to: "127.0.0.1", port: port)
        var events: [ChatLinkEvent] = []
        try poll("an answer comes") {
            var polled = [link.polled(reads: true)]
            _ = Glibc.poll(&polled, 1, 10)
            events += link.proceed(polled[0].revents, reads: true, at: 0).filter { $0 != .sent }
            return !events.isEmpty
        }
        #expect(events == [.received(Array("do servidor".utf8))])
    }
}
