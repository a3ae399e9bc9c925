// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import TestSupport
import Testing

@testable import MailAlerts

/// The queue with a mail server that does what it should.
@Suite struct MailQueueTests {
    /// A server in clear text, which is enough here, and a stage for it.
    private func live(
        _ fault: [String] = [],
        limits: MailLimits = MailStage.limits,
        _ body: (LiveMailServer, MailStage) async throws -> Void
    ) async throws {
        try await LiveMailServer.run(arguments: fault) { server in
            try await body(server, MailStage("smtp+insecure://127.0.0.1:\(server.port)", limits: limits))
        }
    }

    private func text(_ message: [UInt8]) -> String { String(decoding: message, as: UTF8.self) }

    private func field(_ name: String, _ message: [UInt8]) -> String? {
        self.text(message).components(separatedBy: "\r\n").first { $0.hasPrefix(name + ": ") }
            .map { String($0.dropFirst(name.count + 2)) }
    }

    @Test func `every recipient gets a mail of its own, all of one Message-ID, and the spool is empty then`()
        async throws
    {
        try await self.live { server, stage in
            try await stage.run { queue in
                queue.add(try MailStage.draft("One", to: ["ana@example.com", "bia@example.com"], label: "Lenta"))
                try server.takes(2)
                try stage.tellsSent(2)
                #expect(queue.waiting == 0)
            }
            #expect(server.messages.map(\.to) == [["RCPT TO:<ana@example.com>"], ["RCPT TO:<bia@example.com>"]])
            #expect(Set(server.messages.map(\.bytes)).count == 1)
            #expect(Set(stage.sent.map(\.messageID)) == [self.field("Message-ID", server.messages[0].bytes)])
            #expect(stage.sent.map(\.labels) == [["Lenta"], ["Lenta"]])
            #expect(self.text(server.messages[0].bytes).contains("\r\nTo: ana@example.com, bia@example.com\r\n"))
            #expect(stage.files("waiting") == [] && stage.files("failed") == [] && stage.files("tmp") == [])
        }
    }

    @Test func `mails of one incident are one thread, also after a restart`() async throws {
        try await self.live { server, stage in
            for subject in ["One", "Two", "Three"] {
                try await stage.run { queue in
                    queue.add(try MailStage.draft(subject, incident: "slow"))
                    queue.add(try MailStage.draft("Other"))
                    try stage.tellsSent(stage.sent.count + 2)
                }
            }
            try server.takes(6)
            let messages = server.messages.map(\.bytes)
            let thread = messages.filter { self.field("Subject", $0) != "Other" }
            let ids = thread.map { self.field("Message-ID", $0) ?? "" }
            #expect(thread.map { self.field("In-Reply-To", $0) } == [nil, ids[0], ids[1]])
            let other = messages.filter { self.field("Subject", $0) == "Other" }
            #expect(other.allSatisfy { self.field("In-Reply-To", $0) == nil })
        }
    }

