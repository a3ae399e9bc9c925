// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore

/// Looks for names in scripts that nobody has given a meaning, also where nothing has run yet.
struct NameCheck {
    /// The user's scripts that a program loads, and what their code says of them.
    private var scripts: [(source: LuaSource, code: LuaCode)]
    /// What scripts find in a program, for each file that it loads.
    private var names: [String: Set<String>] = [:]

    init(_ scripts: ScriptSet) {
        self.scripts = scripts.all.compactMap { entry in
            entry.isOwn ? LuaCode(entry.source).map { (entry.source, $0) } : nil
        }
    }

    /// Notes which files a program has loaded, and what they find there.
    mutating func note(_ engine: HookEngine) {
        let names = engine.loaded.state.names
        // A module that both programs load may use what either has.
        for path in engine.found { self.names[path, default: []].formUnion(names) }
    }

    /// Names that are read, and that nobody has defined.
    var unknown: [ScriptProblem] {
        self.scripts.flatMap { source, code -> [ScriptProblem] in
            guard let names = self.names[source.key] else { return [] }
            var told: Set<ScriptProblem> = []
            return code.reads.sorted { $0.line < $1.line }
                .compactMap { use in
                    let problem = self.reason(use, code, names)
                        .map {
                            ScriptProblem(file: source.name, line: use.line, reason: $0)
                        }
                    return problem.flatMap { told.insert($0).inserted ? $0 : nil }
                }
        }
    }

    /// What of Lua scripts do not have, and what there is in its place.
    private static let absent = [
        "io": "relay.file writes lines, and relay.state keeps values",
        "debug": "error texts and `luar test` show where something happened",
        "package": "require finds modules in lib/ and beside this file",
        "load": "put the code into a file, for require", "loadstring": "put the code into a file, for require",
        "dofile": "require does that", "loadfile": "require does that", "unpack": "it is table.unpack",
        "_G": "each file has globals of its own, and modules are shared by require",
    ]

    /// What is wrong with the use of a name, if anything.
    private func reason(_ use: LuaCode.Use, _ code: LuaCode, _ names: Set<String>) -> String? {
        guard let global = use.path.first, !code.assignedGlobals.contains(global) else { return nil }
        guard names.contains(global) else {
            if let instead = Self.absent[global] { return "scripts have no '\(global)'; \(instead)" }
            let known = names.filter { !$0.contains(".") }.union(code.assignedGlobals).union(code.locals)
            let hint =
                code.locals.contains(global)
                ? "; the local of that name is not known here"
                : Suggestion.closest(to: global, among: Array(known)).map { "; did you mean '\($0)'?" } ?? ""
            return "nobody sets the global '\(global)', so it is nil\(hint)"
        }
        var table = global
        for field in use.path.dropFirst() {
            let prefix = table + "."
            let fields = names.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
            // What is no table here has fields that nobody here knows.
            guard !fields.isEmpty else { return nil }
            guard fields.contains(field) else {
                let direct = fields.filter { !$0.contains(".") }
                return "\(table) has no '\(field)'; \(Suggestion.phrase(for: field, among: direct))"
            }
            table = prefix + field
        }
        return nil
    }

    /// Hooks that nothing can reach.
    func unreachable(_ hooks: [ScriptReport.HookEntry], _ transports: [TransportKind]) -> [ScriptProblem] {
        let dialects = self.scripts.flatMap { $0.code.assignments }.filter { $0.field == "dialect" }
        // One that is made up at run time may be any.
        let isAnyDialect = dialects.contains { $0.text == nil }
        let assigned = dialects.compactMap(\.text) + ["plain"]
        return hooks.compactMap { hook in
            var reason: String?
            if let dialect = hook.dialect, !isAnyDialect, !assigned.contains(dialect) {
                let hint = Suggestion.closest(to: dialect, among: assigned).map { "; did you mean '\($0)'?" } ?? ""
                reason = "no script gives a client the dialect '\(dialect)', so this hook never runs\(hint)"
            }
            if let transport = hook.transport, !transports.contains(where: { $0.name == transport }) {
                reason = "the relay does not listen on \(transport), so this hook never runs"
            }
            return reason.map { ScriptProblem(file: hook.file, line: hook.line, reason: $0) }
        }
    }

    /// Dialects that clients get, and that nobody formats.
    func unformatted(_ hooks: [ScriptReport.HookEntry]) -> [ScriptProblem] {
        let formatted = hooks.compactMap(\.dialect) + ["plain"]
        return self.scripts.flatMap { source, code in
            code.assignments.sorted { $0.line < $1.line }
                .compactMap { assignment in
                    guard assignment.field == "dialect", let dialect = assignment.text, !formatted.contains(dialect)
                    else {
                        return nil
                    }
                    let hint = Suggestion.closest(to: dialect, among: formatted).map { "; did you mean '\($0)'?" } ?? ""
                    let reason =
                        "no 'format' hook is for the dialect '\(dialect)', so who has it gets bare texts\(hint)"
                    return ScriptProblem(file: source.name, line: assignment.line, reason: reason)
                }
        }
    }
}
