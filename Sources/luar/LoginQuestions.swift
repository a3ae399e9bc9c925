// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import ArgumentParser
internal import CTerminal
internal import LineOutput
internal import RelayHost

#if canImport(Glibc)
internal import Glibc
#endif

/// Asks on the terminal who somebody is to the mail server.
enum LoginQuestions {
    /// Nobody's address or password is longer.
    private static let longest = 1_000

    /// Shows the questions and reads the answers, the password without showing it.
    static func ask(_ prompts: LoginPrompts) throws -> (user: String, password: String) {
        // Before the first question is shown: a signal that ends the program leaves the terminal as it was, also where the
        // program takes it another way before and after.
        var before = termios()
        let isTerminal = tcgetattr(STDIN_FILENO, &before) == 0
        if isTerminal { cterminal_hold_mode(STDIN_FILENO, &before) }
        defer { if isTerminal { cterminal_release_mode() } }
        if !prompts.notice.isEmpty { try self.show(prompts.notice + "\n") }
        try self.show(prompts.address)
        let user = try self.readLine(isShown: true)
        try self.show(prompts.password)
        let password = try self.readLine(isShown: false)
        guard !user.isEmpty, !password.isEmpty else {
            throw RelayRefusal(
                "the mail server's user and password must not be empty; without --mail-login none are asked for"
            )
        }
        return (user, password)
    }

    private struct RelayRefusal: Error, CustomStringConvertible {
        var description: String
        init(_ description: String) { self.description = description }
    }

    private static func show(_ text: String) throws {
        let text = text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { LineEscaping.escaped(String($0)) }
        try DescriptorOutput.write(text.joined(separator: "\n"), to: self.output)
    }

    /// What a program reads gets no questions.
    private static var output: CInt { isatty(STDOUT_FILENO) == 1 ? STDOUT_FILENO : STDERR_FILENO }

    /// Reads a line, from a terminal with the few keys that a password needs.
    private static func readLine(isShown: Bool) throws -> String {
        var before = termios()
        guard !isShown, tcgetattr(STDIN_FILENO, &before) == 0 else { return try self.readLine { $0 == 0x0A } }
        var silent = before
        // Ctrl-C comes as a key, so that the terminal is itself again before the program ends.
        silent.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &before)
            try? DescriptorOutput.write("\n", to: self.output)
        }
        return try self.readLine { $0 == 0x0A || $0 == 0x0D }
    }

    private static func readLine(until isEnd: (UInt8) -> Bool) throws -> String {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while line.count < self.longest {
            let count = read(STDIN_FILENO, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else {
                guard !line.isEmpty else { throw RelayRefusal("nobody answered who you are to the mail server") }
                break
            }
            switch byte {
            // Ctrl-C, and Ctrl-D on an empty line.
            case 0x03: throw ExitCode(130)
            case 0x04 where line.isEmpty: throw ExitCode(130)
            // Backspace, and Ctrl-U.
            case 0x08, 0x7F: self.removeCharacter(&line)
            case 0x15: line.removeAll()
            case let byte where isEnd(byte): return try self.text(line)
            default: line.append(byte)
            }
        }
        return try self.text(line)
    }

    /// Takes the last character off, however many bytes it has in UTF-8.
    private static func removeCharacter(_ line: inout [UInt8]) {
        while let byte = line.popLast(), byte & 0xC0 == 0x80 {}
    }

    private static func text(_ line: [UInt8]) throws -> String {
        guard let text = String(validating: line, as: UTF8.self) else {
            throw RelayRefusal("what was typed is not UTF-8")
        }
        return text.hasSuffix("\r") ? String(text.dropLast()) : text
    }
}
