// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import HostSettings
internal import LatencyMonitor
public import Logging
internal import MailAlerts
public import RelayHooks

/// A mail that a script asked for.
public struct HarnessMail: Sendable, Equatable {
    /// Its subject.
    public var subject: String
    /// Its text.
    public var text: String
    /// The same as HTML, if the script made that, too.
    public var html: String?
    /// Whom it is for; empty for whoever the settings name.
    public var to: [String]
}

/// A line of the operational log.
public struct HarnessLogEntry: Sendable, Equatable {
    /// How important it is.
    public var level: Logger.Level
    /// The text, as scripts gave it.
    public var message: String
    /// What goes with it, by name.
    public var metadata: [String: String]
}

/// A text that somebody sent, and what became of it.
public struct HarnessMessage {
    /// Who sent it.
    public var sender: HarnessClient?
    /// The text as it came.
    public var text: String
    /// The text that the `message` hooks left.
    public var filtered: String
    /// What those of the plain dialect get; nil if there are none.
    public var sent: String?
    /// What those of other dialects get, by dialect.
    public var sentAs: [String: String] = [:]
    /// How it ended.
    public var fate: MessageTrace.Fate
    /// Who gets it, in the order in which they came.
    public var recipients: [HarnessClient]
}

/// A measurement, and what the scripts made of it.
public struct HarnessSample: Sendable, Equatable {
    /// The status's name; nil if nobody knows.
    public var status: String?
    /// Its level, 0 (good) to 3 (down).
    public var level: Int?
    /// The status that is held from now on, if this sample made it so.
    public var held: String?
}

/// Takes the console's lines.
final class HarnessConsole: ConsoleOutput {
    private let budget: HarnessBudget
    var lines: [String] = []
    let isFull = false

    init(_ budget: HarnessBudget) { self.budget = budget }

    func write(_ line: UnsafeRawBufferPointer) {
        guard self.budget.admit(line.count) else { return }
        self.lines.append(String(decoding: line, as: UTF8.self))
    }

    func skip() {}
}

/// Takes the mails, and refuses those that could not be sent.
final class HarnessOutbox: AlertOutput {
    private let budget: HarnessBudget
    var mails: [HarnessMail] = []

    init(_ budget: HarnessBudget) { self.budget = budget }

    func problem(with mail: AlertMail) -> String? {
        do {
            _ = try MailDraft(mail, to: [try MailAddress("nobody@localhost")])
            return nil
        } catch {
            return "a mail that cannot be sent (\(error.reason))"
        }
    }

    func send(_ mail: AlertMail, about report: Report?, stored: (@Sendable (Bool) -> Void)?) -> Bool {
        stored?(true)
        guard self.budget.admit(mail.subject.utf8.count + mail.text.utf8.count + (mail.html?.utf8.count ?? 0)) else {
            return true
        }
        self.mails.append(HarnessMail(subject: mail.subject, text: mail.text, html: mail.html, to: mail.to))
        return true
    }
}

/// A line that a script wrote to a file.
public struct HarnessFileLine: Sendable, Equatable {
    /// The file's name.
    public var file: String
    /// The line, without its end.
    public var text: String
}

/// Takes the lines of files.
final class HarnessFiles: FileOutput {
    private let budget: HarnessBudget
    var lines: [HarnessFileLine] = []

    init(_ budget: HarnessBudget) { self.budget = budget }

    func problem(with file: FileDeclaration) -> String? { nil }

    func write(_ line: [UInt8], to file: FileDeclaration) -> Bool {
        guard self.budget.admit(line.count) else { return true }
        let text = line.last == UInt8(ascii: "\n") ? line.dropLast() : line[...]
        self.lines.append(HarnessFileLine(file: file.name, text: String(decoding: text, as: UTF8.self)))
        return true
    }
}

/// A disk without entries, which takes everything at once.
final class HarnessStorage: StateStorage {
    func fetch(_ names: [String]) -> [String: [StateRecord]] {
        Dictionary(names.map { ($0, []) }) { first, _ in first }
    }

    func take(_ change: StateChange) {}
    func clear(_ state: String) {}
    func sync(_ state: String, done: @escaping @Sendable (Bool) -> Void) { done(true) }
}

/// Keeps what is logged; confined to the harness, which logs on one thread at a time.
final class HarnessLog: @unchecked Sendable {
    // Unchecked because a log handler must be `Sendable`; nobody but the harness's own hooks has the logger.
    var entries: [HarnessLogEntry] = []
    let budget: HarnessBudget

    init(_ budget: HarnessBudget) { self.budget = budget }
}

struct HarnessLogHandler: LogHandler {
    let log: HarnessLog
    var logLevel = Logger.Level.trace
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = self.metadata.merging(event.metadata ?? [:]) { _, own in own }
        let entry = HarnessLogEntry(
            level: event.level,
            message: "\(event.message)",
            metadata: all.mapValues { "\($0)" }
        )
        let size = entry.metadata.reduce(entry.message.utf8.count) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        if self.log.budget.admit(size) { self.log.entries.append(entry) }
    }
}

extension ScriptValues {
    /// What a test sets.
    init(test settings: [String: String]) {
        self.init()
        self.source = .test
        for (name, value) in settings.sorted(by: { $0.key < $1.key }) { self.set(name, to: .text(value)) }
    }
}
