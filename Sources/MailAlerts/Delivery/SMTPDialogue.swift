// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation

/// Follows what is said between us and a mail server (RFC 5321): how far it has come, and what the server said last.
///
/// It is fed the dialogue as libcurl shows it, and hands out none of it but with secrets removed.
struct SMTPDialogue {
    /// What the server is to answer.
    enum Stage: String, Comparable {
        case connecting, greeting
        case ehlo = "EHLO"
        case startTLS = "STARTTLS"
        case handshake
        case auth = "AUTH"
        case mail = "MAIL"
        case rcpt = "RCPT"
        case data = "DATA"
        case message

        private static let order: [Stage] = [
            .connecting, .greeting, .ehlo, .startTLS, .handshake, .auth, .mail, .rcpt, .data, .message,
        ]
        static func < (one: Stage, other: Stage) -> Bool {
            (Self.order.firstIndex(of: one) ?? 0) < (Self.order.firstIndex(of: other) ?? 0)
        }
    }

    /// The last line of a reply.
    struct Reply: Equatable {
        var code: Int
        var text: String
    }

    private(set) var stage = Stage.connecting
    /// The server's reply at this stage, if it has answered.
    private(set) var reply: Reply?
    /// Whether the server has taken the message: nothing after that undoes it.
    private(set) var isTaken = false
    /// Whether we have said goodbye: what comes then changes nothing, and is not waited for.
    private(set) var isParting = false
    /// Whether a login was tried.
    private(set) var hasLoggedIn = false
    /// Bytes of replies, and of the message that went out.
    private(set) var replyBytes = 0
    private(set) var messageBytes = 0
    private var secrets: [String]
    /// Whether what we say next answers a challenge (RFC 4954, section 4).
    private var isChallenged = false

    init(login: MailLogin?) {
        self.secrets = login.map(Self.secrets) ?? []
    }

    // MARK: What is shown of it

    private static func secrets(of login: MailLogin) -> [String] {
        let plain = ["\0\(login.user)\0\(login.password)", "\(login.user)\0\(login.user)\0\(login.password)"]
        let encoded = (plain + [login.password]).map { Data($0.utf8).base64EncodedString() }
        return (encoded + [login.password]).filter { !$0.isEmpty }
    }

    /// A text of the server's or libcurl's, without secrets, controls and endless lengths.
    func shown(_ text: some Sequence<UInt8>, limit: Int = 300) -> String {
        var line = String(decoding: Array(text), as: UTF8.self)
        // A server may well repeat what it was told.
        for secret in self.secrets.sorted(by: { $0.utf8.count > $1.utf8.count }) {
            line = line.replacingOccurrences(of: secret, with: "***")
        }
        var shown = ""
        for scalar in line.unicodeScalars.prefix(limit) {
            switch scalar.value {
            case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200B...0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF:
                shown += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            default: shown.unicodeScalars.append(scalar)
            }
        }
        return line.unicodeScalars.count > limit ? shown + "…" : shown
    }

    // MARK: What happens

    /// Takes note of a command of ours; returns it as it may be shown.
    mutating func said(_ bytes: some Collection<UInt8>) -> String {
        let line = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard !self.isChallenged else {
            self.isChallenged = false
            self.keepSecret(line)
            return "***"
        }
        let words = line.split(separator: " ", maxSplits: 2).map(String.init)
        guard words.first?.uppercased() != "QUIT" else {
            self.isParting = true
            return "QUIT"
        }
        self.reply = nil
        switch words.first?.uppercased() {
        case "EHLO", "HELO": self.stage = .ehlo
        case "STARTTLS": self.stage = .startTLS
        case "AUTH":
            self.stage = .auth
            self.hasLoggedIn = true
            guard words.count > 2 else { return line }
            self.keepSecret(words[2])
            return "\(words[0]) \(words[1]) ***"
        case "MAIL": self.stage = .mail
        case "RCPT": self.stage = .rcpt
        case "DATA": self.stage = .data
        // Nothing else is ever said, so this is a part of a login that was not told from a command.
        default: return "***"
        }
        return self.shown(line.utf8)
    }

    private mutating func keepSecret(_ text: String) {
        if text.utf8.count >= 4 { self.secrets.append(text) }
    }

    /// Takes note of a line of the server's; returns it as it may be shown.
    mutating func heard(_ bytes: UnsafeRawBufferPointer) -> String {
        self.replyBytes += bytes.count
        if self.stage == .connecting { self.stage = .greeting }
        var line = bytes[...]
        while let last = line.last, last == 0x0A || last == 0x0D { line = line.dropLast() }
        let shown = self.shown(line)
        let digits = line.prefix(3)
        guard digits.count == 3, digits.allSatisfy({ (0x30...0x39).contains($0) }),
            line.count == 3 || line[line.startIndex + 3] == 0x20,
            let code = Int(String(decoding: digits, as: UTF8.self))
        else { return shown }
        if self.isParting { return shown }
        self.reply = Reply(code: code, text: shown)
        self.isChallenged = self.stage == .auth && code == 334
        if self.stage == .startTLS, code == 220 { self.stage = .handshake }
        if self.stage == .message, code / 100 == 2 { self.isTaken = true }
        return self.isChallenged ? "334 ***" : shown
    }

    /// Takes note of bytes of the message that go out.
    mutating func sent(_ count: Int) {
        if self.stage < .message {
            self.stage = .message
            self.reply = nil
        }
        self.messageBytes += count
    }

    /// Takes note of that TLS is spoken from here on.
    mutating func connected() {
        if self.stage == .connecting { self.stage = .greeting }
    }
}
