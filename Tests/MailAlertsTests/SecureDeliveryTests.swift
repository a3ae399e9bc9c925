// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import TestSupport
import Testing

@testable import MailAlerts

/// TLS and logins: what is wrong holds the queue, what is right gets through, and nothing secret is ever seen.
@Suite struct SecureDeliveryTests {
    /// Runs a server with TLS and a login.
    private func live(
        _ arguments: [String] = [],
        certificate: String = "good",
        scheme: String = "smtp",
        host: String = "localhost",
        authority: String? = nil,
        login: MailLogin? = MailStage.login,
        _ body: (LiveMailServer, MailStage) async throws -> Void
    ) async throws {
        let certificates = try #require(Certificates.shared)
        let known = "\(MailStage.login.user):\(MailStage.login.password)"
        let own = ["--certificate", certificates.certificate(certificate), "--key", certificates.key, "--login", known]
        try await LiveMailServer.run(arguments: own + (scheme == "smtps" ? ["--implicit"] : []) + arguments) { server in
            let stage = try MailStage(
                "\(scheme)://\(host):\(server.port)",
                login: login,
                authorities: authority ?? certificates.authority
            )
            try await body(server, stage)
            #expect(!server.clearText.contains("AUTH") && !server.clearText.contains("MAIL"), "\(server.clearText)")
            #expect(!"\(stage.events)".contains(MailStage.login.password))
        }
    }

    private func isHeld(
        _ arguments: [String] = [],
        certificate: String = "good",
        scheme: String,
        authority: String? = nil,
        host: String = "localhost"
    ) async throws -> String {
        var reason = ""
        try await self.live(arguments, certificate: certificate, scheme: scheme, host: host, authority: authority) {
            server,
            stage in
            try await stage.run { queue in
                queue.add(try MailStage.draft("One"))
                // Tried again, quietly.
                try poll("three connections: \(stage.events)") { server.heard.contains { $0.connection == 3 } }
                #expect(queue.waiting == 1)
            }
            #expect(stage.events.count == 1 && stage.reasons.count == 1, "\(stage.events)")
            #expect(!server.heard.contains { $0.line?.hasPrefix("AUTH") == true || $0.line?.hasPrefix("MAIL") == true })
            reason = (stage.reasons.first ?? "").replacingOccurrences(of: ":\(server.port)", with: "")
        }
        return reason
    }

