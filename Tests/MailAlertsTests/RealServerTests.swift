// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import Testing

@testable import MailAlerts

/// Any mail server that the environment names; README.md says how to run one.
@Suite struct RealServerTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let server = Self.environment["MAIL_TEST_SERVER"]

    @Test(.enabled(if: Self.server != nil))
    func `a real mail server takes our mail`() async throws {
        let user = Self.environment["MAIL_TEST_USER"]
        let recipient = Self.environment["MAIL_TEST_RECIPIENT"] ?? "root@localhost"
        let stage = try MailStage(
            Self.server ?? "",
            login: user.map { MailLogin(user: $0, password: Self.environment["MAIL_TEST_PASSWORD"] ?? "") },
            authorities: Self.environment["MAIL_TEST_CA"]
        )
        let text = "Olá.\n.\n..\nFrom here on\n\n" + String(repeating: "long ", count: 500)
        try MailTestSender.send(try MailStage.draft("Olá, mundo", to: [recipient], text: text), with: stage.settings) {
            print($0)
        }
        try await stage.run { queue in
            for number in 1...20 {
                queue.add(try MailStage.draft("Alert \(number)", to: [recipient], incident: "slow"))
            }
            try stage.tellsSent(20)
        }
        #expect(stage.reasons == [])
    }
}
