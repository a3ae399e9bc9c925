// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
internal import HostSettings
public import LuaScripting
public import RelayCore
public import RelayHooks

/// A recorded conversation, fed to scripts: shows what they would do otherwise.
///
/// The scripts run in a ``HookHarness`` whose clock is that of the recording, so timers run when they would have.
public struct Replay {
    /// Why a recording cannot be replayed.
    public struct Failure: Error, CustomStringConvertible {
        /// What is wrong, and in which line.
        public var description: String
    }

    /// What would be otherwise about one line of the recording.
    public struct Difference: Sendable, Equatable {
        /// The line, from 1.
        public var line: Int
        /// What happened there.
        public var what: String
        /// What was and what would be: lines with `-` are the recording's, lines with `+` the scripts'.
        public var changes: [String]
    }

    /// What a replay came to.
    public struct Result: Sendable {
        /// Texts that were said.
        public var texts = 0
        /// What would be otherwise.
        public var differences: [Difference] = []
        /// What hooks and timers failed with.
        public var failures: [HookFailure] = []
        /// What there is to know about the recording itself.
        public var notes: [String] = []
    }

    /// The CPU time that timers may take in the pauses of a recording, all together.
    var timerTimeLimit = Duration.seconds(20)

    private let events: [(line: Int, event: RecordedEvent)]
    private var notes: [String] = []

    /// Reads a recording.
    ///
    /// - Parameter text: The file's bytes. A last line that is cut, as by a crash, is left out and noted.
    /// - Throws: ``Failure`` naming the line that is none of a recording.
    public init(_ text: [UInt8]) throws(Failure) {
        var events: [(line: Int, event: RecordedEvent)] = []
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let decoder = JSONDecoder()
        for (index, line) in lines.enumerated() where !line.isEmpty {
            guard let event = try? decoder.decode(RecordedEvent.self, from: Data(line)) else {
                guard index == lines.count - 1, !events.isEmpty else {
                    throw Failure(description: "line \(index + 1) is no line of a recording")
                }
                self.notes.append("the last line is cut, and left out")
                break
            }
            // Thousands of years, which no clock shows, and sums of which are still exact.
            guard (-1e11..<1e11).contains(event.time) else {
                throw Failure(description: "line \(index + 1) has a time that is none: \(event.time)")
            }
            events.append((index + 1, event))
        }
        guard let first = events.first?.event, first.event == .begin else {
            throw Failure(description: "it is no recording: luar serve --record FILE makes one")
        }
        guard first.version == RecordedEvent.version else {
            throw Failure(
                description:
                    "it is a recording of version \(first.version ?? 0), and this program reads version \(RecordedEvent.version)"
            )
        }
        self.events = events
    }

    /// Feeds the recording to scripts.
    ///
    /// - Parameters:
    ///   - scripts: The scripts.
    ///   - values: What operators set for them.
    ///   - limits: The relay's limits.
    ///   - scriptLimits: What the scripts may use.
    /// - Returns: What would be otherwise.
    /// - Throws: `ScriptError` for scripts that do not load.
    public func run(
        _ scripts: ScriptSet,
        values: ScriptValues = ScriptValues(),
        limits: Limits = Limits(),
        scriptLimits: LuaLimits = LuaLimits()
    ) throws -> Result {
        let start = self.events.first?.event.time ?? 0
        let harness = try HookHarness(
            scripts,
            values,
            limits: limits,
            scriptLimits: scriptLimits,
            at: Date(timeIntervalSince1970: start)
        )
        harness.timerTimeLimit = self.timerTimeLimit
        harness.keepsHeard = false
        let run = ReplayRun(harness)
        for (line, event) in self.events {
            run.take(event, line: line)
            guard !harness.isOutOfTime else {
                run.result.notes.append("the replay ends before line \(line), as timers took too long")
                break
            }
        }
        run.result.failures = harness.failures
        run.result.notes = self.notes + run.result.notes
        return run.result
    }
}

/// A replay under way.
private final class ReplayRun {
    private let harness: HookHarness
    var result = Replay.Result()
    /// The clients by the numbers that they have in the recording, and back.
    private var clients: [Int64: HarnessClient] = [:]
    private var numbers: [ObjectIdentifier: Int64] = [:]
    /// How many of the harness's messages are dealt with.
    private var seen = 0

    /// Reasons for which people leave by themselves; others are the scripts'.
    private static let ownReasons: Set<String> = [
        "left", "lost", "slow", "unreachable", "idle", "shutdown", "replaced",
    ]

    /// The longest time between two events, in seconds: a damaged recording may have any number.
    private static let longestPause = 10 * 366 * 24 * 60 * 60.0

    init(_ harness: HookHarness) { self.harness = harness }

