// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation

/// Mails that waited too long to be sent one by one: what is told of each in the one mail that goes in their place.
struct Digest: Codable, Equatable {
    /// A mail, or several of the same subject in a row.
    struct Entry: Codable, Equatable {
        /// Seconds since 1970 of the first and the last.
        var from: Double
        var to: Double
        var count: Int
        var subject: String
        /// The first lines of the first one's text.
        var excerpt: String
    }

    /// Oldest first.
    private(set) var entries: [Entry] = []
    /// Mails that are older than all entries and only counted, and when the first and the last were.
    private(set) var uncounted = 0
    private(set) var uncountedFrom = 0.0
    private(set) var uncountedTo = 0.0
    private(set) var labels: [String] = []
    private var bytes = 0

    /// The first lines of a text, as an entry shows them.
    static func excerpt(_ text: String) -> String {
        let lines = text.utf8.prefix(2_000).split { $0 == 0x0A || $0 == 0x0D }
            .map { String(decoding: $0, as: UTF8.self).trimmed }.filter { !$0.isEmpty }
        return lines.prefix(3).map { String($0.unicodeScalars.prefix(160)) }.joined(separator: "\n")
    }

    /// How many mails it stands for.
    var count: Int { self.entries.reduce(self.uncounted) { $0 + $1.count } }

    /// Whether its numbers are such as a relay can have come to: what somebody wrote into a file must not overflow.
    var isPlausible: Bool {
        let counts = [self.uncounted] + self.entries.map(\.count)
        let times = [self.uncountedFrom, self.uncountedTo] + self.entries.flatMap { [$0.from, $0.to] }
        return counts.allSatisfy { (0...Self.mostMails).contains($0) } && times.allSatisfy { abs($0) < 1e12 }
            && (0...Self.mostBytes).contains(self.bytes)
    }

    // More than ever wait: a mail each microsecond for days. Sums of as many as fit into a file stay numbers.
    private static let mostMails = 1 << 40
    private static let mostBytes = 1 << 40

    /// When the last of them was made, in seconds since 1970.
    var newest: Double { self.entries.map(\.to).max() ?? self.uncountedTo }

    /// Puts one after another, in the order of time; `mostBytes` bounds the listing.
    init(_ digests: [Digest], mostBytes: Int) {
        for digest in digests {
            if digest.uncounted > 0 { self.count(digest.uncounted, digest.uncountedFrom, digest.uncountedTo) }
            for label in digest.labels where !self.labels.contains(label) && self.labels.count < Self.mostLabels {
                self.labels.append(label)
            }
        }
        for entry in digests.flatMap(\.entries).sorted(by: { $0.from < $1.from }) {
            if let last = self.entries.last, last.subject == entry.subject {
                self.entries[self.entries.count - 1].count += entry.count
                self.entries[self.entries.count - 1].to = max(last.to, entry.to)
            } else {
                self.entries.append(entry)
                self.bytes += Self.size(entry)
            }
        }
        let surplus = self.entries.prefix { entry in
            guard self.bytes > mostBytes else { return false }
            self.bytes -= Self.size(entry)
            return true
        }
        for entry in surplus { self.count(entry.count, entry.from, entry.to) }
        self.entries.removeFirst(surplus.count)
    }

    /// The labels that events name; more are not told apart.
    private static let mostLabels = 20

    /// One mail.
    init(subject: String, excerpt: String, label: String, created: Double) {
        let entry = Entry(from: created, to: created, count: 1, subject: subject, excerpt: excerpt)
        self.entries = [entry]
        self.bytes = Self.size(entry)
        self.labels = label.isEmpty ? [] : [label]
    }

    private static func size(_ entry: Entry) -> Int { entry.subject.utf8.count + entry.excerpt.utf8.count + 96 }

    private mutating func count(_ count: Int, _ from: Double, _ to: Double) {
        self.uncountedFrom = self.uncounted == 0 ? from : min(self.uncountedFrom, from)
        self.uncountedTo = max(self.uncountedTo, to)
        self.uncounted += count
    }

    /// The subject of the mail that carries it.
    var subject: String {
        let first = self.uncounted > 0 ? self.uncountedFrom : self.entries.first?.from ?? 0
        return "\(self.count) earlier mails, \(Self.time(first)) to \(Self.time(self.newest))"
    }

    /// The text of the mail that carries it.
    var text: String {
        var text =
            "These \(self.count) mails could not be sent when they were made; here they are in short, oldest first.\n\n"
        if self.uncounted > 0 {
            text +=
                "… and \(self.uncounted) earlier, from \(Self.time(self.uncountedFrom)) to \(Self.time(self.uncountedTo))\n\n"
        }
        for entry in self.entries {
            text += Self.time(entry.from)
            if entry.count > 1 { text += " to \(Self.time(entry.to)), \(entry.count) times" }
            text += "  \(entry.subject)\n"
            for line in entry.excerpt.split(separator: "\n") { text += "    \(line)\n" }
            text += "\n"
        }
        return text
    }

    private static func time(_ seconds: Double) -> String { MailDate.short(Date(timeIntervalSince1970: seconds)) }
}
