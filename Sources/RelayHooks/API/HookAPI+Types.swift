// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import RelayCore

extension HookAPI {
    private static func methods(of word: String) -> [APIFunction] {
        self.functions.map(\.description).filter { $0.method?.type == word }
    }

    /// The objects that scripts get.
    static let objects: [APIType] = [
        APIType("relay.Message", "message", "What a client said.", fields: MessageField.described),
        APIType(
            "relay.Client",
            "client",
            "Somebody who is connected; always the same value, so it can be a table's key.",
            fields: ClientField.described,
            methods: methods(of: "client")
        ),
        APIType("relay.Address", "address", "A server, or whoever sent a ping.", fields: AddressField.described),
        APIType(
            "relay.ConsoleEvent",
            "console event",
            "Something for the operator; fields that its kind does not have are nil.",
            fields: ConsoleField.described
        ),
        APIType("relay.Sample", "sample", "What was measured of a target.", fields: SampleField.described),
        APIType("relay.Windows", "windows", "What was measured of a target lately.", fields: windowFields),
        APIType(
            "relay.Window",
            "window",
            "What was measured in some time; times are in milliseconds.",
            fields: WindowField.described
        ),
        APIType("relay.Report", "report", "A target's status, and what it was before.", fields: ReportField.described),
        APIType("relay.Timer", "timer", "Something that will be called.", methods: methods(of: "timer")),
        APIType(
            "relay.PendingAnswer",
            "pending answer",
            "What `admit` answers where it is not known yet; lost if the client leaves first, and asked again after a reload.",
            methods: methods(of: "pending")
        ),
        APIType("relay.File", "file", "A file in the data folder.", methods: methods(of: "file")),
        APIType("relay.Route", "route", "Who gets a text."),
        APIType("relay.Quit", "relay.quit", "The wish to leave the chat."),
    ]

    /// The tables that scripts write.
    static let tables: [APIType] = [
        APIType(
            "relay.HookOptions",
            "options of a hook",
            "How a hook is called.",
            fields: HookOptions.common
        ),
        APIType(
            "relay.FormatOptions",
            "options of a `format` hook",
            "How a `format` hook is called.",
            fields: HookOptions.ofFormat,
            parent: "relay.HookOptions"
        ),
        APIType(
            "relay.PingOptions",
            "options of a `ping` hook",
            "How a `ping` hook is called.",
            fields: HookOptions.ofPing,
            parent: "relay.HookOptions"
        ),
        APIType(
            "relay.SettingDeclaration",
            "setting",
            "What operators can set.",
            fields: SettingDeclaration.options
        ),
        APIType(
            "relay.StateOptions",
            "options of `relay.state`",
            "How a state is kept.",
            fields: StateOptions.described
        ),
        APIType(
            "relay.FileOptions",
            "options of `relay.file`",
            "How a file is kept.",
            fields: FileDeclaration.described
        ),
        APIType("relay.Mail", "mail", "A mail.", fields: AlertMail.described),
    ]

    /// The types whose values are some words.
    static let words: [(name: String, help: String, values: [(word: String, help: String)])] = [
        (
            "relay.Event", "What can be handled.",
            HookEvent.allCases.compactMap { event in event.described.map { (event.rawValue, $0.occasion) } }
        ),
        ("relay.SystemMessageKind", "What the host has to say.", SystemMessageKind.allCases.map { ($0.rawValue, "") }),
        ("relay.ConsoleKind", "What the operator is told.", ConsoleEvent.Kind.allCases.map { ("\($0.word)", "") }),
    ]
}