    func take(_ event: RecordedEvent, line: Int) {
        let lag = event.time - self.harness.now.timeIntervalSince1970
        if lag > Self.longestPause {
            self.result.notes.append("line \(line) is more than ten years after the one before; no time passes there")
        } else if lag > 0 {
            self.harness.advance(by: .seconds(lag))
            if self.harness.isOutOfTime { return }
        }
        // A recording may be much longer than what a harness keeps.
        defer {
            self.harness.forget(messages: self.seen)
            self.seen = 0
        }
        switch event.event {
        case .begin: break
        case .admit: self.admission(event, line)
        case .text: self.say(event, line)
        case .leave: self.leave(event, line)
        case .dropped: self.result.notes.append("\(event.lines ?? 0) lines are missing before line \(line)")
        }
    }

    private func admission(_ event: RecordedEvent, _ line: Int) {
        guard let number = event.client else { return }
        if let client = self.clients[number] {
            guard let said = event.said else { return }
            client.sends(said.raw)
            guard self.harness.messages.count > self.seen else { return }
            // Nobody asks it anything here, so what was an answer is a text.
            self.seen = self.harness.messages.count
            self.result.differences.append(
                Replay.Difference(
                    line: line,
                    what: client.name,
                    changes: ["- answers at the door: \(said.shown)", "+ says: \(said.shown)"]
                )
            )
            return
        }
        let transport = event.transport.flatMap { TransportKind(named: $0) } ?? .tcp
        guard let client = try? self.harness.client(transport, event.address) else {
            self.result.notes.append("line \(line) has an address that is none, and is left out")
            return
        }
        self.clients[number] = client
        self.numbers[ObjectIdentifier(client)] = number
        // With datagrams a text is how one comes in; the recording has it once more, as what was said.
        if transport.socketType == .datagram, let said = event.said { client.sends(said.raw) }
    }

    private func say(_ event: RecordedEvent, _ line: Int) {
        guard let number = event.client, let client = self.clients[number], let said = event.said else { return }
        self.result.texts += 1
        let isSaid = self.seen < self.harness.messages.count && self.harness.messages.last?.sender === client
        if !isSaid { client.sends(said.raw) }
        // Nothing else speaks meanwhile, so what is new is about this text.
        let message = self.harness.messages.count > self.seen ? self.harness.messages.last : nil
        self.seen = self.harness.messages.count
        let sent = (event.sentAs ?? [:]).mapValues(\.raw)
        let sends = (message?.sentAs ?? [:]).mapValues { Array($0.utf8) }
        // A recording's bytes that are not UTF-8 are compared as the harness shows them.
        let before = Self.lines(event.sent?.raw, sent)
        let after = Self.lines(message?.sent.map { Array($0.utf8) }, sends)
        let dialects = Set(before.keys).union(after.keys).sorted()
        let was =
            [("fate", event.fate ?? ""), ("as", (event.filtered ?? said).shown)]
            + dialects.map { ($0, before[$0] ?? "nothing") } + [("to", Self.list(event.recipients ?? []))]
        let now =
            [
                (
                    "fate",
                    message?.fate.rawValue ?? "not heard: \(client.isHere ? "it is at the door" : "it is not here")"
                ), ("as", message.map { RecordedEvent.Text(Array($0.filtered.utf8)).shown } ?? "nothing"),
            ] + dialects.map { ($0, after[$0] ?? "nothing") }
            + [("to", Self.list(message?.recipients.compactMap { self.numbers[ObjectIdentifier($0)] } ?? []))]
        var changes: [String] = []
        for (before, after) in zip(was, now) where !before.1.utf8.elementsEqual(after.1.utf8) {
            changes += ["- \(before.0): \(before.1)", "+ \(after.0): \(after.1)"]
        }
        guard !changes.isEmpty else { return }
        let what = "\(client.name) says \(said.shown)"
        self.result.differences.append(Replay.Difference(line: line, what: what, changes: changes))
    }

    private func leave(_ event: RecordedEvent, _ line: Int) {
        guard let number = event.client, let client = self.clients[number] else { return }
        let reason = event.reason ?? "left"
        if client.isHere, Self.ownReasons.contains(reason) { client.leaves(reason) }
        guard client.isHere || client.reason != reason else { return }
        let now = client.isHere ? "stays" : "leaves: \(client.reason ?? "")"
        self.result.differences.append(
            Replay.Difference(line: line, what: client.name, changes: ["- leaves: \(reason)", "+ \(now)"])
        )
    }

    /// What was sent, by the words for it.
    private static func lines(_ plain: [UInt8]?, _ others: [String: [UInt8]]) -> [String: String] {
        var lines = others.reduce(into: [:]) { lines, other in
            lines["sent as '\(other.key)'"] = RecordedEvent.Text(other.value).shown
        }
        if let plain { lines["sent"] = RecordedEvent.Text(plain).shown }
        return lines
    }

    private static func list(_ numbers: [Int64]) -> String {
        numbers.isEmpty ? "nobody" : numbers.sorted().map { "client \($0)" }.joined(separator: ", ")
    }
}

extension RecordedEvent.Text {
    /// The text as a report shows it.
    fileprivate var shown: String { "\"\(String(decoding: self.raw, as: UTF8.self))\"" }
}
