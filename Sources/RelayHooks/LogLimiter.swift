// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import Logging

/// Bounds how often something is logged that a script or a client can cause any number of times.
///
/// Of each key one line is logged in a second (``interval``); the next one says how many were not. The table of keys is
/// bounded, too: where as many as ``mostKeys`` were logged lately, all others share one.
public struct LogLimiter {
    private struct Entry {
        var last: Double
        var unlogged: Int
    }

    private let interval: Double
    private let mostKeys: Int
    private var entries: [String: Entry] = [:]
    /// When old entries were last looked for.
    private var lastSweep = -Double.infinity

    /// Makes a limiter.
    ///
    /// - Parameters:
    ///   - interval: The seconds between two lines of one key.
    ///   - mostKeys: The most keys that are distinguished.
    public init(interval: Double = 1, mostKeys: Int = 1_024) {
        self.interval = interval
        self.mostKeys = mostKeys
    }

    /// Asks whether a line may be logged.
    ///
    /// - Parameters:
    ///   - key: What is logged.
    ///   - time: Now, in seconds.
    ///   - isDue: Whether it is to be logged, where something other than the time decides that.
    /// - Returns: How many lines of the key were not logged since the last one; nil if this one is not to be logged either.
    public mutating func admit(_ key: String, at time: Double, isDue: Bool? = nil) -> Int? {
        var key = key
        if self.entries[key] == nil {
            if self.entries.count >= self.mostKeys { self.forgetOld(at: time) }
            if self.entries.count >= self.mostKeys { key = "" }
        }
        let entry = self.entries[key]
        guard isDue ?? entry.map({ self.isOld($0, at: time) }) ?? true else {
            self.entries[key, default: Entry(last: time, unlogged: 0)].unlogged += 1
            return nil
        }
        self.entries[key] = Entry(last: time, unlogged: 0)
        return entry?.unlogged ?? 0
    }

    private func isOld(_ entry: Entry, at time: Double) -> Bool {
        time < entry.last || time - entry.last >= self.interval
    }

    private mutating func forgetOld(at time: Double) {
        guard self.isOld(Entry(last: self.lastSweep, unlogged: 0), at: time) else { return }
        self.lastSweep = time
        self.entries = self.entries.filter { !self.isOld($0.value, at: time) || $0.value.unlogged > 0 }
    }
}

extension Logger.Metadata {
    /// Notes how many lines like this one were left out since the last, if any were.
    public mutating func note(unlogged count: Int) {
        if count > 0 { self["log.unlogged"] = "\(count)" }
    }
}
