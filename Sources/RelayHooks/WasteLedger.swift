// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Who sent what a hook was asked about.
enum WasteSource: Hashable {
    /// A client, by number.
    case client(Int64)
    /// Everybody at an address, without port, who is no client.
    case host(String)
    /// A client of an address that has left, and may have come back as another.
    case former(host: String)
}

/// Decides what is done about time that hooks waste in calls that pass a limit.
///
/// Only that time counts: a hook that merely fails costs little, and pausing it would let anybody who can make it fail switch
/// it off. Time is added up within a window: for each hook, for each script file, and for all. Once a sum is too large, the
/// hook or the file is paused; but where most of the sum came from the texts of one sender, it is that sender who is refused.
/// A hook that answers `false` for its failures is not paused for what senders caused: that would let a few mute everybody.
/// They are refused, all of them. A value without I/O.
struct WasteLedger {
    /// What is to be done.
    enum Verdict: Equatable {
        case nothing
        /// Leave out the hook that failed.
        case pauseHook
        /// Leave out all hooks of a script file but those that answer `false` for their failures.
        case pauseFile(String)
        /// Take no texts from some senders.
        case refuse([Sender])
    }

    /// Somebody to refuse, and the number of the newest client when that sender's texts first wasted time.
    struct Sender: Equatable {
        var source: WasteSource
        var newest: Int64
    }

    /// When sums are too large.
    struct Rules {
        /// Seconds within which waste is added up.
        var window: Double
        /// The seconds that one hook may waste.
        var hook: Double
        /// The seconds that the hooks of one file may waste: two and a half times as much.
        var file: Double { 2.5 * self.hook }
        /// The seconds that all hooks may waste: five times as much.
        var all: Double { 5 * self.hook }
    }

    private struct Entry {
        var time: Double
        var seconds: Double
        var record: CallRecord
        var script: String
        var source: WasteSource?
        var newest: Int64
    }

    /// The most entries; of more, the oldest go.
    static let most = 1_024

    private var entries: [Entry] = []

    /// How many entries there are.
    var count: Int { self.entries.count }

    /// Notes that a call was stopped by a limit.
    ///
    /// - Parameters:
    ///   - seconds: The CPU time that it took.
    ///   - record: The hook's record.
    ///   - source: Whose text it was about, if anybody's.
    ///   - newest: The number of the newest client.
    ///   - isRefused: Whether that sender is refused already: then it is the hook that is paused.
    ///   - time: Now, in seconds that only ever grow.
    ///   - rules: When sums are too large.
    /// - Returns: What is to be done.
    mutating func note(
        _ seconds: Double,
        by record: CallRecord,
        from source: WasteSource?,
        newest: Int64 = 0,
        isRefused: Bool = false,
        at time: Double,
        _ rules: Rules
    ) -> Verdict {
        guard seconds > 0 else { return .nothing }
        self.entries.removeAll { $0.time <= time - rules.window }
        if let last = self.entries.indices.last, self.entries[last].record === record,
            self.entries[last].source == source
        {
            self.entries[last].seconds += seconds
            self.entries[last].time = time
        } else {
            if self.entries.count >= Self.most { self.entries.removeFirst() }
            self.entries.append(
                Entry(
                    time: time,
                    seconds: seconds,
                    record: record,
                    script: record.script,
                    source: source,
                    newest: newest
                )
            )
        }
        return self.verdict(on: record, record.script, isRefused: isRefused, rules)
    }

    /// Counts what a client's texts have caused for its address from here on: it has left, and may come back as another.
    mutating func move(_ client: Int64, to host: String) {
        for index in self.entries.indices where self.entries[index].source == .client(client) {
            self.entries[index].source = .former(host: host)
        }
    }

    private mutating func verdict(
        on record: CallRecord,
        _ script: String,
        isRefused: Bool,
        _ rules: Rules
    ) -> Verdict {
        if self.sum({ $0.record === record }) >= rules.hook {
            let refusesAll = record.onError.isNo
            return self.verdict(about: { $0.record === record }, isRefused: isRefused, refusesAll: refusesAll)
                ?? .pauseHook
        }
        if self.sum({ $0.script == script }) >= rules.file {
            return self.verdict(about: { $0.script == script }, isRefused: isRefused) ?? .pauseFile(script)
        }
        guard self.sum({ _ in true }) >= rules.all else { return .nothing }
        let files = Dictionary(grouping: self.entries, by: \.script)
            .mapValues { $0.reduce(0) { $0 + $1.seconds } }
        let worst = files.max { $0.value < $1.value }?.key ?? script
        return self.verdict(about: { _ in true }, isRefused: isRefused) ?? .pauseFile(worst)
    }

