// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Testing

@testable import MailAlerts

@Suite struct MailServerTests {
    @Test(arguments: [
        ("mail.example", "smtp://mail.example:587"), ("mail.example:25", "smtp://mail.example:25"),
        ("smtp://mail.example/", "smtp://mail.example:587"), ("SMTPS://mail.example", "smtps://mail.example:465"),
        ("smtps://[2001:db8::1]:4650", "smtps://[2001:db8::1]:4650"),
        ("smtp+insecure://127.8.9.1:2525", "smtp+insecure://127.8.9.1:2525"),
        ("smtp+insecure://localhost", "smtp+insecure://localhost:25"),
        ("smtp+insecure://[::1]:2525", "smtp+insecure://[::1]:2525"),
    ])
    func `servers are read and shown`(_ text: String, _ shown: String) throws {
        #expect(try MailServer(text).description == shown)
    }

    @Test(arguments: [
        "", "smtp://", "http://mail.example", "smtp://mail.example:0", "smtp://mail.example:65536",
        "smtp://mail.example:+5", "mail.example:",
        "smtp://mail example", "smtp://mail.example/path", "smtp://mail.example?x", "smtp://mail.example\r\nX",
        "smtp://2001:db8::1", "smtp://[x]",
        "smtp://[::1", "smtp+insecure://mail.example", "smtp+insecure://10.0.0.1",
        "smtp+insecure://127.0.0.1.example.com",
        "smtp+insecure://localhost.example", "smtp+insecure://127.1", "smtp+insecure://[::2]",
        "smtp+insecure://0.0.0.0",
    ])
    func `what is no server, or insecure and elsewhere, is refused`(_ text: String) {
        #expect(throws: MailRefusal.self) { try MailServer(text) }
    }

    @Test func `a login in a server's address is refused without being repeated`() {
        let refusal = #expect(throws: MailRefusal.self) { try MailServer("smtp://ana:s3cret@mail.example") }
        #expect(refusal?.reason.contains("s3cret") == false)
    }

    @Test func `a login is never shown, and never goes with clear text`() throws {
        let login = MailLogin(user: "ana", password: "s3cret")
        let server = try MailServer("smtp+insecure://127.0.0.1:2525")
        let from = try MailAddress("ana@example.com")
        let error = #expect(throws: MailError.self) {
            try MailSettings(server: server, from: from, login: login, spool: "/nowhere")
        }
        var dumped = ""
        dump(login, to: &dumped)
        for shown in ["\(login)", String(reflecting: login), dumped, error?.reason ?? ""] {
            #expect(!shown.contains("s3cret"))
        }
    }

    @Test(arguments: ["a\0b", "a\r\nb", "a\n"])
    func `a password with line breaks or NUL is refused without being repeated`(_ password: String) throws {
        let (server, from) = (try MailServer("mail.example"), try MailAddress("ana@example.com"))
        #expect(throws: MailError.self) {
            try MailSettings(
                server: server,
                from: from,
                login: MailLogin(user: "u", password: password),
                spool: "/nowhere"
            )
        }
    }

    @Test func `a file of authorities that is none is refused by its name`() throws {
        let (server, from) = (try MailServer("mail.example"), try MailAddress("ana@example.com"))
        for path in ["/nowhere/ca.pem", "/etc/passwd", "/tmp"] {
            let error = #expect(throws: MailError.self) {
                try MailSettings(server: server, from: from, authorities: path, spool: "/nowhere")
            }
            #expect(error?.reason.contains("'\(path)'") == true)
        }
    }
}
