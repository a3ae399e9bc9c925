// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import TestSupport
import Testing

/// `luar chat` in a real terminal: keystrokes in, screens out.
@Suite(.timeLimit(.minutes(15)), .enabled(if: Program.exists("tmux"), "needs tmux"))
struct ChatTerminalTests {
    /// Opens a terminal and chats in it with a server of the test's own.
    private func chat(
        columns: Int = 60,
        rows: Int = 12,
        _ arguments: String = "",
        _ body: (Screen, Peer) async throws -> Void
    ) async throws {
        let server = try Listener()
        let screen = try Screen(columns: columns, rows: rows)
        defer { screen.close() }
        let command = "exec '\(Program.luar)' chat 127.0.0.1:\(server.port) \(arguments)"
        try screen.enter("clear; sh -c \"echo \\$\\$ > pid; \(command)\"")
        let peer = try server.accept()
        try peer.waits(for: "\n")
        try poll("the chat begins:\n\(screen.text)") {
            screen.text.hasPrefix("Conectado ao servid")
        }
        try await body(screen, peer)
    }

    /// Checks that the shell is back, with an exit code, and its keyboard as it was.
    private func returns(_ screen: Screen, code: Int) throws {
        let command =
            "c=$?; clear; echo code $c; stty -a | grep -ow -e -icanon -e -echo -e -isig -e -icrnl -e -ixon; echo end"
        try poll("the shell is back:\n\(screen.text)") { screen.text.split(separator: "\n").last == "[ready]" }
        try screen.enter(command)
        try poll("code \(code) and a restored terminal:\n\(screen.text)") { screen.text.hasPrefix("code \(code)\nend") }
    }

    @Test func `what arrives is shown above the line being typed, which stays as it is`() async throws {
        try await self.chat { screen, peer in
            try screen.type("meia frase")
            try screen.press("Left", "Left", "Left", "Left", "Left")
            try poll("the line is typed:\n\(screen.text)") { screen.cursor == "5,1" }
            peer.send("('1.2.3.4', 5) disse: olá\numa linha que não cabe inteira nos sessenta lugares deste terminal\n")
            try screen.shows(lines: [
                "Conectado ao servidor.", "('1.2.3.4', 5) disse: olá",
                "uma linha que não cabe inteira nos sessenta lugares deste te", "rminal", "meia frase",
            ])
            #expect(screen.cursor == "5,4")
            try screen.type("a ")
            try screen.press("Enter")
            try peer.waits(for: "meia a frase\n")
            try screen.shows("meia a frase")
        }
    }

    @Test func `characters of every width and make are edited as people see them`() async throws {
        try await self.chat { screen, peer in
            try screen.type("cafe\u{301} 漢字 🇧🇷!")
            try screen.press("Left", "BSpace", "BSpace", "BSpace")
            try screen.type("x")
            try screen.press("Home", "Right", "Right", "Right", "Right")
            try screen.type("s")
            try screen.press("Enter")
            try peer.waits(for: "cafe\u{301}s 漢x!\n")
            try screen.shows("cafe\u{301}s 漢x!")
        }
    }

    @Test func `lines sent before come back with Up`() async throws {
        try await self.chat { screen, peer in
            try screen.enter("primeira")
            try screen.enter("segunda")
            try peer.waits(for: "segunda\n")
            try screen.type("nova")
            try screen.press("Up", "Up")
            try poll("the first line is back:\n\(screen.text)") { screen.text.hasSuffix("segunda\nprimeira") }
            try screen.press("Down", "Down", "Enter")
            try peer.waits(for: "nova\n")
        }
    }

    @Test func `a paste of many lines is sent line by line, whatever is in it`() async throws {
        try await self.chat { screen, peer in
            let lines = (1...300).map { "linha \($0) \u{1}\t!" }
            try screen.paste("começo " + lines.joined(separator: "\n") + "\nresto")
            try peer.waits(for: "começo " + lines.joined(separator: "\n") + "\n")
            try poll("the rest is being edited:\n\(screen.text)") {
                screen.text.hasSuffix("linha 300 \\x01\\t!\nresto")
            }
            try screen.press("Enter")
            try peer.waits(for: "resto\n")
        }
    }

    @Test func `twenty columns and a hundred thousand characters`() async throws {
        try await self.chat(columns: 20, rows: 8) { screen, peer in
            try screen.paste(String(repeating: "x", count: 99_990) + "comprido")
            try poll("the end is shown:\n\(screen.text)") {
                screen.text.hasSuffix("\n" + String(repeating: "x", count: 11) + "comprido")
            }
            peer.send("oi\n")
            try screen.shows("oi\n" + String(repeating: "x", count: 11) + "comprido")
            try screen.press("C-a")
            try poll("the beginning is shown:\n\(screen.text)") { screen.cursor.hasPrefix("0,") }
            #expect(screen.text.hasSuffix("oi\n" + String(repeating: "x", count: 19)))
            try screen.press("Enter")
            try poll("the refusal is told") {
                screen.history.contains("luar: a line of 99998 bytes was not sent: the message limit is 65536 bytes")
            }
            try screen.enter("ainda aqui")
            try peer.waits(for: "ainda aqui\n")
        }
    }