    @Test func `after an outage the newest goes first and the rest as one digest`() async throws {
        var limits = MailStage.limits
        limits.retries = [.seconds(600)]
        try await self.live(limits: limits) { server, stage in
            // Nobody listens there.
            let listener = try Listener()
            let away = try MailStage("smtp+insecure://127.0.0.1:\(listener.port)", folder: stage.folder, limits: limits)
            listener.close()
            try await away.run { queue in
                for number in 1...5 {
                    queue.add(
                        try MailStage.draft("Alert \(number / 3)", text: "Text \(number).\n", label: "L\(number / 3)")
                    )
                }
                try away.tells("a failure") { if case .failed(_, _, .triedAgain) = $0 { true } else { false } }
            }
            #expect(away.reasons == ["cannot connect to 127.0.0.1:\(listener.port): Connection refused"])
            #expect(stage.files("waiting").count == 5)
            try await stage.run { _ in try stage.tellsSent(2) }
            try server.takes(2)
            #expect(stage.sent.map(\.count) == [1, 4])
            #expect(stage.sent[1].labels == ["L0", "L1"])
            let digest = self.text(server.messages[1].bytes)
            #expect(self.field("Subject", server.messages[0].bytes) == "Alert 1")
            #expect(
                digest.contains(", 2 times  Alert 0\r\n    Text 1.\r\n")
                    && digest.contains(", 2 times  Alert 1\r\n    Text 3.\r\n")
            )
            #expect(stage.files("waiting") == [])
        }
    }

    @Test func `what the server refuses is kept with its reason, the newest ones of many`() async throws {
        var limits = MailStage.limits
        limits.mostFailed = 2
        try await self.live(["say", "RCPT", "550 5.1.1 nobody"], limits: limits) { server, stage in
            try await stage.run { queue in
                for number in 1...4 {
                    queue.add(try MailStage.draft("Alert \(number)"))
                    try poll("\(number) failures") { stage.reasons.count == number }
                }
            }
            let reason = "127.0.0.1:\(server.port) answered RCPT with \"550 5.1.1 nobody\""
            #expect(stage.reasons == Array(repeating: reason, count: 4))
            let listing = try SpoolListing(stage.folder)
            #expect(listing.mails.map(\.subject) == ["Alert 3", "Alert 4"])
            #expect(listing.mails.allSatisfy { $0.state == .failed && $0.lastError == reason })
            #expect(stage.files("waiting") == [] && stage.files("failed").count == 4)
        }
    }

    @Test func `what is too old is kept with its last error`() async throws {
        var limits = MailStage.limits
        limits.expiry = .milliseconds(200)
        try await self.live(["say", "MAIL", "450 later"], limits: limits) { server, stage in
            try await stage.run { queue in
                queue.add(try MailStage.draft("Old"))
                try stage.tells("it is given up") { if case .failed(_, _, .kept) = $0 { true } else { false } }
            }
            #expect(
                stage.reasons.last?
                    .hasSuffix("the last error: 127.0.0.1:\(server.port) answered MAIL with \"450 later\"") == true
            )
            #expect(stage.files("failed").count == 2)
        }
    }

    @Test func `a listing shows what waits and why, while the queue runs`() async throws {
        var limits = MailStage.limits
        limits.retries = [.seconds(600)]
        try await self.live(["say", "MAIL", "450 later"], limits: limits) { _, stage in
            try await stage.run { queue in
                queue.add(try MailStage.draft("One", label: "Lenta"))
                try poll("the reason is listed") {
                    try SpoolListing(stage.folder).mails.first?.lastError?.contains("450 later") == true
                }
                let mail = try #require(try SpoolListing(stage.folder).mails.first)
                #expect(mail.recipient == "ana@example.com" && mail.subject == "One" && mail.labels == ["Lenta"])
                #expect(
                    mail.state == .waiting && mail.count == 1 && abs(mail.created - Date().timeIntervalSince1970) < 60
                )
            }
        }
        #expect(throws: MailError.self) { try SpoolListing("/nowhere") }
    }

    @Test func `a server that goes away delays every mail, and a listing says so of each`() async throws {
        var limits = MailStage.limits
        limits.retries = [.seconds(600)]
        try await self.live(["say", "MAIL", "421 going down"], limits: limits) { _, stage in
            try await stage.run { queue in
                queue.add(try MailStage.draft("One"))
                try poll("a failure") { stage.reasons.count == 1 }
                queue.add(try MailStage.draft("Two", to: ["bia@example.com"]))
                try poll("both are listed with the reason") {
                    let mails = try SpoolListing(stage.folder).mails
                    return mails.count == 2 && mails.allSatisfy { $0.lastError?.contains("421 going down") == true }
                }
                #expect(stage.reasons.count == 1)
            }
        }
    }

    @Test func `what is added is on disk after the end, also without a start, and a delivery under way is given up`()
        async throws
    {
        try await self.live(["stall", "DATA"]) { server, stage in
            try await stage.run { queue in
                queue.add(try MailStage.draft("One"))
                try server.program.prints("DATA")
                for number in 0..<50 { queue.add(try MailStage.draft("More \(number)")) }
            }
            #expect(try SpoolListing(stage.folder).mails.count == 51)
            #expect(stage.events == [])
            let queue = try stage.queue()
            queue.add(try MailStage.draft("Last"))
            queue.stop()
            queue.stop()
            #expect(try SpoolListing(stage.folder).mails.count == 52)
            queue.add(try MailStage.draft("Too late"))
            #expect(stage.reasons == ["mail was already stopped"])
        }
    }

    @Test func `a mail that a server took is sent, however it says goodbye`() async throws {
        for fault in ["stall", "close", "endless"] {
            try await self.live([fault, "QUIT"]) { server, stage in
                try await stage.run { queue in
                    queue.add(try MailStage.draft("One"))
                    try stage.tellsSent()
                }
                try server.takes(1)
                #expect(server.messages.count == 1 && stage.reasons == [])
            }
        }
    }

    @Test func `replies in pieces are replies`() async throws {
        try await self.live(["pieces"]) { server, stage in
            try await stage.run { queue in
                queue.add(try MailStage.draft("One"))
                try stage.tellsSent()
            }
            #expect(stage.reasons == [])
        }
    }

    @Test func `a reply of one endless line is told`() async throws {
        try await self.live(["long", "EHLO", "--times", "1"]) { server, stage in
            try await stage.run { queue in
                queue.add(try MailStage.draft("One"))
                try stage.tellsSent()
            }
            #expect(stage.reasons.count == 1 && stage.reasons[0].contains("127.0.0.1:\(server.port) "))
        }
    }

    @Test func `any text arrives as it was`() async throws {
        try await self.live { server, stage in
            var random = SplitMix64(seed: 5_321)
            let texts = (0..<40)
                .map { _ in
                    String(
                        (0..<Int.random(in: 0..<3_000, using: &random))
                            .map { _ in Array(".\n\r aF=é👍").randomElement(using: &random) ?? " " }
                    )
                }
            try await stage.run { queue in
                for (number, text) in texts.enumerated() { queue.add(try MailStage.draft("\(number)", text: text)) }
                try stage.tellsSent(texts.count)
            }
            try server.takes(texts.count)
            for message in server.messages {
                let number = Int(self.field("Subject", message.bytes) ?? "") ?? -1
                let body = QuotedPrintable.encode(texts[number])
                #expect(Array(message.bytes.suffix(body.count)) == body)
            }
        }
    }
}
