// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import Scheduling
import TestSupport
import Testing

@testable import LatencyMonitor

#if canImport(Glibc)
import Glibc
#endif

/// What tests of the prober set up.
extension ProbeRun {
    /// Runs a prober against responders on a thread that may wait.
    static func with(
        _ impairments: [ImpairingResponder.Impairments],
        _ plan: ProbePlan,
        seed: UInt64 = 1,
        _ body: (ProbeRun) throws -> Void
    ) async throws {
        try await onThread {
            let run = try ProbeRun(impairments, plan, seed: seed)
            defer { run.stop() }
            try body(run)
        }
    }

    static func plan(
        _ interval: Int,
        timeout: Int,
        burst: Int = 1,
        count: Int? = nil,
        sourcePort: UInt16? = nil
    ) -> ProbePlan {
        ProbePlan(
            interval: .milliseconds(interval),
            timeout: .milliseconds(timeout),
            burst: burst,
            count: count,
            sourcePort: sourcePort
        )
    }

    /// Sockets of this process that are connected to a port, which only a test's own prober has.
    static func sockets(to port: Int) -> Int {
        (CInt(0)..<4_096)
            .count { descriptor in
                var name = sockaddr_in()
                var length = socklen_t(MemoryLayout<sockaddr_in>.size)
                let code = withUnsafeMutablePointer(to: &name) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &length) }
                }
                return code == 0 && name.sin_family == sa_family_t(AF_INET)
                    && Int(in_port_t(bigEndian: name.sin_port)) == port
            }
    }
}
