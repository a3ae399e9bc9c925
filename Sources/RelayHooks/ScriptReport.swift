// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
public import Logging
public import LuaScripting
public import RelayCore

/// What a folder of scripts does, found by loading it as the relay and as the chat client.
public struct ScriptReport: Sendable, Encodable {
    /// A registered hook.
    public struct HookEntry: Sendable, Encodable {
        /// The event it handles.
        public var event: String
        /// Lower runs first; nil for a default, which runs last.
        public var order: Double?
        /// What a failure counts as: `skip` or `block`.
        public var onError: String
        /// For `format`: the dialect it formats.
        public var dialect: String?
        /// For `ping`: the one transport whose texts it is asked about.
        public var transport: String?
        /// The script that registered it.
        public var file: String
        /// The line, from 1.
        public var line: Int
        /// What it did when it was tried out; nil if it was not.
        public var cost: HookStatus?
    }

    /// A script.
    public struct FileEntry: Sendable, Encodable {
        /// Its name in error texts; stock scripts begin with `stock/`.
        public var name: String
        /// The programs that load it, by themselves or because a script requires it: `relay`, `chat`.
        public var loadedBy: [String]
        /// What is special about it, if anything.
        public var note: String?
    }

    /// A mistake.
    public struct ProblemEntry: Sendable, Encodable, CustomStringConvertible {
        /// The script; empty where none is to blame.
        public var file: String
        /// The line, from 1, where it is known.
        public var line: Int?
        /// What is wrong.
        public var reason: String
        /// The problem in one line.
        public var description: String

        /// Makes an entry of a problem.
        public init(_ problem: ScriptProblem) {
            self.file = problem.file
            self.line = problem.line
            self.reason = problem.reason
            self.description = problem.description
        }

        private enum CodingKeys: String, CodingKey {
            case file
            case line
            case reason
        }
    }

    /// The user's folder, if there is one.
    public var folder: String?
    /// All hooks: events in the order of a message's path, and for each in the order in which they run.
    public var hooks: [HookEntry] = []
    /// What operators can set in scripts, by name.
    public var settings: [ScriptSettingEntry] = []
    /// All scripts by path.
    public var files: [FileEntry] = []
    /// What is wrong; empty if the scripts load.
    public var problems: [ProblemEntry] = []
    /// What is probably wrong, though the scripts load.
    public var warnings: [ProblemEntry] = []
    /// What becomes of texts that look like commands and are none, `relayed` or `answered`, if that was tried.
    public var unknownCommands: String?

    /// Loads scripts and reports.
    ///
    /// - Parameters:
    ///   - scripts: The Lua files.
    ///   - folder: The user's folder, if there is one.
    ///   - limits: The relay's limits.
    ///   - luaLimits: What scripts may use.
    ///   - values: What operators set for them.
    ///   - transports: What the relay listens on.
    ///   - logger: Takes what scripts print while they load.
    ///   - version: The program's version.
    public init(
        of scripts: ScriptSet,
        folder: String?,
        limits: Limits = Limits(),
        luaLimits: LuaLimits = LuaLimits(),
        values: ScriptValues = ScriptValues(),
        transports: [TransportKind] = TransportKind.allCases,
        logger: Logger,
        version: String
    ) {
        self.folder = folder
        var loadedBy: [String: [String]] = [:]
        var names = NameCheck(scripts)
        for program in ScriptProgram.allCases {
            do {
                let engine = try HookEngine(
                    hub: Hub(limits: limits, clock: { Date().timeIntervalSince1970 }),
                    program: program,
                    scripts: scripts,
                    limits: luaLimits,
                    values: values,
                    console: nil,
                    logger: logger,
                    version: version
                )
                for path in engine.found { loadedBy[path, default: []].append(program.rawValue) }
                self.hooks += Self.entries(engine.loaded.registry)
                names.note(engine)
                // A module that both programs load is told once.
                for entry in engine.loaded.settings.entries
                where !self.settings.contains(where: { $0.name == entry.name }) {
                    self.settings.append(entry)
                }
            } catch let error as ScriptError {
                self.problems += error.problems.map { ProblemEntry($0) }
                // What it would load; what that requires is not known.
                for source in scripts.toLoad(for: program) {
                    loadedBy[source.key, default: []].append(program.rawValue)
                }
            } catch {
                self.problems.append(ProblemEntry(ScriptProblem(file: "", line: nil, reason: "\(error)")))
            }
        }
        self.files = scripts.all.map { entry in
            let isEmpty = entry.source.text.allSatisfy { $0 == 0x20 || ($0 >= 0x09 && $0 <= 0x0D) }
            var note: String?
            if entry.replacesStock {
                note = isEmpty ? "empty: disables the stock file" : "replaces the stock file"
            } else if entry.isOwn, entry.source.name.hasPrefix("stock/") {
                note = "a copy of the stock file"
            } else if entry.source.key.hasSuffix(ScriptProgram.testEnding) {
                note = "tests: `luar test` runs them"
            } else if loadedBy[entry.source.key] == nil, self.problems.isEmpty {
                note = "no script requires it"
            }
            return FileEntry(name: entry.source.name, loadedBy: loadedBy[entry.source.key] ?? [], note: note)
        }
        guard self.problems.isEmpty else { return }
        let never = names.unreachable(self.hooks, transports)
        self.warnings = (names.unknown + never + names.unformatted(self.hooks)).map { ProblemEntry($0) }
    }

    /// Adds what trying the hooks out has shown.
    ///
    /// - Parameters:
    ///   - failures: What failed.
    ///   - costs: What the hooks did.
    public mutating func add(failures: [ScriptProblem], costs: [HookStatus]) {
        self.warnings += failures.map { ProblemEntry($0) }
        var costs = costs
        for index in self.hooks.indices {
            let hook = self.hooks[index]
            // Several on one line come in the order in which they run, here and there.
            guard
                let found = costs.firstIndex(where: {
                    $0.event == hook.event && $0.place == "\(hook.file):\(hook.line)"
                })
            else { continue }
            self.hooks[index].cost = costs.remove(at: found)
        }
    }

    private static func entries(_ registry: HookRegistry) -> [HookEntry] {
        let events = HookEvent.allCases
        return registry.all.enumerated()
            .sorted { left, right in
                let leftEvent = events.firstIndex(of: left.element.event) ?? 0
                let rightEvent = events.firstIndex(of: right.element.event) ?? 0
                // The registry's order within an event and a dialect is that of running.
                if leftEvent != rightEvent { return leftEvent < rightEvent }
                return (left.element.dialect, left.offset) < (right.element.dialect, right.offset)
            }
            .map { _, hook in
                HookEntry(
                    event: hook.event.rawValue,
                    order: hook.isDefault ? nil : hook.order,
                    onError: hook.onError.rawValue,
                    dialect: hook.event == .format ? hook.dialect : nil,
                    transport: hook.transport?.name,
                    file: hook.script,
                    line: hook.line
                )
            }
    }
}
