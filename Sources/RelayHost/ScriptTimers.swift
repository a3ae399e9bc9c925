// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import RelayHooks
internal import RelayTransport
internal import Scheduling

/// Has the scripts' timers take part in the ticks of the relay.
///
/// Confined to the script loop.
final class ScriptTimers: TimedWork {
    private let hooks: HookEngine

    init(_ hooks: HookEngine) { self.hooks = hooks }

    var nextMoment: Moment? { self.hooks.nextTimer.map { Moment(uptime: $0) } }

    func run(until deadline: Moment) { self.hooks.runTimers(until: deadline.seconds) }
}

extension Moment {
    /// The moment at which the clock of scripts, ``seconds``, shows at least so much.
    init(uptime: Double) {
        // Rounded up: a tick that comes too early finds nothing due.
        let nanoseconds = (uptime * 1e9).rounded(.up) + 1_000
        self.init(nanoseconds: nanoseconds < Double(Int64.max / 2) ? Int64(nanoseconds) : .max)
    }
}
