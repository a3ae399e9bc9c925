// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Dispatch
internal import Foundation
internal import HostSettings
internal import Logging
internal import RelayCore
internal import RelayHooks
internal import Scheduling

/// What a reload of the scripts has done.
public struct ReloadResult: Sendable, Codable, Equatable {
    /// The folder that the scripts came from; nil for the stock scripts alone.
    public var folder: String?
    /// Hooks that are registered now.
    public var hooks: Int
    /// Clients that stayed.
    public var clients: Int
    /// For how long the relay did nothing else, in milliseconds.
    public var milliseconds: Double
}

extension Relay {
    /// Reads the scripts anew, and puts them in the place of those that run.
    ///
    /// Scripts that do not load change nothing. They are first loaded beside the relay, on another thread, so that not even a
    /// script that loops while it is loaded keeps the chat waiting.
    ///
    /// - Returns: What was done.
    /// - Throws: `ScriptError` for scripts that do not load or data that cannot go over, `SettingsError` for what cannot be read,
    ///   ``RelayError`` where the relay does not run.
    @discardableResult
    public func reload() async throws -> ReloadResult {
        try self.life.require([.running], for: "reload")
        return try await self.reloads.run { try await self.reloadAndLog() }
    }

    /// Reloads, and logs once what came of it, whatever the number of those who asked.
    private func reloadAndLog() async throws -> ReloadResult {
        do {
            let result = try await self.reloadNow()
            self.logger.notice(
                "scripts reloaded",
                metadata: [
                    "scripts.folder": "\(result.folder ?? "(stock)")", "scripts.hooks": "\(result.hooks)",
                    "reload.milliseconds": "\(result.milliseconds)",
                ]
            )
            return result
        } catch {
            for problem in Self.problems(error) {
                self.logger.error("scripts not reloaded, the old ones go on", metadata: ["error": "\(problem)"])
            }
            throw error
        }
    }

    /// What is wrong, a line each.
    static func problems(_ error: any Error) -> [String] {
        switch error {
        case let error as ScriptError: error.problems.map(\.description)
        case let error as SettingsError: error.problems
        default: ["\(error)"]
        }
    }

    private func reloadNow() async throws -> ReloadResult {
        let settings = try self.rereads?() ?? self.settings
        let (scripts, folder) = try await Self.offLoop {
            try ScriptFolder.load(settings.scripts, environment: ProcessInfo.processInfo.environment)
        }
        let persistent = try await self.preflight(scripts, settings.scriptValues)
        let missing = try await self.loop.run { self.parts.value?.hooks.missingStates(of: persistent) ?? [] }
        let values = settings.scriptValues
        let (result, retired) = try await self.fetchingStates(missing) { fetched in
            try await self.loop.run { () throws -> (ReloadResult, RetiredScripts) in
                guard let parts = self.parts.value else { throw RelayError("the relay does not run") }
                let start = Moment.now
                let retired = try parts.hooks.reload(scripts, values: values, fetched: fetched)
                let result = ReloadResult(
                    folder: folder,
                    hooks: parts.hooks.hookCount,
                    clients: parts.hub.clientCount,
                    milliseconds: ((Moment.now - start).milliseconds * 100).rounded() / 100
                )
                return (result, retired)
            }
        }
        // A large state takes a while to close; nobody waits for it.
        DispatchQueue.global().async { _ = retired }
        return result
    }

    /// Loads scripts, and again with the records of persistent states that they miss; reads those off the script loop.
    func fetchingStates<Result>(
        _ names: [String],
        _ load: ([String: [StateRecord]]) async throws -> Result
    ) async throws -> Result {
        let storage = self.storage
        var fetched = try await Self.offLoop { try storage.fetch(names) }
        for _ in 1..<StateLimits.fetches {
            do {
                return try await load(fetched)
            } catch let missing as MissingStates {
                let more = try await Self.offLoop { try storage.fetch(missing.names) }
                fetched.merge(more) { _, new in new }
            }
        }
        return try await load(fetched)
    }

    /// Loads scripts in a relay of their own without clients.
    ///
    /// - Returns: The persistent states that the scripts declare.
    private func preflight(_ scripts: ScriptSet, _ values: ScriptValues) async throws -> [String] {
        let (limits, luaLimits) = (self.settings.limits, self.settings.luaLimits)
        return try await withCheckedThrowingContinuation { (done: CheckedContinuation<[String], any Error>) in
            DispatchQueue.global()
                .async {
                    done.resume(
                        with: Result {
                            let engine = try HookEngine(
                                hub: Hub(limits: limits, clock: { Date().timeIntervalSince1970 }),
                                scripts: scripts,
                                limits: luaLimits,
                                values: values,
                                console: nil,
                                logger: Logger(label: "luar.rehearsal") { _ in SwiftLogNoOpLogHandler() },
                                version: Self.version
                            )
                            return engine.persistentStates
                        }
                    )
                }
        }
    }
}
