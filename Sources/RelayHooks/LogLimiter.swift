// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Bounds how often something is logged that a script or a client can cause any number of times.
///
/// Of each key one line is logged in a second (``interval``); the next one says how many were not. The table of keys is
/// bounded, too: all keys beyond ``mostKeys`` share one.
public struct LogLimiter {
    /// The most keys that are distinguished.
    public static let mostKeys = 1_024

    private struct Entry {
        var last: Double
        var unlogged: Int
    }

    private let interval: Double
    private var entries: [String: Entry] = [:]

    /// Makes a limiter.
    ///
    /// - Parameter interval: The seconds between two lines of one key.
    public init(interval: Double = 1) { self.interval = interval }

    /// Asks whether a line may be logged.
    ///
    /// - Parameters:
    ///   - key: What is logged.
    ///   - time: Now, in seconds.
    /// - Returns: How many lines of the key were not logged since the last one; nil if this one is not to be logged either.
    public mutating func admit(_ key: String, at time: Double) -> Int? {
        let key = self.entries[key] != nil || self.entries.count < Self.mostKeys ? key : ""
        guard let entry = self.entries[key], time >= entry.last, time - entry.last < self.interval else {
            let unlogged = self.entries[key]?.unlogged ?? 0
            self.entries[key] = Entry(last: time, unlogged: 0)
            return unlogged
        }
        self.entries[key]?.unlogged += 1
        return nil
    }
}
