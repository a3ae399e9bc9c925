// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore

/// A function that a script registered for an event, with its options.
final class Hook: CallRecord {
    /// Lower runs first.
    let order: Double
    /// For `format`: the dialect it formats.
    let dialect: String
    /// For `ping`: the one transport whose texts it is asked about; nil for all.
    let transport: TransportKind?
    /// Asked after all that are not defaults.
    let isDefault: Bool

    init(
        event: HookEvent,
        function: LuaFunction,
        order: Double,
        onError: OnError,
        dialect: String,
        transport: TransportKind?,
        isDefault: Bool,
        script: String,
        line: Int
    ) {
        self.order = order
        self.dialect = dialect
        self.transport = transport
        self.isDefault = isDefault
        super.init(event: event, onError: onError, function, script: script, line: line)
    }
}

/// Whether a hook is left out for a while, and how often that happened.
struct HookPause {
    private(set) var until = -Double.infinity
    /// How often that happened.
    private(set) var count = 0

    func isPaused(at time: Double) -> Bool { time < self.until }

    /// Begins a pause.
    mutating func begin(until: Double) {
        self.until = until
        self.count += 1
    }
}

extension Duration {
    /// The duration as a number of seconds.
    var inSeconds: Double {
        Double(self.components.seconds) + Double(self.components.attoseconds) * 1e-18
    }
}
