// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting

/// What the calls of a function that a script registered have done so far.
///
/// Failures, pauses, costs and log limits are counted here. A hook has a record of its own (``Hook``); the timers that one
/// place in a script makes share one (``CallPlaces``), or a timer that makes a timer would begin with a clean record each time.
class CallRecord {
    /// What a failure counts as.
    enum OnError: String, CaseIterable {
        /// nil: no opinion.
        case skip
        /// false: no.
        case block
        /// As `block`, and the sender is told that a command failed; for `message` alone.
        case fail

        /// Whether a failure counts as false.
        var isNo: Bool { self != .skip }
    }

    final let event: HookEvent
    final let onError: OnError
    /// What C calls.
    ///
    /// Timers of one place share it: it has the function of the one that is called.
    final let callable: LuaHook
    /// Where the function was registered.
    final let script: String
    final let line: Int
    /// Calls so far.
    final var calls: Int { self.callable.calls }
    /// Failures so far.
    final var failures = 0
    /// For repeating timers: calls that were left out because the time for them had passed, or because of a pause.
    final var missed = 0
    final private(set) var pause = HookPause()
    final var cost = HookCost()
    /// Bounds how often its failures are logged, for each place in the scripts by itself: all commands share a hook.
    final var failureLog = LogLimiter(mostKeys: 16)
    /// For the monitor's events: whether the last call failed, and that was logged.
    final var isFailing = false

    /// Makes a record.
    ///
    /// Without some hooks nobody would be named, let in or heard, and those that answer `false` for their failures would stop
    /// everything: where scripts have used up their memory, these may have more.
    init(event: HookEvent, onError: OnError, _ function: LuaFunction?, script: String, line: Int) {
        self.event = event
        self.onError = onError
        self.callable = LuaHook(function, hasSpareMemory: onError.isNo || event.hasSpareMemory)
        self.script = script
        self.line = line
    }

    /// Leaves it out for a while.
    final func pause(until time: Double) {
        self.pause.begin(until: time)
        self.callable.isHeld = true
    }

    /// The script and line, as `scripts/format.lua:12`.
    final var place: String { "\(self.script):\(self.line)" }
}

/// The records of functions that are registered again and again while the relay runs, by their place in the scripts.
struct CallPlaces {
    /// The most places; all further ones share a record.
    static let most = 4_096

    private struct Place: Hashable {
        var event: HookEvent
        var script: String
        var line: Int
    }

    private var records: [Place: CallRecord] = [:]
    /// All records, in the order in which they were made.
    private(set) var all: [CallRecord] = []
    private var others: CallRecord?

    /// The record of a place.
    mutating func record(of event: HookEvent, script: String, line: Int) -> CallRecord {
        let place = Place(event: event, script: script, line: line)
        if let record = self.records[place] { return record }
        if self.records.count >= Self.most, let others = self.others { return others }
        guard self.records.count < Self.most else {
            let others = CallRecord(event: event, onError: .skip, nil, script: "(other places)", line: 0)
            self.others = others
            self.all.append(others)
            return others
        }
        let record = CallRecord(event: event, onError: .skip, nil, script: script, line: line)
        self.records[place] = record
        self.all.append(record)
        return record
    }
}
