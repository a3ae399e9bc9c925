// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore

/// All handlers, in the order in which they run.
struct HandlerRegistry {
    private var lists: [HookEvent: [Handler]] = [:]
    private(set) var formats: [ExactString: [Handler]] = [:]
    private(set) var count = 0
    /// The script files with handlers, numbered in the order in which they came.
    private var files: [ExactString: Int32] = [:]

    /// Why a handler was not taken.
    struct Refusal: Error {
        var reason: String
    }

    /// Adds a handler behind those of its order.
    mutating func add(_ handler: Handler, limit: Int) throws(Refusal) {
        guard self.count < limit else { throw Refusal(reason: "too many handlers: the limit is \(limit)") }
        var list =
            handler.event == .format
            ? self.formats[ExactString(handler.dialect)] ?? [] : self.lists[handler.event] ?? []
        if handler.isDefault, let other = list.first(where: \.isDefault) {
            throw Refusal(
                reason:
                    "a second default for '\(handler.event.rawValue)'; the first is at \(other.script):\(other.line). "
                    + "Use relay.on, which comes before it"
            )
        }
        let index = list.firstIndex { Self.runsBefore(handler, $0) } ?? list.endIndex
        list.insert(handler, at: index)
        if handler.event == .format {
            self.formats[ExactString(handler.dialect)] = list
        } else {
            self.lists[handler.event] = list
        }
        self.count += 1
        let file = self.files[ExactString(handler.script)] ?? Int32(self.files.count)
        self.files[ExactString(handler.script)] = file
        handler.hook.file = file
    }

    /// The handlers of an event; of `format` those for plain text.
    func handlers(for event: HookEvent) -> [Handler] {
        event == .format ? self.formats["plain"] ?? [] : self.lists[event] ?? []
    }

    /// The handlers that are asked whether a text is a ping.
    func pingHandlers(for transport: TransportKind) -> [Handler] {
        self.handlers(for: .ping).filter { $0.transport == nil || $0.transport == transport }
    }

    /// All handlers of all events.
    var all: [Handler] { self.lists.values.flatMap { $0 } + self.formats.values.flatMap { $0 } }

    /// How many script files have handlers for any of some events.
    func fileCount(of events: [HookEvent]) -> Int {
        var found: Set<Int32> = []
        for event in events {
            let handlers = event == .format ? self.formats.values.flatMap { $0 } : self.lists[event] ?? []
            found.formUnion(handlers.map(\.hook.file))
        }
        return found.count
    }

    private static func runsBefore(_ new: Handler, _ other: Handler) -> Bool {
        if new.isDefault != other.isDefault { return other.isDefault }
        return new.order < other.order
    }
}
