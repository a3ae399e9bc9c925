// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore

/// The hooks of one event, in the order in which they are called.
final class HookList {
    let records: [CallRecord]
    let hooks: LuaHookList

    init(_ records: [CallRecord]) {
        self.records = records
        self.hooks = LuaHookList(records.map(\.callable))
    }

    var isEmpty: Bool { self.records.isEmpty }
}

/// All lists of hooks of one load, made once its scripts are loaded.
struct HookLists {
    private let events: [HookEvent: HookList]
    private let formats: [ExactString: HookList]
    /// The hooks that are asked whether a text is a ping, by the number of the transport that it came by.
    let pings: [HookList]
    /// What an event without hooks has.
    let none = HookList([])
    /// How many script files have hooks that a message can come to.
    let messageFiles: Int

    init(_ registry: HookRegistry) {
        let events = HookEvent.allCases.map { ($0, HookList(registry.hooks(for: $0))) }
        self.events = Dictionary(uniqueKeysWithValues: events)
        self.formats = registry.formats.mapValues { HookList($0) }
        self.pings = TransportKind.allCases.map { HookList(registry.pingHooks(for: $0)) }
        self.messageFiles = registry.fileCount(of: [.ping, .message, .route, .format, .relayed, .console])
    }

    /// The hooks of an event; of `format` those for plain text.
    subscript(event: HookEvent) -> HookList { self.events[event] ?? self.none }

    /// The hooks that format a dialect.
    func formats(of dialect: String) -> HookList { self.formats[ExactString(dialect)] ?? self.none }
}
