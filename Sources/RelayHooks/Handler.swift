// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting

/// A function that a script registered for an event, with its options and its record.
final class Handler {
    /// What a failure counts as.
    enum OnError: String, CaseIterable {
        /// nil: no opinion.
        case skip
        /// false: no.
        case block
    }

    /// What carries texts.
    static let transports = ["tcp", "udp"]

    let event: HookEvent
    let function: LuaFunction
    /// Lower runs first.
    let order: Double
    let onError: OnError
    /// For `format`: the dialect it formats.
    let dialect: String
    /// For `ping`: the one transport whose texts it is asked about; nil for all.
    let transport: String?
    /// Asked after all that are not defaults.
    let isDefault: Bool
    /// Where it was registered.
    let script: String
    let line: Int

    /// Calls so far.
    @exclusivity(unchecked) var calls = 0
    /// Failures so far.
    var failures = 0
    var pause = HandlerPause()
    var cost = HandlerCost()
    /// When a failure was last logged, and how many were not since.
    var lastLogged = -Double.infinity
    var unlogged = 0
    /// For the monitor's events: whether it failed when it was last called, and that was told.
    var isFailing = false

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
        self.event = event
        self.function = function
        self.order = order
        self.onError = onError
        self.dialect = dialect
        self.transport = transport
        self.isDefault = isDefault
        self.script = script
        self.line = line
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
