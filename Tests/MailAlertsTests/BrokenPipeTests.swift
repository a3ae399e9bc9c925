// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Testing

@testable import MailAlerts

#if canImport(Glibc)
import Glibc
#endif

@Suite struct BrokenPipeTests {
    @Test func `a broken pipe neither ends us nor is left over, and the thread is as it was`() {
        func mask() -> Bool {
            var set = sigset_t()
            pthread_sigmask(SIG_BLOCK, nil, &set)
            return sigismember(&set, SIGPIPE) == 1
        }
        func pending() -> Bool {
            var set = sigset_t()
            sigpending(&set)
            return sigismember(&set, SIGPIPE) == 1
        }
        let before = mask()
        var inside = (false, false)
        BrokenPipes.ignored {
            pthread_kill(pthread_self(), SIGPIPE)
            inside = (mask(), true)
        }
        #expect(inside == (true, true))
        #expect(mask() == before && !pending())
    }
}
