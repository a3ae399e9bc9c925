// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import TestSupport
import Testing

/// `luar chat` on pipes: lines in, lines out, and every kind of server.
@Suite(.timeLimit(.minutes(15))) struct ChatPipeTests {
    private let connected = "Conectado ao servidor.\n"
    private let disconnected = "Desconectado do servidor.\n"

    @Test(.enabled(if: Python.interpreter != nil, "needs python3"))
    func `two of them and two original Python clients share a room`() async throws {
        try await LiveServe.run { relay, port in
            let folder = try TemporaryFolder(["client.py": try Originals.text("tcp_client.py", port: port)])
            defer { folder.remove() }
            let python = ["-u", "\(folder.path)/client.py"]
            try await LiveServe.chat(port) { ana in
                try ana.prints(self.connected)
                try await LiveServe.chat(port) { bia in
                    try bia.prints(self.connected)
                    try await Python.run(python) { rui in
                        try rui.prints(self.connected)
                        try poll("three clients") { relay.output.split(separator: "\n").count == 4 }
                        try await Python.run(python) { eva in
                            try poll("four clients") { relay.output.split(separator: "\n").count == 5 }
                            let names = relay.output.matches(of: /Cliente conectado: (\(.*\))/).map { String($0.1) }
                            let all = [(ana, "de ana, olá"), (bia, "de bia"), (rui, "de rui, é"), (eva, "de eva")]
                            // Each waits for the last: originals send no line ends, and two texts at once are one.
                            for (index, (speaker, text)) in all.enumerated() {
                                speaker.type(text)
                                for (other, _) in all where other !== speaker {
                                    try other.prints("\(names[index]) disse: \(text)")
                                }
                            }
                            bia.type("/sair")
                            let code = try bia.exitCode()
                            #expect(code == 0)
                            #expect(bia.output.hasSuffix(self.disconnected))
                            try relay.prints("Cliente desconectado: \(names[1])")
                            ana.endInput()
                            let other = try ana.exitCode()
                            #expect(other == 0)
                            #expect(!ana.output.contains("\u{1B}"), "nothing is decorated")
                            #expect(ana.output.hasPrefix(self.connected) && ana.output.hasSuffix(self.disconnected))
                        }
                    }
                }
            }
        }
    }

    @Test(.enabled(if: Python.interpreter != nil, "needs python3"))
    func `raw, it chats on the original Python server, text by text`() async throws {
        let free = try Listener()
        let port = free.port
        free.close()
        let folder = try TemporaryFolder([
            "server.py": try Originals.text("tcp_server.py", port: port),
            "client.py": try Originals.text("tcp_client.py", port: port),
        ])
        defer { folder.remove() }
        try await Python.run(["-u", "\(folder.path)/server.py"]) { server in
            try server.prints("Servidor TCP aguardando")
            try await Python.run(["-u", "\(folder.path)/client.py"]) { eva in
                try eva.prints(self.connected)
                try await LiveServe.chat(port, ["--raw"]) { ana in
                    try ana.prints(self.connected)
                    try server.prints("Cliente conectado: ")
                    ana.write(Array("um\ndois\ntrês\n".utf8))
                    try server.prints("disse: três\n")
                    #expect(server.output.contains("disse: um\n") && server.output.contains("disse: dois\n"))
                    eva.type("olá")
                    try ana.prints("disse: olá\n")
                    ana.endInput()
                    let code = try ana.exitCode()
                    #expect(code == 0)
                    try server.prints("Cliente desconectado: ")
                }
            }
        }
    }

    @Test func `the end of input waits for what was sent and answered, and for nothing else`() async throws {
        let server = try Listener()
        try await LiveServe.chat(server.port) { chat in
            chat.type("um")
            chat.type("dois")
            chat.endInput()
            let peer = try server.accept()
            #expect(peer.receiveAll() == "\num\ndois\n", "it says that nothing more comes")
            peer.send("resposta um\r\nresposta dois")
            peer.close()
            let code = try chat.exitCode()
            #expect(code == 0)
            #expect(chat.output == "\(self.connected)resposta um\nresposta dois\n\(self.disconnected)")
            #expect(chat.error == "")
        }
    }

    @Test func `a server that says nothing and closes nothing is left`() async throws {
        let server = try Listener()
        try await LiveServe.chat(server.port) { chat in
            chat.endInput()
            let peer = try server.accept()
            let code = try chat.exitCode()
            #expect(code == 0)
            #expect(chat.output == self.connected + self.disconnected)
            peer.close()
        }
    }

    @Test func `control characters and bad bytes from the server are shown, not obeyed`() async throws {
        let server = try Listener()
        try await LiveServe.chat(server.port) { chat in
            let peer = try server.accept()
            #expect(peer.receive() == "\n")
            peer.send(Array("\u{1B}[2J\u{1B}]0;x\u{7}olá\u{9B}31m\u{202E}\t.\n".utf8) + [0xFF, 0xC3, 0x28, 0x0A, 0x0A])
            peer.close()
            let code = try chat.exitCode()
            #expect(code == 0)
            let shown = #"\x1B[2J\x1B]0;x\x07olá\u{9B}31m\u{202E}\t."# + "\n" + #"\xFF\xC3("# + "\n\n"
            #expect(chat.output == self.connected + shown + self.disconnected)
        }
    }

    @Test func `ten megabytes in one line arrive whole, in pieces`() async throws {
        let server = try Listener()
        try await LiveServe.chat(server.port) { chat in
            let peer = try server.accept()
            #expect(peer.receive() == "\n")
            let block = [UInt8](repeating: 0x79, count: 1 << 20)
            for _ in 0..<10 { peer.send(block) }
            peer.send("fim\n")
            peer.close()
            let code = try chat.exitCode()
            #expect(code == 0)
            let lines = chat.output.split(separator: "\n")
            #expect(lines.dropFirst().dropLast().reduce(0) { $0 + $1.utf8.count } == 10 << 20 + 3)
            #expect(lines.map(\.utf8.count).max() == 1 << 20)
        }
    }

    @Test func `input that is not UTF-8 is sent as it is, and a line that is too long is refused alone`() async throws {
        let server = try Listener()
        try await LiveServe.chat(server.port, ["--message-limit", "1KiB"]) { chat in
            chat.write([0x61, 0xFF, 0x0A] + [UInt8](repeating: 0x78, count: 100_000) + [0x0A] + Array("depois".utf8))
            chat.endInput()
            let peer = try server.accept()
            let expected: [UInt8] = [0x0A, 0x61, 0xFF, 0x0A] + Array("depois\n".utf8)
            var got: [UInt8] = []
            while got.count < expected.count {
                let more = peer.receiveBytes()
                if more.isEmpty { break }
                got += more
            }
            #expect(got == expected)
            peer.close()
            let code = try chat.exitCode()
            #expect(code == 1)
            #expect(
                chat.error
                    == "luar: a line of 100000 bytes was not sent: the message limit is 1024 bytes, see --message-limit\n"
            )
        }
    }

    @Test func `no relay, no host, and a reset are one line and exit code 1`() async throws {
        let free = try Listener()
        free.close()
        try await LiveServe.chat(free.port) { chat in
            let code = try chat.exitCode()
            #expect(code == 1)
            let reason =
                "luar: cannot connect to 127.0.0.1:\(free.port): connection refused (is a relay running there?)\n"
            #expect(chat.error == reason)
            #expect(chat.output == "")
        }
        try await Program.run(Program.luar, ["chat", "no-such-host.invalid"], in: "/") { chat in
            let code = try chat.exitCode()
            #expect(code == 1)
            #expect(chat.error.hasPrefix("luar: cannot connect to no-such-host.invalid:12345: "), "\(chat.error)")
            #expect(chat.error.split(separator: "\n").count == 1)
        }
        let server = try Listener()
        try await LiveServe.chat(server.port) { chat in
            let peer = try server.accept()
            peer.send("antes\n")
            try chat.prints("antes\n")
            peer.reset()
            let code = try chat.exitCode()
            #expect(code == 1)
            #expect(chat.output == "\(self.connected)antes\n\(self.disconnected)")
            #expect(chat.error == "luar: the connection to 127.0.0.1:\(server.port) was lost: reset by the server\n")
        }
    }

    @Test func `what came before a reset is shown`() async throws {
        let server = try Listener()
        try await LiveServe.chat(server.port) { chat in
            try chat.prints(self.connected)
            let peer = try server.accept()
            // Stopped, the client reads neither the text nor the reset until both are there.
            chat.signal(SIGSTOP)
            peer.send("últimas palavras\n")
            usleep(100_000)
            peer.reset()
            chat.signal(SIGCONT)
            let code = try chat.exitCode()
            #expect(code == 1)
            #expect(chat.output == "\(self.connected)últimas palavras\n\(self.disconnected)")
        }
    }

    @Test func `it reconnects, says so, and loses nothing that was typed meanwhile`() async throws {
        let first = try Listener()
        let port = first.port
        try await LiveServe.chat(port, ["--reconnect"]) { chat in
            let peer = try first.accept()
            #expect(peer.receive() == "\n")
            first.close()
            peer.close()
            try chat.logs("luar: 127.0.0.1:\(port) closed the connection; trying again in 1 s\n")
            chat.type("enquanto isso")
            try chat.logs("connection refused (is a relay running there?); trying again in 2 s\n")
            let second = try Listener(port: port)
            let again = try second.accept()
            try again.waits(for: "\nenquanto isso\n")
            chat.endInput()
            again.close()
            let code = try chat.exitCode()
            #expect(code == 0)
            let once = self.connected + self.disconnected
            #expect(chat.output == once + once)
        }
    }

    @Test func `a slow server slows the input down, and loses nothing of it`() async throws {
        let server = try Listener()
        let lines = (0..<200_000).map { "linha \($0)\n" }.joined()
        let folder = try TemporaryFolder(["in": lines])
        defer { folder.remove() }
        let command = "exec '\(Program.luar)' chat 127.0.0.1:\(server.port) < in"
        try await Program.run("/bin/sh", ["-c", command], in: folder.path) { chat in
            let peer = try server.accept()
            usleep(300_000)
            #expect(peer.receiveAll() == "\n" + lines)
            peer.close()
            let code = try chat.exitCode()
            #expect(code == 0)
        }
    }

    @Test func `an output that nobody reads any more ends the chat quietly, and one that fails says so`() async throws {
        let server = try Listener()
        let chat = "'\(Program.luar)' chat 127.0.0.1:\(server.port)"
        // The input stays open: only the missing reader can end it.
        let command = "{ \(chat); echo code $? >&2; } | head -1"
        try await Program.run("/bin/sh", ["-c", command], in: "/") { shell in
            let peer = try server.accept()
            defer { peer.close() }
            try shell.prints(self.connected)
            try shell.logs("code 0\n")
            #expect(shell.error == "code 0\n")
        }
        try await Program.run("/bin/sh", ["-c", "exec \(chat) >/dev/full"], in: "/") { shell in
            let peer = try server.accept()
            let code = try shell.exitCode()
            #expect(code == 1)
            #expect(shell.error == "luar: cannot write to standard output: No space left on device\n")
            peer.close()
        }
    }

    @Test func `closed descriptors are closed, and no socket takes their place`() async throws {
        let server = try Listener()
        let chat = "exec '\(Program.luar)' chat 127.0.0.1:\(server.port)"
        try await Program.run("/bin/sh", ["-c", "\(chat) <&- >&-"], in: "/") { shell in
            let peer = try server.accept()
            let code = try shell.exitCode()
            #expect(code == 1)
            #expect(shell.error == "luar: cannot write to standard output: Bad file descriptor\n")
            #expect(["", "\n"].contains(peer.receiveAll()), "what is printed does not go to the server")
        }
        try await Program.run("/bin/sh", ["-c", "\(chat) <&-"], in: "/") { shell in
            let peer = try server.accept()
            #expect(peer.receiveAll() == "\n")
            peer.close()
            let code = try shell.exitCode()
            #expect(code == 0, "no input is an input that has ended")
        }
    }

    @Test func `a signal ends it while its output is stuck and while hooks have much to do`() async throws {
        let server = try Listener()
        let chat = "exec '\(Program.luar)' chat 127.0.0.1:\(server.port)"
        // A pipe that is open for reading, and that nobody reads.
        let pipes = try TemporaryFolder([:])
        defer { pipes.remove() }
        mkfifo(pipes.path + "/out", 0o600)
        let reader = open(pipes.path + "/out", O_RDWR | O_CLOEXEC)
        defer { close(reader) }
        try await Program.run("/bin/sh", ["-c", "\(chat) > '\(pipes.path)/out'"], in: "/") { chat in
            let peer = try server.accept()
            #expect(peer.receive() == "\n")
            let texts = Array(String(repeating: "ninguém lê\n", count: 20_000).utf8)
            // More than the pipe and the client hold, so this must not be waited for.
            let socket = peer.descriptor
            Thread.detachNewThread { _ = texts.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, 0x4000) } }
            usleep(300_000)
            chat.signal(SIGTERM)
            let code = try chat.exitCode()
            #expect(code == 143)
        }
        let script =
            "relay.on('chat_receive', function() local n = 0 for i = 1, 2e5 do n = n + i end return tostring(n) end)"
        let folder = try TemporaryFolder(["chat.lua": script])
        defer { folder.remove() }
        try await LiveServe.chat(server.port, ["--scripts", folder.path]) { chat in
            let peer = try server.accept()
            peer.send([UInt8](repeating: 0x0A, count: 1 << 17))
            try chat.prints("\n20000100000")
            chat.signal(SIGTERM)
            let code = try chat.exitCode()
            #expect(code == 143)
            peer.close()
        }
    }

    @Test func `its words and texts are those of chat.lua in the scripts folder`() async throws {
        let server = try Listener()
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        try FileManager.default.createDirectory(atPath: folder.path + "/scripts", withIntermediateDirectories: true)
        let file = URL(fileURLWithPath: folder.path + "/scripts/chat.lua")
        try Data(
            """
            relay.on("chat_connect", function(server) return "on " .. server.transport end)
            relay.on("chat_send", function(text) return text:gsub("feio", "****") end)
            relay.on("chat_receive", function(text) error("boom") end)
            """
            .utf8
        )
        .write(to: file)
        let arguments = ["chat", "127.0.0.1:\(server.port)"]
        try await Program.run(Program.luar, arguments, in: folder.path) { chat in
            try chat.prints("on tcp\n")
            chat.type("que feio")
            chat.endInput()
            let peer = try server.accept()
            #expect(peer.receiveAll() == "\nque ****\n")
            peer.send("apesar do erro\n")
            peer.close()
            let code = try chat.exitCode()
            #expect(code == 0)
            #expect(chat.output == "on tcp\napesar do erro\n", "a hook that fails has no opinion")
            #expect(chat.error.contains("error hook failed") && chat.error.contains("scripts/chat.lua:3: boom"))
        }
        try Data("relay.on('chat_sent', print)".utf8).write(to: file)
        try await Program.run(Program.luar, arguments, in: folder.path) { chat in
            let code = try chat.exitCode()
            #expect(code == 1)
            #expect(chat.error == "luar: scripts/chat.lua:1: unknown event 'chat_sent'; did you mean 'chat_send'?\n")
        }
    }

    @Test func `signals end it in order, with the exit code that shells expect`() async throws {
        let server = try Listener()
        for (number, expected) in [(SIGTERM, Int32(143)), (SIGINT, 130), (SIGHUP, 129), (SIGUSR1, 138), (SIGXCPU, 152)]
        {
            try await LiveServe.chat(server.port) { chat in
                try chat.prints(self.connected)
                chat.type("até logo")
                let peer = try server.accept()
                try peer.waits(for: "até logo")
                chat.signal(number)
                #expect(peer.receiveAll() == "")
                peer.close()
                let code = try chat.exitCode()
                #expect(code == expected)
                #expect(chat.output == self.connected + self.disconnected)
            }
        }
    }
}
