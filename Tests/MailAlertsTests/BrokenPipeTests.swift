// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Testing

@testable import MailAlerts

#if canImport(Glibc)
import Glibc
#endif

@Suite struct BrokenPipeTests {
    // libcurl puts back what was in force before each of its writes: where that is the default, a thread that does so ends the
    // process for another one's broken connection.
    @Test func `a process that sends mail ignores SIGPIPE from then on`() async {
        await #expect(processExitsWith: .success) {
            signal(SIGPIPE, SIG_DFL)
            let stage = try MailStage("smtp://127.0.0.1:1")
            let delivery = SMTPDelivery(Array("Subject: x\r\n\r\n".utf8), with: stage.settings, isStopping: { false })
            _ = delivery.run(from: "luar@example.com", to: ["ana@example.com"])
            var action = sigaction()
            sigaction(SIGPIPE, nil, &action)
            #expect(unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1, "SIG_IGN")
        }
    }
}