    @Test(arguments: ["smtp", "smtps"])
    func `a certificate that is not to be trusted holds the queue with one word, before anything is said`(
        _ scheme: String
    ) async throws {
        let certificates = try #require(Certificates.shared)
        let begin = "the certificate of localhost is not to be trusted: "
        let end = "; nothing was sent in clear text"
        let hint = "; --smtp-ca FILE names an authority of your own"
        #expect(
            try await self.isHeld(scheme: scheme, authority: certificates.otherAuthority)
                == begin + "SSL certificate problem: unable to get local issuer certificate" + hint + end
        )
        #expect(
            try await self.isHeld(certificate: "expired", scheme: scheme) == begin
                + "SSL certificate problem: certificate has expired" + end
        )
        #expect(
            try await self.isHeld(certificate: "other", scheme: scheme)
                == begin + "SSL: no alternative certificate subject name matches target host name 'localhost'" + end
        )
    }

    @Test func `a certificate is not to be trusted without a file of authorities, by the system's own`() async throws {
        let certificates = try #require(Certificates.shared)
        try await LiveMailServer.run(arguments: [
            "--certificate", certificates.certificate("good"), "--key", certificates.key,
        ]) { server in
            let stage = try MailStage("localhost:\(server.port)")
            try await stage.run { queue in
                queue.add(try MailStage.draft("One"))
                try stage.tells("a hold") { if case .held = $0 { true } else { false } }
            }
            #expect(stage.reasons.first?.contains("not to be trusted") == true)
        }
    }

    @Test func `TLS before 1.2 holds the queue`() async throws {
        #expect(try await self.isHeld(["--oldest"], scheme: "smtps").hasPrefix("TLS with localhost failed: "))
    }

    @Test func `a server without STARTTLS gets nothing but EHLO and QUIT`() async throws {
        try await self.live(["strip"]) { server, stage in
            try await stage.run { queue in
                queue.add(try MailStage.draft("One"))
                try poll("two connections") { server.heard.contains { $0.connection == 2 } }
            }
            #expect(stage.events.count == 1)
            let verbs = server.heard.compactMap { $0.line?.split(separator: " ").first }
            #expect(Set(verbs).isSubset(of: ["EHLO", "QUIT"]))
        }
    }

    @Test func `a server without STARTTLS gets no login by smtps either way, nor one that speaks clear text to it`()
        async throws
    {
        // TLS is awaited, and a server answers in clear text.
        try await LiveMailServer.run(arguments: ["--login", "luar:\(MailStage.login.password)"]) { server in
            let stage = try MailStage("smtps://localhost:\(server.port)", login: MailStage.login)
            try await stage.run { queue in
                queue.add(try MailStage.draft("One"))
                try stage.tells("a failure") { if case .held = $0 { true } else { false } }
            }
            #expect(stage.reasons.first?.hasPrefix("TLS with localhost:\(server.port) failed: ") == true)
            #expect(!server.clearText.contains("EHLO"))
        }
    }

    @Test(arguments: ["PLAIN LOGIN", "LOGIN", "PLAIN"], ["smtp", "smtps"])
    func `the right login gets through, and the dialogue shows no secrets`(_ mechanisms: String, _ scheme: String)
        async throws
    {
        try await self.live(["--mechanisms", mechanisms], scheme: scheme, host: "127.0.0.1") { server, stage in
            var lines: [String] = []
            try MailTestSender.send(
                try MailStage.draft("One", to: ["ana@example.com", "bia@example.com"]),
                with: stage.settings
            ) { lines.append($0) }
            try server.takes(1)
            #expect(server.messages.count == 1 && server.messages[0].to.count == 2)
            let shown = lines.joined(separator: "\n")
            let login = MailStage.login
            let secrets = [login.password, "\0\(login.user)\0\(login.password)", login.user]
                .map { Data($0.utf8).base64EncodedString() }
            for secret in secrets + [login.password] { #expect(!shown.contains(secret), "\(shown)") }
            #expect(server.program.output.contains(secrets[0]) || server.program.output.contains(secrets[1]))
            for part in [
                "< 220 test ESMTP", "> EHLO ", "> AUTH ", "***", "< 235 ", "> MAIL FROM:<luar@example.com>",
                "bytes of message)", "< 250 taken", "> QUIT",
            ] {
                #expect(shown.contains(part), "\(part) in \(shown)")
            }
            #expect(!shown.contains("Auto-Submitted"))
        }
    }

    @Test func `a wrong login holds the queue with one word`() async throws {
        try await self.live(login: MailLogin(user: "luar", password: "n0t-this-one")) { server, stage in
            try await stage.run { queue in
                queue.add(try MailStage.draft("One"))
                try poll("three connections") { server.heard.contains { $0.connection == 3 } }
            }
            #expect(
                stage.reasons == ["localhost:\(server.port) answered AUTH with \"535 5.7.8 wrong user or password\""]
            )
            let error = #expect(throws: MailError.self) {
                try MailTestSender.send(try MailStage.draft("One"), with: stage.settings) { _ in }
            }
            #expect(error?.reason == stage.reasons[0])
        }
    }

    @Test func `a server that wants a login and offers none is told so`() async throws {
        try await self.live(["noauth", "--times", "99"]) { server, stage in
            try MailTestSender.send(try MailStage.draft("One"), with: stage.settings) { _ in }
            try server.takes(1)
        }
        try await self.live(["say", "MAIL", "530 5.7.0 who are you"], login: nil) { server, stage in
            try await stage.run { queue in
                queue.add(try MailStage.draft("One"))
                try stage.tells("a hold") { if case .held = $0 { true } else { false } }
            }
            #expect(
                stage.reasons == [
                    "localhost:\(server.port) answered MAIL with \"530 5.7.0 who are you\"; no login is set"
                ]
            )
        }
    }

    @Test func `a server that offers only ways to log in that we do not know holds the queue`() async throws {
        try await self.live(["--mechanisms", "X-STRANGE"]) { server, stage in
            try await stage.run { queue in
                queue.add(try MailStage.draft("One"))
                try poll("something is said") { !stage.events.isEmpty }
            }
            #expect(stage.reasons == ["localhost:\(server.port) offers no way to log in that we know"])
        }
    }

    @Test func `aiosmtpd with STARTTLS and a login takes our mail`() async throws {
        let certificates = try #require(Certificates.shared)
        let login = MailStage.login
        let arguments = [certificates.certificate("good"), certificates.key, login.user, login.password]
        try await LiveMailServer.run("aiosmtpd_server.py", arguments: arguments) { server in
            let stage = try MailStage(
                "smtp://127.0.0.1:\(server.port)",
                login: login,
                authorities: certificates.authority
            )
            try await stage.run { queue in
                for number in 1...5 {
                    queue.add(try MailStage.draft("Olá \(number)", text: ".\n..\nFrom here\n\(number)"))
                }
                try stage.tellsSent(5)
            }
            #expect(server.heard.filter { $0.message != nil }.allSatisfy { $0.login == true })
            try server.takes(5)
            #expect(server.messages.map(\.to) == Array(repeating: ["ana@example.com"], count: 5))
            #expect(stage.reasons == [])
            let stranger = try MailStage("smtp://127.0.0.1:\(server.port)", authorities: certificates.authority)
            let error = #expect(throws: MailError.self) {
                try MailTestSender.send(try MailStage.draft("x"), with: stranger.settings) { _ in }
            }
            #expect(
                error?.reason
                    == "127.0.0.1:\(server.port) answered MAIL with \"530 5.7.0 Authentication required\"; no login is set"
            )
        }
    }
}
