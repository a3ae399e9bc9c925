// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#if canImport(Glibc)
internal import Glibc
#endif

/// Keeps a connection that breaks from ending the process: without signals of its own, libcurl leaves SIGPIPE to us.
enum BrokenPipes {
    /// Runs `body` with SIGPIPE kept from this thread, and forgets one that came of it.
    static func ignored<Result>(_ body: () -> Result) -> Result {
        var pipes = sigset_t()
        var before = sigset_t()
        var pending = sigset_t()
        sigemptyset(&pipes)
        sigaddset(&pipes, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &pipes, &before)
        sigpending(&pending)
        let wasPending = sigismember(&pending, SIGPIPE) == 1
        defer {
            // One that was there before is not ours to forget.
            var none = timespec()
            if !wasPending { sigtimedwait(&pipes, nil, &none) }
            pthread_sigmask(SIG_SETMASK, &before, nil)
        }
        return body()
    }
}
