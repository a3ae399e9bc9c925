// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore

/// What scripts see: the one table of functions, types and fields, from which the Lua state is set up and error texts
/// take their suggestions.
enum HookAPI {
    /// The version of the Lua API.
    static let version: Int64 = 1

    /// Host functions by their path in Lua.
    enum Function: Int, CaseIterable {
        case on
        case setDefault
        case settings
        case room
        case only
        case send
        case client
        case clients
        case utf8
        case now
        case logDebug
        case logInfo
        case logWarn
        case logError
        case print
        case clientSend
        case clientClose
        case every
        case after
        case daily
        case timerCancel
        case mail
        case state
        case metricsCount
        case metricsGauge
        case file
        case fileWrite
        case missing

        /// The path, or nil for a method and for what scripts cannot name.
        var path: String? {
            switch self {
            case .on: "relay.on"
            case .setDefault: "relay.default"
            case .settings: "relay.settings"
            case .room: "relay.room"
            case .only: "relay.only"
            case .send: "relay.send"
            case .client: "relay.client"
            case .clients: "relay.clients"
            case .utf8: "relay.utf8"
            case .now: "relay.now"
            case .logDebug: "relay.log.debug"
            case .logInfo: "relay.log.info"
            case .logWarn: "relay.log.warn"
            case .logError: "relay.log.error"
            case .print: "print"
            case .every: "relay.every"
            case .after: "relay.after"
            case .daily: "relay.daily"
            case .mail: "relay.mail"
            case .state: "relay.state"
            case .metricsCount: "relay.metrics.count"
            case .metricsGauge: "relay.metrics.gauge"
            case .file: "relay.file"
            case .clientSend, .clientClose, .timerCancel, .fileWrite, .missing: nil
            }
        }

        var keepsFunctions: Bool {
            switch self {
            case .on, .setDefault, .every, .after, .daily: true
            default: false
            }
        }
        var takesTrees: Bool { self == .settings || self == .mail }

        /// Whether a program has it: the chat client has no clients and no rooms.
        func exists(in program: HookProgram) -> Bool {
            switch self {
            case .room, .only, .send, .client, .clients, .every, .after, .daily: program == .relay
            case .state, .metricsCount, .metricsGauge, .file, .mail: program == .relay
            default: true
            }
        }
    }

    /// What comes with the Lua state, in both programs, by its path in Lua.
    static let library: [(path: String, member: LuaState.LibraryMember)] = [
        ("relay.json.decode", .jsonDecode), ("relay.json.encode", .jsonEncode), ("relay.json.null", .jsonNull),
        ("relay.json.empty_array", .jsonEmptyArray),
    ]

    /// Constants of `relay` beside its functions.
    static func constants(of program: HookProgram) -> [String] {
        ["api", "version"] + (program == .relay ? ["others", "everyone"] : ["quit"])
    }

    /// Fields of a client.
    enum ClientField: Int, CaseIterable {
        case id
        case host
        case port
        case address
        case transport
        case secure
        case since
        case name
        case room
        case dialect
        case data

        var access: LuaState.Access {
            switch self {
            case .name, .room, .dialect: .readWrite
            case .data: .data
            default: .read
            }
        }

        /// Where its value is kept between reads; the engine says when it changes.
        var slot: Int { self == .name ? 1 : 0 }
    }

    /// Methods of a client.
    static let clientMethods: [(name: String, function: Function)] = [("send", .clientSend), ("close", .clientClose)]

    /// Methods of a timer.
    static let timerMethods: [(name: String, function: Function)] = [("cancel", .timerCancel)]

    /// Methods of a file.
    static let fileMethods: [(name: String, function: Function)] = [("write", .fileWrite)]

    /// Fields of a message.
    enum MessageField: Int, CaseIterable {
        case text
        case size
        case sender
        case time
        case id

        /// Where its value is kept between reads of one message.
        var slot: Int {
            switch self {
            case .text: 1
            case .sender: 2
            default: 0
            }
        }
    }

    /// Fields of a console event; those that its kind does not have are nil.
    enum ConsoleField: Int, CaseIterable {
        case kind
        case client
        case text
        case reason
        case address
        case transport
        case from
        case to
        case sample
        case targets
        case status
        case subject
        case recipient
        case prompt
    }

