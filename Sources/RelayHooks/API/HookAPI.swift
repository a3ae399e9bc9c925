// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore

/// What scripts see: the one table of functions, types and fields, from which the Lua state is set up and error texts
/// take their suggestions.
enum HookAPI {
    /// The version of the Lua API.
    static let version: Int64 = 1

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
        var pending: LuaType
        var state: LuaType
        var file: LuaType
        var monitor: MonitorTypes
    }

    /// What a type is called, and the names that its fields and methods have, for error texts.
    static func fieldNames(of type: LuaType, in types: Types) -> (type: String, names: [String]) {
        let (name, word) =
            switch type {
            case types.client: ("client", "client")
            case types.message: ("message", "message")
            case types.console: ("console event", "console event")
            case types.server: ("address", "server")
            case types.origin: ("address", "ping's origin")
            case types.quit: ("relay.quit", "relay.quit")
            case types.timer: ("timer", "timer")
            case types.pending: ("pending answer", "pending")
            case types.file: ("file", "file")
            case types.monitor.sample: ("sample", "sample")
            case types.monitor.report: ("report", "report")
            case types.monitor.windows: ("windows", "sample's windows")
            case types.monitor.window: ("window", "window")
            default: ("route", "route")
            }
        let described = self.objects.first { $0.word == name }
        let names = described.map { $0.fields.map(\.name) + $0.methods.compactMap { $0.method?.name } }
        return (word, names ?? [])
    }

    /// Everything that stands in a program's tables, by its path in Lua.
    static func paths(in program: ScriptProgram) -> [String] {
        let functions = self.functions.filter { $0.function.exists(in: program) && $0.description.method == nil }
        let constants = self.constants.filter { $0.program == nil || $0.program == program }
        return functions.map(\.description.path) + constants.map(\.description.name)
            + self.library.map(\.description.path) + self.libraryConstants.map(\.description.name)
    }

    /// Defines everything that a program has in a fresh state, and seals it.
    static func define(in state: LuaState, for program: ScriptProgram, version: String) throws -> Types {
        let types = Types(
            client: try state.defineType("client", sameValue: true),
            message: try state.defineType("message", sameValue: true),
            console: try state.defineType("console event", sameValue: true),
            route: try state.defineType("route", sameValue: false),
            server: try state.defineType("server", sameValue: true),
            origin: try state.defineType("origin", sameValue: true),
            quit: try state.defineType("quit", sameValue: true),
            timer: try state.defineType("timer", sameValue: false),
            pending: try state.defineType("pending answer", sameValue: false),
            state: try state.defineType("state", sameValue: true, keyed: true),
            file: try state.defineType("file", sameValue: true),
            monitor: try self.defineMonitor(in: state)
        )
        for field in ClientField.allCases {
            try state.defineField(field.name, of: types.client, field.access, field.rawValue, keptIn: field.slot)
        }
        for field in MessageField.allCases {
            try state.defineField(field.name, of: types.message, .read, field.rawValue, keptIn: field.slot)
        }
        for field in ConsoleField.allCases {
            try state.defineField(field.name, of: types.console, .read, field.rawValue)
        }
        for field in AddressField.allCases {
            try state.defineField(field.name, of: types.server, .read, field.rawValue)
            try state.defineField(field.name, of: types.origin, .read, field.rawValue)
        }
        let holders = ["client": types.client, "timer": types.timer, "pending": types.pending, "file": types.file]
        for (function, description) in self.functions {
            if let method = description.method {
                guard let type = holders[method.type] else { continue }
                try state.defineField(method.name, of: type, .method, function.rawValue)
            } else if function.exists(in: program) {
                try state.defineFunction(
                    description.path,
                    function.rawValue,
                    keepsFunctions: function.keepsFunctions,
                    takesTrees: function.takesTrees
                )
            }
        }
        for (function, member) in self.library { try state.defineLibrary(function.path, member) }
        for (constant, member) in self.libraryConstants { try state.defineLibrary(constant.name, member) }
        switch program {
        case .relay:
            let route = { (kind: RouteKind) in LuaValue.object(LuaObject(type: types.route, id: kind.rawValue)) }
            try state.defineConstant("relay.others", route(.others))
            try state.defineConstant("relay.everyone", route(.everyone))
        case .chat:
            try state.defineConstant("relay.quit", .object(LuaObject(type: types.quit, id: 0)))
        }
        try state.defineConstant("relay.api", .integer(self.version))
        let label = PinnedString(version)
        try state.defineConstant("relay.version", .bytes(label.bytes))
        try state.seal(missing: Function.missing.rawValue)
        return types
    }
}
