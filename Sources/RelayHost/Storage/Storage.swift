// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import HostSettings
internal import Logging
internal import RelayHooks
internal import ScriptStateSQLite

/// What scripts keep on disk: states and files, in one folder that is made once a script needs it.
struct Storage: Sendable {
    let states: ScriptStateDatabase
    let files: ScriptFiles

    init(_ settings: Settings, environment: [String: String], logger: Logger) {
        let folder = DataFolder(
            path: Result { () throws(SettingsError) in try settings.dataFolder(environment: environment) }
                .mapError { DataFolder.Failure(reason: "\($0)") }
        )
        self.files = ScriptFiles(folder: folder, logger: logger)
        self.states = ScriptStateDatabase(
            at: { () throws(StateStorageError) in
                do throws(DataFolder.Failure) {
                    return "\(try folder.make())/state.sqlite"
                } catch {
                    throw StateStorageError(error.reason)
                }
            },
            report: { event in
                switch event {
                case .failed(let reason):
                    logger.error("states wait in memory: they cannot be written", metadata: ["error": "\(reason)"])
                case .restored: logger.notice("states are written again")
                case .lost(let changes):
                    logger.error(
                        "changes of states are lost: they could not be written",
                        metadata: ["state.changes": "\(changes)"]
                    )
                }
            }
        )
    }

    /// Reads the records of states; waits for the disk.
    func fetch(_ names: [String]) throws -> [String: [StateRecord]] {
        guard !names.isEmpty else { return [:] }
        do throws(StateStorageError) {
            return try self.states.fetch(names)
        } catch {
            throw RelayError(error.description)
        }
    }

    /// Writes what waits; takes as long as a disk takes.
    func close() {
        self.states.close()
        self.files.close()
    }
}
