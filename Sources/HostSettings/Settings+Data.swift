// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

extension Settings {
    /// The folder for what scripts keep on disk.
    ///
    /// - Parameter environment: The process's environment.
    /// - Returns: A path, whether or not there is such a folder.
    /// - Throws: ``SettingsError`` if none is set and the user has no home.
    public func dataFolder(environment: [String: String]) throws(SettingsError) -> String {
        if let data = self.data { return data }
        if let state = environment["XDG_STATE_HOME"], !state.isEmpty { return "\(state)/luar" }
        if let home = environment["HOME"], !home.isEmpty { return "\(home)/.local/state/luar" }
        throw SettingsError("there is no home folder to keep the scripts' data in; name a folder with --data")
    }
}