    @Test func `a terminal of another size gets the line again, and nothing twice`() async throws {
        try await self.chat(columns: 50, rows: 10) { screen, peer in
            try screen.type("uma linha de trinta caracteres")
            try screen.shows("uma linha de trinta caracteres")
            try screen.resize(columns: 20, rows: 10)
            try poll("one row:\n\(screen.history)") {
                screen.text.hasSuffix("e trinta caracteres") && !screen.history.contains("uma linha")
            }
            try screen.resize(columns: 70, rows: 10)
            try screen.shows("uma linha de trinta caracteres")
            peer.send("oi\n")
            try poll("above it:\n\(screen.text)") { screen.text.hasSuffix("oi\numa linha de trinta caracteres") }
            try screen.press("Enter")
            try peer.waits(for: "uma linha de trinta caracteres\n")
        }
    }

    @Test func `escape sequences from the server are shown, not obeyed`() async throws {
        try await self.chat { screen, peer in
            try screen.type("digitando")
            peer.send("\u{1B}[2J\u{1B}[1;1Hpwned\u{1B}]0;x\u{7}\r\u{8}\n")
            try screen.shows(lines: [
                "Conectado ao servidor.", #"\x1B[2J\x1B[1;1Hpwned\x1B]0;x\x07\r\x08"#, "digitando",
            ])
        }
    }

    @Test(arguments: [("/sair", "", 0), ("", "C-d", 0), ("", "C-c", 130), ("rascunho", "C-c", 130)])
    func `it is left by a word or a key, and the terminal is as before`(word: String, key: String, code: Int)
        async throws
    {
        try await self.chat { screen, peer in
            try screen.type(word)
            try screen.press(key.isEmpty ? "Enter" : key)
            #expect(peer.receiveAll() == "", "nothing is sent")
            peer.close()
            try screen.shows("Desconectado do servidor.")
            try self.returns(screen, code: code)
        }
    }

    @Test func `a server that goes away, and a signal, give the terminal back`() async throws {
        try await self.chat { screen, peer in
            try screen.type("rascunho")
            try screen.shows("rascunho")
            peer.reset()
            try screen.shows("Desconectado do servidor.\nluar: the connection to ")
            try screen.shows("rascunho\n[ready]")
            try self.returns(screen, code: 1)
        }
        try await self.chat { screen, peer in
            try screen.type("rascunho")
            try screen.shows("rascunho")
            let text = try String(contentsOf: URL(fileURLWithPath: screen.path + "/pid"), encoding: .utf8)
            let process = try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
            kill(process, SIGTERM)
            #expect(peer.receiveAll() == "")
            peer.close()
            try screen.shows("Desconectado do servidor.\nrascunho\n[ready]")
            try self.returns(screen, code: 143)
        }
    }

    @Test func `a crash gives the terminal back, too`() async throws {
        let server = try Listener()
        let screen = try Screen(columns: 60, rows: 12)
        defer { screen.close() }
        // Asked by sh, which leaves the terminal as it finds it; bash mends it after a program that a signal ended.
        let chat = "'\(Program.luar)' chat 127.0.0.1:\(server.port)"
        try screen.enter("clear; sh -c \"\(chat); stty -a | grep -cw -e -icanon -e -echo; echo end\"")
        let peer = try server.accept()
        try screen.shows("Conectado ao servidor.")
        let arguments = [Program.luar, "chat", "127.0.0.1:\(server.port)"].map { $0 + "\0" }.joined()
        let process = try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }
            .first { (try? String(contentsOfFile: "/proc/\($0)/cmdline", encoding: .utf8)) == arguments }
        kill(try #require(process), SIGSEGV)
        try screen.shows("\n0\nend")
        peer.close()
    }

    @Test func `in the background it leaves the terminal alone`() async throws {
        try await self.chat { screen, peer in
            try screen.press("C-z")
            try screen.shows("Stopped")
            try screen.enter("bg; sleep 0.5; clear; stty -a | grep -cw -e -icanon -e -echo")
            try screen.shows("0\n[ready]")
            peer.send("enquanto isso\n")
            try screen.shows("enquanto isso")
            try screen.enter("fg")
            try screen.shows("chat 127.0.0.1:")
            try screen.enter("de novo")
            try peer.waits(for: "de novo\n")
        }
    }

    @Test func `it can be stopped and taken up again`() async throws {
        try await self.chat { screen, peer in
            try screen.type("antes")
            try screen.press("C-z")
            try screen.shows("Stopped")
            try screen.enter("stty -a | grep -ow -e -icanon; echo no longer raw")
            try screen.shows("\nno longer raw")
            #expect(!screen.text.contains("\n-icanon"))
            peer.send("enquanto isso\n")
            try screen.enter("fg")
            try screen.shows("enquanto isso\nantes")
            try screen.enter(" e depois")
            try peer.waits(for: "antes e depois\n")
        }
    }

    @Test func `scripts' log lines do not run into the line being typed`() async throws {
        let server = try Listener()
        let screen = try Screen(columns: 100, rows: 12)
        defer { screen.close() }
        try FileManager.default.createDirectory(atPath: screen.path + "/scripts", withIntermediateDirectories: true)
        try Data("relay.on('chat_receive', function(text) print('got ' .. text) end)".utf8)
            .write(to: URL(fileURLWithPath: screen.path + "/scripts/chat.lua"))
        try screen.enter("clear; '\(Program.luar)' chat 127.0.0.1:\(server.port)")
        let peer = try server.accept()
        try screen.type("digitando")
        try screen.shows("digitando")
        peer.send("oi\n")
        try poll("log, text and line:\n\(screen.text)") {
            // Two outputs, of which either may be drawn first.
            let text = screen.text
            return text.contains("notice got oi script=scripts/chat.lua:1\n") && "\n\(text)".contains("\noi\n")
                && text.hasSuffix("\ndigitando")
        }
    }
}
