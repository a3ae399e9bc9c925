// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting

/// A function that a script registered for an event, with its options.
final class Handler: CallRecord {
    /// What carries texts.
    static let transports = ["tcp", "udp"]

    let function: LuaFunction
    /// Lower runs first.
    let order: Double
    /// For `format`: the dialect it formats.
    let dialect: String
    /// For `ping`: the one transport whose texts it is asked about; nil for all.
    let transport: String?
    /// Asked after all that are not defaults.
    let isDefault: Bool

    init(
        event: HookEvent,
        function: LuaFunction,
        order: Double,
        onError: OnError,
        dialect: String,
        transport: String?,
        isDefault: Bool,
        script: String,
        line: Int
    ) {
        self.function = function
        self.order = order
        self.dialect = dialect
        self.transport = transport
        self.isDefault = isDefault
        super.init(event: event, onError: onError, script: script, line: line)
    }
}

/// Decides when a handler has wasted enough time to be left out for a while.
///
/// Only time lost to passed limits counts: a handler that merely fails costs little, and pausing it would let anybody
/// who can make it fail switch it off.
struct HandlerPause {
    private var wastes: [(time: Double, seconds: Double)] = []
    private(set) var until = -Double.infinity
    /// How often that happened.
    private(set) var count = 0

    func isPaused(at time: Double) -> Bool { time < self.until }

    /// Notes wasted time; true if the handler is paused from now on.
    mutating func note(
        waste: Duration,
        at time: Double,
        after: Duration,
        window: Duration,
        pause: Duration
    ) -> Bool {
        let horizon = time - window.inSeconds
        self.wastes.removeAll { $0.time <= horizon }
        self.wastes.append((time, waste.inSeconds))
        guard self.wastes.reduce(0, { $0 + $1.seconds }) >= after.inSeconds else { return false }
        self.wastes.removeAll()
        self.until = time + pause.inSeconds
        self.count += 1
        return true
    }
}

extension Duration {
    /// The duration as a number of seconds.
    var inSeconds: Double {
        Double(self.components.seconds) + Double(self.components.attoseconds) * 1e-18
    }
}