    /// Fields of an address: of the server that the chat client talks to, and of whoever sent a ping.
    enum AddressField: Int, CaseIterable {
        case host
        case port
        case address
        case transport
    }

    /// What a route object's identity says; a name or client numbers go with it as bytes.
    enum RouteKind: Int64 {
        case others
        case everyone
        case room
        case only
    }

    /// The types of one state.
    struct Types {
        var client: LuaType
        var message: LuaType
        var console: LuaType
        var route: LuaType
        var server: LuaType
        var origin: LuaType
        var quit: LuaType
        var timer: LuaType
        var state: LuaType
        var file: LuaType
        var monitor: MonitorTypes
    }

    /// Names a type's fields and methods have, for suggestions.
    static func fieldNames(of type: LuaType, in types: Types) -> (type: String, names: [String]) {
        switch type {
        case types.client: ("client", ClientField.allCases.map { "\($0)" } + self.clientMethods.map(\.name))
        case types.message: ("message", MessageField.allCases.map { "\($0)" })
        case types.console: ("console event", ConsoleField.allCases.map { "\($0)" })
        case types.server: ("server", AddressField.allCases.map { "\($0)" })
        case types.origin: ("ping's origin", AddressField.allCases.map { "\($0)" })
        case types.quit: ("relay.quit", [])
        case types.timer: ("timer", self.timerMethods.map(\.name))
        case types.file: ("file", self.fileMethods.map(\.name))
        default: self.monitorFieldNames(of: type, in: types.monitor) ?? ("route", [])
        }
    }

    /// Defines everything that a program has in a fresh state, and seals it.
    static func define(in state: LuaState, for program: HookProgram, version: String) throws -> Types {
        let types = Types(
            client: try state.defineType("client", sameValue: true),
            message: try state.defineType("message", sameValue: true),
            console: try state.defineType("console event", sameValue: true),
            route: try state.defineType("route", sameValue: false),
            server: try state.defineType("server", sameValue: true),
            origin: try state.defineType("origin", sameValue: true),
            quit: try state.defineType("quit", sameValue: true),
            timer: try state.defineType("timer", sameValue: false),
            state: try state.defineType("state", sameValue: true, keyed: true),
            file: try state.defineType("file", sameValue: true),
            monitor: try self.defineMonitor(in: state)
        )
        for field in ClientField.allCases {
            try state.defineField("\(field)", of: types.client, field.access, field.rawValue, keptIn: field.slot)
        }
        for (name, function) in self.clientMethods {
            try state.defineField(name, of: types.client, .method, function.rawValue)
        }
        for (name, function) in self.timerMethods {
            try state.defineField(name, of: types.timer, .method, function.rawValue)
        }
        for (name, function) in self.fileMethods {
            try state.defineField(name, of: types.file, .method, function.rawValue)
        }
        for field in MessageField.allCases {
            try state.defineField("\(field)", of: types.message, .read, field.rawValue, keptIn: field.slot)
        }
        for field in ConsoleField.allCases {
            try state.defineField("\(field)", of: types.console, .read, field.rawValue)
        }
        for field in AddressField.allCases {
            try state.defineField("\(field)", of: types.server, .read, field.rawValue)
            try state.defineField("\(field)", of: types.origin, .read, field.rawValue)
        }
        for function in Function.allCases where function.exists(in: program) {
            guard let path = function.path else { continue }
            try state.defineFunction(
                path,
                function.rawValue,
                keepsFunctions: function.keepsFunctions,
                takesTrees: function.takesTrees
            )
        }
        for (path, member) in self.library { try state.defineLibrary(path, member) }
        switch program {
        case .relay:
            let route = { (kind: RouteKind) in LuaValue.object(LuaObject(type: types.route, id: kind.rawValue)) }
            try state.defineConstant("relay.others", route(.others))
            try state.defineConstant("relay.everyone", route(.everyone))
        case .chat:
            try state.defineConstant("relay.quit", .object(LuaObject(type: types.quit, id: 0)))
        }
        try state.defineConstant("relay.api", .integer(self.version))
        let label = Label(version)
        try state.defineConstant("relay.version", .bytes(label.bytes))
        try state.seal(missing: Function.missing.rawValue)
        return types
    }
}
