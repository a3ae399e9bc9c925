// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// What scripts can register hooks for.
enum HookEvent: String, CaseIterable {
    case start
    case stop
    case ping
    case admit
    case name
    case connect
    case disconnect
    case message
    case route
    case format
    case relayed
    case systemMessage = "system_message"
    case console
    case latency
    case status
    case alert
    case chatConnect = "chat_connect"
    case chatHello = "chat_hello"
    case chatSend = "chat_send"
    case chatReceive = "chat_receive"
    case chatClose = "chat_close"
    /// A timer is due; scripts make those by `relay.every`, `relay.after` and `relay.daily`, not by name.
    case timer
    /// It is known whether something was stored; scripts name a function for it in `relay.mail` and `relay.sync`.
    case stored

    /// What becomes of the answers.
    enum Kind {
        /// Every hook runs, answers are ignored.
        case notice
        /// A text passes through every hook; `false` stops it.
        case filter
        /// The first answer that is not nil counts.
        case question
    }

    var kind: Kind {
        switch self {
        case .start, .stop, .connect, .disconnect, .relayed, .status, .timer, .stored: .notice
        case .message, .chatSend, .chatReceive: .filter
        case .admit, .name, .ping, .route, .format, .systemMessage, .console, .latency, .alert: .question
        case .chatConnect, .chatHello, .chatClose: .question
        }
    }

    /// The program that has the event.
    var program: ScriptProgram {
        switch self {
        case .chatConnect, .chatHello, .chatSend, .chatReceive, .chatClose: .chat
        default: .relay
        }
    }

    /// What a failure counts as unless a hook says otherwise: a door that fails stays shut, and a line that was to be
    /// changed before it leaves does not leave as it was typed.
    var onError: Hook.OnError { self == .admit || self == .chatSend ? .block : .skip }

    /// Whether its hooks may have memory beyond the limit.
    var hasSpareMemory: Bool {
        switch self {
        case .name, .route, .format, .admit, .systemMessage: true
        default: false
        }
    }

    /// Whether it is about a measurement.
    ///
    /// Measurements never end, so a failing hook is logged once, until it works again.
    var isMonitors: Bool { self == .latency || self == .status || self == .alert }

    /// Whether scripts register hooks for it by its name.
    private var hasName: Bool { self != .timer && self != .stored }

    /// The event that scripts of a program call by a name.
    init?(name: String) {
        self.init(rawValue: name)
        if !self.hasName { return nil }
    }

    /// The events of a program by name.
    static func names(of program: ScriptProgram) -> [String] {
        Self.allCases.filter { $0.program == program && $0.hasName }.map(\.rawValue)
    }
}
