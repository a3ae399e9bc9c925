// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore

/// All hooks, in the order in which they run.
struct HookRegistry {
    private var lists: [HookEvent: [Hook]] = [:]
    private(set) var formats: [ExactString: [Hook]] = [:]
    private(set) var count = 0
    /// The script files with hooks, numbered in the order in which they came.
    private var files: [ExactString: Int32] = [:]

    /// Why a hook was not taken.
    struct Refusal: Error {
        var reason: String
    }

    /// Adds a hook behind those of its order.
    mutating func add(_ hook: Hook, limit: Int) throws(Refusal) {
        guard self.count < limit else { throw Refusal(reason: "too many hooks: the limit is \(limit)") }
        var list =
            hook.event == .format
            ? self.formats[ExactString(hook.dialect)] ?? [] : self.lists[hook.event] ?? []
        if hook.isDefault, let other = list.first(where: \.isDefault) {
            throw Refusal(
                reason:
                    "a second default for '\(hook.event.rawValue)'; the first is at \(other.script):\(other.line). "
                    + "Use relay.on, which comes before it"
            )
        }
        let index = list.firstIndex { Self.runsBefore(hook, $0) } ?? list.endIndex
        list.insert(hook, at: index)
        if hook.event == .format {
            self.formats[ExactString(hook.dialect)] = list
        } else {
            self.lists[hook.event] = list
        }
        self.count += 1
        let file = self.files[ExactString(hook.script)] ?? Int32(self.files.count)
        self.files[ExactString(hook.script)] = file
        hook.callable.file = file
    }

    /// The hooks of an event; of `format` those for plain text.
    func hooks(for event: HookEvent) -> [Hook] {
        event == .format ? self.formats["plain"] ?? [] : self.lists[event] ?? []
    }

    /// The hooks that are asked whether a text is a ping.
    func pingHooks(for transport: TransportKind) -> [Hook] {
        self.hooks(for: .ping).filter { $0.transport == nil || $0.transport == transport }
    }

    /// All hooks of all events.
    var all: [Hook] { self.lists.values.flatMap { $0 } + self.formats.values.flatMap { $0 } }

    /// How many script files have hooks for any of some events.
    func fileCount(of events: [HookEvent]) -> Int {
        var found: Set<Int32> = []
        for event in events {
            let hooks = event == .format ? self.formats.values.flatMap { $0 } : self.lists[event] ?? []
            found.formUnion(hooks.map(\.callable.file))
        }
        return found.count
    }

    private static func runsBefore(_ new: Hook, _ other: Hook) -> Bool {
        if new.isDefault != other.isDefault { return other.isDefault }
        return new.order < other.order
    }
}
