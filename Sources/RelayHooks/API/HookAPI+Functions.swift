// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting

extension HookAPI {
    /// Host functions.
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
        case line
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
        case pending
        case pendingAnswer
        case mail
        case state
        case sync
        case metricsCount
        case metricsGauge
        case file
        case fileWrite
        /// What is called for a name that a table of the API does not have.
        case missing

        var keepsFunctions: Bool {
            switch self {
            case .on, .setDefault, .every, .after, .daily, .mail, .sync: true
            default: false
            }
        }

        /// How scripts call it, for error texts; empty for what they cannot name.
        var path: String { HookAPI.functions.first { $0.function == self }?.description.path ?? "" }

        var takesTrees: Bool { self == .settings || self == .mail }

        /// Whether a program has it: the chat client has no clients and no rooms.
        func exists(in program: ScriptProgram) -> Bool {
            switch self {
            case .room, .only, .send, .client, .clients, .every, .after, .daily, .pending: program == .relay
            case .state, .sync, .metricsCount, .metricsGauge, .file, .mail: program == .relay
            default: true
            }
        }
    }

    /// Host functions and methods as scripts see them, by topic.
    static let functions: [(function: Function, description: APIFunction)] =
        registration + delivery + time + texts + storage

    private static let registration: [(Function, APIFunction)] = {
        let hook = [
            APIParameter("event", "relay.Event"), APIParameter("options?", "relay.HookOptions"),
            APIParameter("fn", "function"),
        ]
        return [
            (.on, APIFunction("relay.on", hook, "Registers a hook, while scripts are loaded.")),
            (
                .setDefault,
                APIFunction("relay.default", hook, "Registers the hook that is asked after all of `relay.on`.")
            ),
            (
                .settings,
                APIFunction(
                    "relay.settings",
                    [APIParameter("declarations", "table<string, relay.SettingDeclaration>")],
                    returns: ["table<string, any>"],
                    "Declares what operators can set, once in a file; answers their values."
                )
            ),
        ]
    }()

    private static let delivery: [(Function, APIFunction)] = {
        let text = APIParameter("text", "string")
        return [
            (
                .room,
                APIFunction(
                    "relay.room",
                    [APIParameter("name", "string")],
                    returns: ["relay.Route"],
                    "The route to everybody in a room but the sender."
                )
            ),
            (
                .only,
                APIFunction(
                    "relay.only",
                    [APIParameter("...", "relay.Client")],
                    returns: ["relay.Route"],
                    "The route to these clients alone."
                )
            ),
            (
                .send,
                APIFunction(
                    "relay.send",
                    [APIParameter("route", "relay.Route"), text],
                    returns: ["integer"],
                    "Sends a text of the script's own; answers how many clients it goes to."
                )
            ),
            (
                .client,
                APIFunction(
                    "relay.client",
                    [APIParameter("id", "integer")],
                    returns: ["relay.Client?"],
                    "The client with this id, while it is connected."
                )
            ),
            (
                .clients,
                APIFunction(
                    "relay.clients",
                    [APIParameter("room?", "string")],
                    returns: ["relay.Client[]"],
                    "All clients, or those in a room; the sender is among them."
                )
            ),
            (
                .clientSend,
                APIFunction(
                    "client:send",
                    [text],
                    returns: ["boolean"],
                    "Sends it a text; answers whether it was still there."
                )
            ),
            (
                .clientClose,
                APIFunction(
                    "client:close",
                    [APIParameter("reason?", "string")],
                    returns: ["boolean"],
                    "Disconnects it; answers whether it was still there."
                )
            ),
        ]
    }()

    private static let time: [(Function, APIFunction)] = {
        let seconds = APIParameter("seconds", "number")
        let fn = APIParameter("fn", "fun()")
        return [
            (.now, APIFunction("relay.now", [], returns: ["number"], "The time in Unix seconds, with fractions.")),
            (
                .every,
                APIFunction(
                    "relay.every",
                    [seconds, fn],
                    returns: ["relay.Timer"],
                    "Calls a function again and again."
                )
            ),
            (
                .after,
                APIFunction("relay.after", [seconds, fn], returns: ["relay.Timer"], "Calls a function once, later.")
            ),
            (
                .daily,
                APIFunction(
                    "relay.daily",
                    [APIParameter("time", "string"), fn],
                    returns: ["relay.Timer"],
                    "Calls a function every day at a local time such as `\"09:00\"`."
                )
            ),
            (
                .timerCancel,
                APIFunction(
                    "timer:cancel",
                    [],
                    returns: ["boolean"],
                    "Ends it; answers whether it would have been called again."
                )
            ),
            (
                .pending,
                APIFunction(
                    "relay.pending",
                    [APIParameter("seconds?", "number")],
                    returns: ["relay.PendingAnswer"],
                    "For `admit`, which answers with it: the answer comes later, within 10 seconds unless told (at most 60), "
                        + "or the client is refused. Until then its texts wait; those of a UDP client are lost, but for the first."
                )
            ),
            (
                .pendingAnswer,
                APIFunction(
                    "pending:answer",
                    [APIParameter("answer", "string|false|nil"), APIParameter("reason?", "string")],
                    returns: ["boolean"],
                    "Gives the answer that `admit` would have given; answers whether it still counted."
                )
            ),
        ]
    }()

    private static let texts: [(Function, APIFunction)] = {
        func log(_ level: String, _ help: String) -> APIFunction {
            let fields = APIParameter("fields?", "table<string, any>")
            return APIFunction("relay.log.\(level)", [APIParameter("text", "string"), fields], help)
        }
        return [
            (
                .utf8,
                APIFunction(
                    "relay.utf8",
                    [APIParameter("text", "string")],
                    returns: ["string"],
                    "The text with U+FFFD in the place of what is not UTF-8."
                )
            ),
            (
                .line,
                APIFunction(
                    "relay.line",
                    [APIParameter("text", "string")],
                    returns: ["string"],
                    "The text as one line: a line end becomes a space, other control characters but TAB, and what is not UTF-8, U+FFFD."
                )
            ),
            (.logDebug, log("debug", "Logs what helps to find a mistake; shown with `--log-level debug`.")),
            (.logInfo, log("info", "Logs what is as it should be; shown with `--log-level info`.")),
            (.logWarn, log("warn", "Logs what somebody should look at.")),
            (.logError, log("error", "Logs what went wrong.")),
            (.print, APIFunction("print", [APIParameter("...", "any")], "Logs its arguments, at the level `notice`.")),
        ]
    }()

    private static let storage: [(Function, APIFunction)] = {
        let name = APIParameter("name", "string")
        let labels = APIParameter("labels?", "table<string, string>")
        let stored = APIParameter("fn", "fun(stored: boolean)")
        return [
            (
                .state,
                APIFunction(
                    "relay.state",
                    [name, APIParameter("options?", "relay.StateOptions")],
                    returns: ["table<string|integer, any>"],
                    "A bounded table that outlives a reload, and with `persist` a restart."
                )
            ),
            (
                .file,
                APIFunction(
                    "relay.file",
                    [name, APIParameter("options?", "relay.FileOptions")],
                    returns: ["relay.File"],
                    "A file of lines in the data folder, in new files once one is full."
                )
            ),
            (
                .fileWrite,
                APIFunction(
                    "file:write",
                    [APIParameter("text", "string")],
                    returns: ["boolean"],
                    "Adds a line, in which line ends become spaces; answers false if there was no room for it."
                )
            ),
            (
                .metricsCount,
                APIFunction(
                    "relay.metrics.count",
                    [name, APIParameter("value?", "number"), labels],
                    "Adds to a number that `luar status` shows, 1 unless told."
                )
            ),
            (
                .metricsGauge,
                APIFunction(
                    "relay.metrics.gauge",
                    [name, APIParameter("value", "number"), labels],
                    "Sets a number that `luar status` shows."
                )
            ),
            (
                .sync,
                APIFunction(
                    "relay.sync",
                    [APIParameter("state", "table<string|integer, any>"), stored],
                    "Writes a state to disk now; `fn(stored)` is called after `fsync`: false if it could not be stored."
                )
            ),
            (
                .mail,
                APIFunction(
                    "relay.mail",
                    [APIParameter("mail", "relay.Mail"), APIParameter("fn?", "fun(stored: boolean)")],
                    returns: ["boolean"],
                    "Sends a mail; true means accepted, false not, as where no mail is set up. "
                        + "`fn(stored)` is called after `fsync`: false if it could not be stored."
                )
            ),
        ]
    }()

    /// Functions and values that come with the Lua state, in both programs.
    static let library: [(description: APIFunction, member: LuaState.LibraryMember)] = [
        (
            APIFunction(
                "relay.json.decode",
                [APIParameter("text", "string")],
                returns: ["any", "string?"],
                "The value of a JSON text, or nil and what is wrong with the text."
            ), .jsonDecode
        ),
        (
            APIFunction(
                "relay.json.encode",
                [APIParameter("value", "any")],
                returns: ["string"],
                "The JSON text of a value, with keys in order; an empty table is `{}`."
            ), .jsonEncode
        ),
    ]

    /// Constants that come with the Lua state, in both programs.
    static let libraryConstants: [(description: APIField, member: LuaState.LibraryMember)] = [
        (APIField("relay.json.null", "userdata", "what `null` is"), .jsonNull),
        (APIField("relay.json.empty_array", "userdata", "what `[]` is, where it is encoded"), .jsonEmptyArray),
    ]

    /// Constants of `relay`, and the program that has them where it is one alone.
    static let constants: [(description: APIField, program: ScriptProgram?)] = [
        (APIField("relay.others", "relay.Route", "the route to the sender's room without the sender"), .relay),
        (APIField("relay.everyone", "relay.Route", "the route to all clients, the sender too"), .relay),
        (APIField("relay.quit", "relay.Quit", "what `chat_send` answers to leave"), .chat),
        (APIField("relay.api", "integer", "the version of this API"), nil),
        (APIField("relay.version", "string", "the version of Luar"), nil),
    ]
}