    private func sum(_ belongs: (Entry) -> Bool) -> Double {
        self.entries.reduce(0) { belongs($1) ? $0 + $1.seconds : $0 }
    }

    /// Strikes out what a verdict is about; answers the sender who is to blame for more than half of it, or all who are, if
    /// there are such.
    private mutating func verdict(about belongs: (Entry) -> Bool, isRefused: Bool, refusesAll: Bool = false) -> Verdict?
    {
        let all = self.sum(belongs)
        var bySource: [WasteSource: Double] = [:]
        for entry in self.entries where belongs(entry) {
            if let source = entry.source { bySource[source, default: 0] += entry.seconds }
        }
        var blamed: [WasteSource] = []
        if refusesAll, bySource.values.reduce(0, +) > all / 2 {
            blamed = Array(bySource.keys)
        } else if let (source, seconds) = bySource.max(by: { $0.value < $1.value }), seconds > all / 2 {
            blamed = [source]
        }
        guard !isRefused, !blamed.isEmpty else {
            self.entries.removeAll(where: belongs)
            return nil
        }
        // In the order in which they began.
        var senders: [Sender] = []
        for entry in self.entries {
            guard let source = entry.source, blamed.contains(source) else { continue }
            if !senders.contains(where: { $0.source == source }) {
                senders.append(Sender(source: source, newest: entry.newest))
            }
        }
        self.entries.removeAll { entry in entry.source.map { blamed.contains($0) } ?? false }
        return .refuse(senders)
    }
}

/// Senders whose texts are not taken for a while.
struct RefusedSenders {
    /// The most addresses; of more, the one whose time ends first goes.
    static let mostHosts = 1_024

    private var clients: [Int64: Double] = [:]
    private struct Host {
        /// Clients with higher numbers are refused: they came later.
        var newest: Int64
        var until: Double
        /// Whether those are refused, too, who are no clients: then nobody gets in from there.
        var hasStrangers: Bool
    }

    private var hosts: [String: Host] = [:]

    var isEmpty: Bool { self.clients.isEmpty && self.hosts.isEmpty }
    /// How many addresses there are.
    var hostCount: Int { self.hosts.count }

    /// Refuses a sender.
    ///
    /// - Parameters:
    ///   - source: Who.
    ///   - host: Its address: whoever comes from there afterwards is refused as well, or reconnecting would end this.
    ///   - newest: The number of the newest client when the first waste from there was, or for a client now: those who were
    ///     there already are others.
    ///   - time: Now, in seconds that only ever grow.
    ///   - seconds: For how long.
    mutating func refuse(_ source: WasteSource, host: String, newest: Int64, at time: Double, for seconds: Double) {
        self.removeExpired(at: time)
        if case .client(let id) = source { self.clients[id] = time + seconds }
        if self.hosts.count >= Self.mostHosts, let first = self.hosts.min(by: { $0.value.until < $1.value.until }) {
            self.hosts[first.key] = nil
        }
        let earlier = self.hosts[host]
        var hasStrangers = earlier?.hasStrangers ?? false
        if case .host = source { hasStrangers = true }
        self.hosts[host] = Host(
            newest: min(earlier?.newest ?? newest, newest),
            until: time + seconds,
            hasStrangers: hasStrangers
        )
    }

    /// Whether a client's texts are refused.
    func isRefused(client id: Int64, host: String, at time: Double) -> Bool {
        if let until = self.clients[id], time < until { return true }
        guard let refusal = self.hosts[host], time < refusal.until else { return false }
        return id > refusal.newest
    }

    /// Whether texts of somebody at an address are refused who is no client.
    func isRefused(host: String, at time: Double) -> Bool {
        guard let refusal = self.hosts[host], refusal.hasStrangers else { return false }
        return time < refusal.until
    }

    /// Forgets those whose time has ended.
    mutating func removeExpired(at time: Double) {
        self.clients = self.clients.filter { $0.value > time }
        self.hosts = self.hosts.filter { $0.value.until > time }
    }

    /// A client has left.
    mutating func forget(client id: Int64) { self.clients[id] = nil }
}
