// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import TestSupport
import Testing

@testable import MailAlerts

/// Mail servers that do one thing wrong: each is a clear message, loses no mail and gets no password in clear text.
@Suite struct DeliveryFaultTests {
    /// A fault of the first connection, what is said of it, and whether it holds the queue.
    struct Fault: Sendable, CustomTestStringConvertible {
        var arguments: [String]
        var reason: String
        var isHold = false
        var scheme = "smtp"
        var certificate = "good"
        var timeout: Duration = .seconds(20)
        var testDescription: String { (self.arguments + [self.scheme, self.certificate]).joined(separator: " ") }
    }

    static let temporary: [Fault] =
        ["greeting", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "message"]
        .flatMap { verb -> [Fault] in
            let place =
                switch verb {
                case "greeting": "before its greeting"
                case "message": "after the message"
                default: "after \(verb)"
                }
            let what =
                switch verb {
                case "greeting": "the connection"
                case "message": "the message"
                default: verb
                }
            return [
                Fault(
                    arguments: ["stall", verb],
                    reason: "SERVER did not answer in time (\(place))",
                    timeout: .seconds(1)
                ),
                Fault(arguments: ["close", verb], reason: "SERVER closed the connection (\(place))"),
                Fault(arguments: ["endless", verb], reason: "SERVER sends replies without end (\(place))"),
                Fault(
                    arguments: ["say", verb, "451 4.3.2 \u{1B}[31mlater"],
                    reason: "SERVER answered \(what) with \"451 4.3.2 \\u{1B}[31mlater\""
                ),
                Fault(
                    arguments: ["say", verb, "421 4.3.2 going down"],
                    reason: "SERVER answered \(what) with \"421 4.3.2 going down\""
                ),
            ]
        }

    static let others = [
        Fault(
            arguments: ["say", "greeting", "554 go away"],
            reason: "SERVER answered the connection with \"554 go away\""
        ),
        Fault(arguments: ["say", "EHLO", "502 what"], reason: "SERVER answered EHLO with \"502 what\""),
        Fault(
            arguments: ["hang"],
            reason: "SERVER did not answer in time (in the TLS handshake)",
            timeout: .seconds(1)
        ),
        Fault(
            arguments: ["hang", "--implicit"],
            reason: "SERVER did not answer in time (before its greeting)",
            scheme: "smtps",
            timeout: .seconds(1)
        ),
        Fault(
            arguments: ["say", "STARTTLS", "501 no"],
            reason: "SERVER answered STARTTLS with \"501 no\"; nothing was sent in clear text",
            isHold: true
        ),
        Fault(
            arguments: ["say", "AUTH", "535 5.7.8 no"],
            reason: "SERVER answered AUTH with \"535 5.7.8 no\"",
            isHold: true
        ),
        Fault(
            arguments: ["say", "MAIL", "530 5.7.0 log in first"],
            reason: "SERVER answered MAIL with \"530 5.7.0 log in first\"",
            isHold: true
        ),
        Fault(
            arguments: ["strip"],
            reason: "SERVER does not offer STARTTLS; nothing was sent in clear text",
            isHold: true
        ),
        Fault(
            arguments: ["inject"],
            reason: "SERVER sent more than its reply to STARTTLS, which somebody on the way may have put there; "
                + "nothing was sent in clear text",
            isHold: true
        ),
        Fault(arguments: ["echo"], reason: "SERVER answered AUTH with \"535 no: *** AUTH PLAIN ***\"", isHold: true),
    ]

    @Test(arguments: Self.temporary + Self.others)
    func `a fault is told in clear words, and the mail is delivered when it is over`(_ fault: Fault) async throws {
        let certificates = try #require(Certificates.shared)
        let arguments = [
            "--certificate", certificates.certificate(fault.certificate), "--key", certificates.key, "--login",
            "\(MailStage.login.user):\(MailStage.login.password)", "--times", "1",
        ]
        try await LiveMailServer.run(arguments: arguments + fault.arguments) { server in
            var limits = MailStage.limits
            limits.connectTimeout = fault.timeout
            limits.replyTimeout = fault.timeout
            let stage = try MailStage(
                "\(fault.scheme)://localhost:\(server.port)",
                login: MailStage.login,
                authorities: certificates.authority,
                limits: limits
            )
            try await stage.run { queue in
                queue.add(try MailStage.draft("One"))
                try stage.tellsSent()
            }
            #expect(
                stage.reasons.first == fault.reason.replacingOccurrences(of: "SERVER", with: "localhost:\(server.port)")
            )
            #expect(stage.events.contains(.released) == fault.isHold)
            #expect(stage.events.contains { if case .held = $0 { true } else { false } } == fault.isHold)
            #expect(!server.clearText.contains("AUTH") && !server.clearText.contains("MAIL"))
            #expect(!"\(stage.events)".contains(MailStage.login.password))
        }
    }
}
