// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import TestSupport
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// `luar serve` and `luar chat --udp` as processes.
@Suite(.timeLimit(.minutes(15))) struct UDPServeTests {
    private let hello = "Novo participante no chat."

    /// Runs a relay on a UDP port of its own.
    private func serve(
        _ arguments: [String] = [],
        environment: [String: String] = [:],
        files: [String: String] = [:],
        _ body: (Program, Int) async throws -> Void
    ) async throws {
        let all = ["--udp", "127.0.0.1:0"] + arguments
        try await LiveServe.run(all, environment: environment, files: files) { relay, _ in
            try relay.logs(" listening udp.address=127.0.0.1:")
            let address = try #require(relay.error.firstMatch(of: /udp\.address=127\.0\.0\.1:(\d+)/))
            try await body(relay, try #require(Int(address.1)))
        }
    }

    private func chat(
        _ port: Int,
        _ arguments: [String] = [],
        files: [String: String] = [:],
        _ body: (Program) async throws -> Void
    ) async throws {
        try await LiveServe.chat(port, ["--udp"] + arguments, files: files, body)
    }

    @Test(.enabled(if: Python.interpreter != nil, "needs python3"))
    func `two of luar chat and two original Python clients share a room`() async throws {
        try await self.serve { relay, port in
            let folder = try TemporaryFolder(["client.py": try Originals.text("udp_client.py", port: port)])
            defer { folder.remove() }
            let python = ["-u", "\(folder.path)/client.py"]
            /// The name of the client that said hello last.
            func newest(_ count: Int) throws -> String {
                let pattern = /Mensagem recebida de (\(.*\))\nNovo participante no chat\.\n/
                try poll("\(count) are in: \(relay.output)") { relay.output.matches(of: pattern).count == count }
                return String(try #require(relay.output.matches(of: pattern).last).1)
            }
            try await self.chat(port) { ana in
                var names = [try newest(1)]
                try await Python.run(python) { rui in
                    names.append(try newest(2))
                    try ana.prints("\(names[1]) disse: \(self.hello)\n")
                    try await self.chat(port) { bia in
                        names.append(try newest(3))
                        try await Python.run(python) { eva in
                            names.append(try newest(4))
                            for program in [ana, rui, bia] { try program.prints("\(names[3]) disse: \(self.hello)\n") }
                            let all = [(ana, "de ana, olá"), (rui, "de rui, é"), (bia, "de bia"), (eva, "de eva")]
                            for (index, (speaker, text)) in all.enumerated() {
                                speaker.type(text)
                                for (other, _) in all where other !== speaker {
                                    try other.prints("\(names[index]) disse: \(text)\n")
                                }
                            }
                            // Nothing is said about coming and going, and nothing is sent.
                            bia.type("/sair")
                            let code = try bia.exitCode()
                            #expect(code == 0)
                            #expect(bia.output.hasSuffix("\(names[3]) disse: de eva\n"))
                            #expect(bia.error == "")
                            #expect(!relay.output.contains("/sair"))
                            ana.type("ainda aqui")
                            try eva.prints("\(names[0]) disse: ainda aqui\n")
                            try relay.prints("Erro ao receber mensagem.\n")
                        }
                    }
                }
                for name in names {
                    let port = try #require(name.firstMatch(of: /, (\d+)\)/).flatMap { Int($0.1) })
                    #expect((8_000...9_000).contains(port))
                }
                #expect(!ana.output.contains("Conectado"))
            }
        }
    }

    @Test(.enabled(if: Python.interpreter != nil, "needs python3"))
    func `it chats on the original Python server`() async throws {
        let free = try Listener()
        let port = free.port
        free.close()
        let folder = try TemporaryFolder(["server.py": try Originals.text("udp_server.py", port: port)])
        defer { folder.remove() }
        try await Python.run(["-u", "\(folder.path)/server.py"]) { server in
            try server.prints("Servidor UDP aguardando mensagens...\n")
            try await self.chat(port) { ana in
                try server.prints("Novo participante no chat.\n")
                try await self.chat(port) { bia in
                    try ana.prints("disse: \(self.hello)\n")
                    bia.type("olá")
                    try ana.prints("disse: olá\n")
                    ana.type("oi")
                    try bia.prints("disse: oi\n")
                }
            }
        }
    }

    @Test func `piped texts all arrive, in order, each a datagram`() async throws {
        try await self.serve { relay, port in
            let ear = try DatagramPeer(to: port)
            ear.send("oi")
            try relay.prints("Mensagem recebida de \(ear.name)")
            try await self.chat(port) { chat in
                for number in 0..<200 { chat.type("texto \(number)") }
                chat.type("")
                chat.endInput()
                #expect(ear.receive().hasSuffix("disse: \(self.hello)"))
                for number in 0..<200 { #expect(ear.receive().hasSuffix("disse: texto \(number)")) }
                let code = try chat.exitCode()
                #expect(code == 0)
            }
        }
    }

    @Test func `where nobody listens it says so in both ways, and fails`() async throws {
        let closed = try DatagramPeer.closed()
        try await self.chat(closed.port) { chat in
            let code = try chat.exitCode()
            #expect(code == 1)
            #expect(chat.output == "Erro ao receber mensagem.\n")
            #expect(
                chat.error
                    == "luar: 127.0.0.1:\(closed.port) cannot be reached: nobody listens there (is a relay running?)\n"
            )
        }
    }

    @Test func `with --reconnect it says hello again to a relay that comes back`() async throws {
        let server = try DatagramPeer(to: 1)
        let port = server.port
        try await self.chat(port, ["--reconnect"]) { chat in
            #expect(server.receive() == self.hello)
            server.close()
            chat.type("para ninguém")
            try chat.logs("trying again in 1 s")
            let back = try DatagramPeer(to: 1, port: port)
            #expect(back.receive() == self.hello)
        }
    }

    @Test func `a text that fits no datagram is refused, and raw means nothing here`() async throws {
        let server = try DatagramPeer(to: 1)
        try await self.chat(server.port) { chat in
            #expect(server.receive() == self.hello)
            chat.type(String(repeating: "x", count: 65_508))
            chat.type(String(repeating: "y", count: 65_507))
            #expect(server.receiveBytes().count == 65_507)
            chat.endInput()
            let code = try chat.exitCode()
            #expect(code == 1)
            #expect(chat.error == "luar: a line of 65508 bytes was not sent: a datagram has at most 65507 bytes\n")
        }
        try await self.chat(server.port, ["--raw"]) { chat in
            let code = try chat.exitCode()
            #expect(code == 1)
            try chat.logs("luar: raw is for TCP")
        }
        try await self.chat(server.port, ["--transport", "tcp"]) { chat in
            let code = try chat.exitCode()
            #expect(code == 64)
            try chat.logs("--udp and --transport tcp exclude each other")
        }
    }

    /// How often sendmmsg fails with what, how many of two recipients still get the text, and what the log says.
    static let faults: [(code: CInt, count: Int, receive: Int, log: String?)] = [
        (EAGAIN, 5, 2, nil), (ECONNREFUSED, 3, 2, nil), (EHOSTUNREACH, 5, 2, nil), (ENOBUFS, 3, 2, nil),
        (ENOBUFS, 5, 1, #"datagrams.failed="1 (No buffer space available)""#),
        (EPERM, 1, 1, #"datagrams.failed="1 (Operation not permitted)""#),
        (EINVAL, 1, 1, #"datagrams.failed="1 (Invalid argument)""#),
        (EPERM, 2, 0, #"datagrams.failed="2 (Operation not permitted)""#),
    ]

    /// Builds what makes sendmmsg fail, and calls `body` with its path.
    private func withFaults(_ body: (String) async throws -> Void) async throws {
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("TestSupport/Faults/sendmmsg.c").path
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let library = "\(folder.path)/faults.so"
        let compile = ["clang", "-shared", "-fPIC", "-o", library, source]
        try await Program.run("/usr/bin/env", compile) { clang in
            let code = try clang.exitCode()
            try #require(code == 0, "\(clang.error)")
        }
        try await body(library)
    }

    @Test(.enabled(if: Program.exists("clang"), "needs clang"))
    func `a socket that takes nothing holds up neither the chat nor its end`() async throws {
        try await self.withFaults { library in
            let environment = [
                "LD_PRELOAD": library, "SEND_FAULT": "\(EAGAIN) 2000000000", "SEND_FAULT_MARK": "falha",
            ]
            let arguments = ["--udp-output-limit", "1", "--flush-time", "100ms"]
            try await self.serve(arguments, environment: environment) { relay, port in
                let people = try (0..<2).map { _ in try DatagramPeer(to: port) }
                people[0].send("oi")
                try relay.prints("Mensagem recebida de \(people[0].name)\noi\n")
                for number in 0..<6 {
                    people[1].send("falha \(number)")
                    // Each in a tick of its own.
                    try relay.prints("falha \(number)\nEnviando mensagem para \(people[0].name)\n")
                }
                // Some do not even wait.
                try relay.logs("datagrams lost or refused datagrams.unsent=")
                let code = try relay.terminate()
                #expect(code == 0)
                try relay.logs(" datagrams.unsent=6 ")
                #expect(!people[0].hasMail)
            }
        }
    }

    @Test(.enabled(if: Program.exists("clang"), "needs clang"), arguments: Self.faults)
    func `an error of sending costs one datagram at most, and is counted`(
        fault: (code: CInt, count: Int, receive: Int, log: String?)
    ) async throws {
        try await self.withFaults { library in
            let environment = [
                "LD_PRELOAD": library, "SEND_FAULT": "\(fault.code) \(fault.count)", "SEND_FAULT_MARK": "falha",
            ]
            try await self.serve(environment: environment) { relay, port in
                let people = try (0..<3).map { _ in try DatagramPeer(to: port) }
                for (count, person) in people.enumerated() {
                    person.send("oi")
                    for other in people[..<count] { #expect(other.receive() == "\(person.name) disse: oi") }
                }
                people[2].send("falha")
                // The next text must not go in the same call.
                people[2].send("ping")
                #expect(people[2].receive() == "ping")
                people[2].send("fim")
                var received = 0
                for person in people[..<2] {
                    var text = person.receive()
                    if text == "\(people[2].name) disse: falha" {
                        received += 1
                        text = person.receive()
                    }
                    #expect(text == "\(people[2].name) disse: fim")
                }
                #expect(received == fault.receive)
                if let log = fault.log { try relay.logs(log) }
                let code = try relay.terminate()
                #expect(code == 0)
                if fault.log == nil { #expect(relay.error.contains("datagrams.failed=0")) }
            }
        }
    }

    @Test func `a port that is taken is named, and neither relay is harmed`() async throws {
        try await self.serve { relay, port in
            let second = ["serve", "--no-tcp", "--udp", "127.0.0.1:\(port)"]
            try await Program.run(Program.luar, second) { second in
                let code = try second.exitCode()
                #expect(code == 1)
                try second.logs(
                    "luar: cannot listen on 127.0.0.1:\(port): the port is in use already; "
                        + "stop what uses it or choose another with --udp\n"
                )
            }
            let ana = try DatagramPeer(to: port)
            ana.send("ping")
            #expect(ana.receive() == "ping")
        }
    }

    @Test(.enabled(if: Python.interpreter != nil && Program.exists("tcpdump"), "needs python3 and tcpdump"))
    func `the wire carries what the report captured, and the relay's own capture agrees`() async throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Capture/udp-capture.sh").path
        // Four digits, as the report's, but none of those that `luar chat --udp` takes.
        let free = (1_100..<8_000).shuffled().lazy.filter { (try? DatagramPeer(to: 1, port: $0)) != nil }.prefix(2)
        try await Program.run("/usr/bin/env", ["bash", script, Program.luar] + free.map { "\($0)" }) { check in
            let code = try check.exitCode()
            if code == 77 {
                print(check.error)
            } else {
                #expect(code == 0, "\(check.error)")
                #expect(check.output.contains("26 bytes became 53, pings were answered, and both captures agree"))
            }
        }
    }

    @Test func `a capture that cannot be written refuses the start`() async throws {
        let arguments = ["serve", "--no-tcp", "--udp", "127.0.0.1:0", "--pcap", "/nowhere/x.pcap"]
        try await Program.run(Program.luar, arguments) { luar in
            let code = try luar.exitCode()
            #expect(code == 1)
            try luar.logs(
                "luar: cannot record packets in '/nowhere/x.pcap': No such file or directory; "
                    + "or choose another file with --pcap\n"
            )
        }
    }
}
