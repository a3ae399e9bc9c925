// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Logging

#if canImport(Glibc)
internal import Glibc
#endif

/// What happened at the UDP sockets, in numbers.
struct UDPNumbers: Equatable {
    /// Datagrams that arrived and left.
    var received = 0
    var sent = 0
    /// Datagrams without a byte: no messages, but signs of life.
    var empty = 0
    /// Datagrams longer than the message limit.
    var truncated = 0
    /// Texts, counted per recipient, that were longer than a datagram may be.
    var tooLongToSend = 0
    /// Datagrams from addresses that nothing may be sent to, by what is wrong with those.
    var badSources: [String: Int] = [:]
    /// Datagrams of newcomers beyond the join rate.
    var joinsRefused = 0
    /// Pings beyond what one address may send in a second.
    var pingsRefused = 0
    /// Members removed because nobody listens at their port any more, and because they were silent.
    var unreachable = 0
    var idle = 0
    /// Datagrams that the kernel dropped because they were not read in time.
    var droppedByKernel = 0
    /// Datagrams of output for which there was no room.
    var unsent = 0
    /// Datagrams that could not be sent, by error number.
    var failures: [CInt: Int] = [:]
    /// What scripts may not send to addresses that are not known yet: answers cut, and texts withheld.
    var answersCut = 0
    var withheld = 0

    /// Takes over what the sockets' threads count.
    mutating func take(_ endpoints: [UDPEndpoint.Numbers]) {
        self.received = endpoints.reduce(0) { $0 + $1.received }
        self.sent = endpoints.reduce(0) { $0 + $1.sent }
        self.droppedByKernel = endpoints.reduce(0) { $0 + $1.droppedByKernel }
        self.unsent = endpoints.reduce(0) { $0 + $1.unsent }
        self.failures = endpoints.reduce(into: [:]) { $0.merge($1.failures, uniquingKeysWith: +) }
    }

    private static let ordinary: [(String, any KeyPath<UDPNumbers, Int> & Sendable)] = [
        ("datagrams.received", \.received), ("datagrams.sent", \.sent), ("datagrams.empty", \.empty),
        ("members.unreachable", \.unreachable), ("members.idle", \.idle),
    ]
    private static let lost: [(String, any KeyPath<UDPNumbers, Int> & Sendable)] = [
        ("datagrams.truncated", \.truncated), ("texts.too_long", \.tooLongToSend),
        ("datagrams.dropped_by_kernel", \.droppedByKernel), ("datagrams.unsent", \.unsent),
        ("joins.refused", \.joinsRefused), ("pings.refused", \.pingsRefused),
    ]
    private static let excessive: [(String, any KeyPath<UDPNumbers, Int> & Sendable)] = [
        ("answers.cut", \.answersCut), ("texts.withheld", \.withheld),
    ]

    /// All of them.
    var metadata: Logger.Metadata {
        var metadata: Logger.Metadata = [:]
        for (name, path) in Self.ordinary + Self.lost + Self.excessive { metadata[name] = "\(self[keyPath: path])" }
        metadata["datagrams.failed"] = "\(Self.describe(self.failures, Self.words) ?? "0")"
        metadata["datagrams.bad_source"] = "\(Self.describe(self.badSources) { $0 } ?? "0")"
        return metadata
    }

    /// What was lost or refused since an earlier time; empty if nothing was.
    func losses(since earlier: UDPNumbers) -> Logger.Metadata {
        var news = self.news(of: Self.lost, since: earlier)
        let failed = self.failures.merging(earlier.failures) { $0 - $1 }
        if let failed = Self.describe(failed, Self.words) { news["datagrams.failed"] = "\(failed)" }
        let bad = self.badSources.merging(earlier.badSources) { $0 - $1 }
        if let bad = Self.describe(bad, { $0 }) { news["datagrams.bad_source"] = "\(bad)" }
        return news
    }

    /// What scripts sent too much since an earlier time; empty if nothing.
    func excess(since earlier: UDPNumbers) -> Logger.Metadata { self.news(of: Self.excessive, since: earlier) }

    private func news(
        of names: [(String, any KeyPath<UDPNumbers, Int> & Sendable)],
        since earlier: UDPNumbers
    ) -> Logger.Metadata {
        names.reduce(into: [:]) { metadata, entry in
            let count = self[keyPath: entry.1] - earlier[keyPath: entry.1]
            if count > 0 { metadata[entry.0] = "\(count)" }
        }
    }

    private static func words(_ code: CInt) -> String { String(cString: strerror(code)) }

    /// `3 (Operation not permitted)`; nil for none.
    private static func describe<Kind: Comparable>(_ counts: [Kind: Int], _ words: (Kind) -> String) -> String? {
        let found = counts.filter { $0.value > 0 }.sorted { $0.key < $1.key }
        guard !found.isEmpty else { return nil }
        return found.map { "\($0.value) (\(words($0.key)))" }.joined(separator: ", ")
    }
}
