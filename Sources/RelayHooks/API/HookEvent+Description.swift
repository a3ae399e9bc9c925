// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

extension HookEvent {
    /// The event as a hook meets it; nil for those that have no name in Lua.
    var described: APIEvent? {
        let client = APIParameter("client", "relay.Client")
        let message = APIParameter("message", "relay.Message")
        let server = APIParameter("server", "relay.Address")
        let report = APIParameter("report", "relay.Report")
        let text = APIParameter("text", "string")
        let reason = APIParameter("reason", "string")
        switch self {
        case .start: return .notice([], "the relay begins")
        case .stop: return .notice([], "it has ended, and nobody is connected any more")
        case .ping:
            return APIEvent(
                parameters: [text, APIParameter("from", "relay.Address")],
                answers: ["string|false|nil"],
                occasion: "a text arrived, from whomever",
                meaning:
                    "the reply to its sender alone: then it goes no further, and lets nobody in; `false` or nil: no ping"
            )
        case .admit:
            return APIEvent(
                parameters: [client, APIParameter("text", "string?")],
                answers: ["string|false|relay.PendingAnswer|nil", "string?"],
                occasion: "somebody wants in; `text`: over UDP the first text, over TCP nil at first",
                meaning:
                    "nil: come in; a string: a question, and the next text, which goes to nobody else, is asked about; "
                    + "`false`, and a text for the client: no; `relay.pending()`: later"
            )
        case .name:
            return APIEvent(
                parameters: [client],
                answers: ["string|false|nil"],
                occasion: "once, before `connect`",
                meaning: "what the client is called; else its `host:port`"
            )
        case .connect: return .notice([client], "it joined")
        case .disconnect:
            return .notice(
                [client, reason],
                "it left, and `connect` was told of it: `left` `lost` `slow` `shutdown`, over UDP `unreachable` `idle` `replaced`, or a script's reason"
            )
        case .message:
            return APIEvent(
                parameters: [message],
                answers: ["string|false|nil"],
                occasion: "a text arrived; every hook gets it in turn",
                meaning: "the text to go on with; `false` swallows it"
            )
        case .route:
            return APIEvent(
                parameters: [message],
                answers: ["relay.Route|false|nil"],
                occasion: "who gets it",
                meaning: "a route; `false`: nobody; else `relay.others`"
            )
        case .format:
            return APIEvent(
                parameters: [message],
                answers: ["string|false|nil"],
                occasion: "once per dialect among the recipients",
                meaning: "what they get; `false`: they get nothing; else the text"
            )
        case .relayed: return .notice([message, text], "it was sent, in plain text as `text` is")
        case .systemMessage:
            return APIEvent(
                parameters: [client, APIParameter("kind", "relay.SystemMessageKind")],
                answers: ["string|false|nil"],
                occasion:
                    "the relay itself has something to say: `withheld` (hooks failed that were to decide about a text) `failed` (a "
                    + "command) `too_long` `full` `shutdown` `refused` (where `admit` gave no text), "
                    + "over UDP `idle`, and `slow` with `--slow-policy drop`",
                meaning: "the text; else nothing"
            )
        case .console:
            return APIEvent(
                parameters: [APIParameter("event", "relay.ConsoleEvent")],
                answers: ["string|string[]|false|nil"],
                occasion:
                    "something for the operator: `event.kind` is `listening` `connect` `message` `received` (a ping) "
                    + "`unreachable` `disconnect`, of the monitor `sample` `mail_sent` `mail_failed` `prompt`",
                meaning: "a line, a list of lines, or `false`"
            )
        case .latency:
            return APIEvent(
                parameters: [APIParameter("sample", "relay.Sample")],
                answers: ["string|false|nil", "integer?"],
                occasion: "a target was measured",
                meaning: "a status's name and its level, 0 (good) to 3 (down); else `\"up\"`, 0 or `\"down\"`, 3"
            )
        case .status: return .notice([report], "a status has lasted")
        case .alert:
            return APIEvent(
                parameters: [report],
                answers: ["relay.Mail|false|nil"],
                occasion: "after each measurement, and when re-probes were all lost",
                meaning:
                    "a mail: `{ subject = …, text = …, html = …, to = … }`, the last two if you like; `false`: none"
            )
        case .chatConnect:
            return APIEvent(
                parameters: [server],
                answers: ["string|false|nil"],
                occasion: "when it is connected",
                meaning: "a line to show; else none"
            )
        case .chatHello:
            return APIEvent(
                parameters: [server],
                answers: ["string|false|nil"],
                occasion: "right after that",
                meaning: "a first text to send; else none. Over UDP the stock file sends one"
            )
        case .chatSend:
            return APIEvent(
                parameters: [text],
                answers: ["string|relay.Quit|false|nil"],
                occasion: "for each line typed, every hook in turn",
                meaning: "the text to go on with; `false`: send nothing; `relay.quit`: leave"
            )
        case .chatReceive:
            return APIEvent(
                parameters: [text],
                answers: ["string|false|nil"],
                occasion: "for each text received, every hook in turn",
                meaning: "the text to go on with; `false`: show nothing"
            )
        case .chatClose:
            return APIEvent(
                parameters: [server, reason],
                answers: ["string|false|nil"],
                occasion: "when it is over: `left`, `closed` by the server, `lost` (over UDP: nobody listens there)",
                meaning: "a line to show; else none"
            )
        case .timer, .stored: return nil
        }
    }
}

extension APIEvent {
    fileprivate static func notice(_ parameters: [APIParameter], _ occasion: String) -> APIEvent {
        APIEvent(parameters: parameters, answers: [], occasion: occasion, meaning: "")
    }
}
