// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import Foundation
public import RelayCore

/// One line of a recorded conversation: a JSON object, with `event` saying what it is.
///
/// Texts are in `text`, or if they are not UTF-8 in `bytes`, as Base64 (RFC 4648); times are Unix seconds, clients numbers.
public struct RecordedEvent: Codable, Sendable, Equatable {
    /// What happened.
    public enum Kind: String, Codable, Sendable {
        /// The recording begins; its first line.
        case begin
        /// Somebody came to the door, or answered a question there.
        case admit
        /// Somebody said something.
        case text
        /// Somebody left, or was turned away.
        case leave
        /// Lines are missing: the disk was too slow for them.
        case dropped
    }

    /// A text as it is written down.
    public struct Text: Codable, Sendable, Equatable {
        /// The text, if it is UTF-8.
        public var text: String?
        /// Its bytes, if it is not.
        public var bytes: Data?

        /// Writes a text down.
        public init(_ bytes: [UInt8]) {
            self.text = String(validating: bytes, as: UTF8.self)
            if self.text == nil { self.bytes = Data(bytes) }
        }

        /// The text's bytes.
        public var raw: [UInt8] { self.text.map { Array($0.utf8) } ?? self.bytes.map { Array($0) } ?? [] }
    }

    /// The version of the format, in the first line.
    public static let version = 1

    /// What happened.
    public var event: Kind
    /// When.
    public var time: Double
    /// Of the first line: ``version``.
    public var version: Int?
    /// Who.
    public var client: Int64?
    /// What carries a client's texts: the name of a ``TransportKind``.
    public var transport: String?
    /// Where it came from: `host:port`.
    public var address: String?
    /// What was said.
    public var said: Text?
    /// What the `message` hooks made of it, where that is something else.
    public var filtered: Text?
    /// What the others got, those of the plain dialect.
    public var sent: Text?
    /// What those of other dialects got, by dialect.
    public var sentAs: [String: Text]?

    private enum CodingKeys: String, CodingKey {
        case event, time, version, client, transport, address, said, filtered, sent, fate, recipients, reason, lines
        case sentAs = "sent_as"
    }

    /// How a text ended: `ping`, `swallowed` or `relayed`.
    public var fate: String?
    /// Who got it.
    public var recipients: [Int64]?
    /// Why somebody left.
    public var reason: String?
    /// How many lines are missing.
    public var lines: Int?

    /// Makes an event.
    public init(_ event: Kind, at time: Double) {
        self.event = event
        self.time = time
        if event == .begin { self.version = Self.version }
    }

    /// Somebody wants in, or answers what was asked then.
    public init(admit client: Client, _ text: UnsafeRawBufferPointer?, at time: Double) {
        self.init(.admit, at: time)
        self.client = client.id
        self.transport = client.origin.transport.name
        self.address = client.origin.address
        self.said = text.map { Text(Array($0)) }
    }

    /// Somebody said something.
    public init(_ trace: MessageTrace, at time: Double) {
        self.init(.text, at: time)
        self.client = trace.sender
        self.said = Text(trace.text)
        if trace.filtered != trace.text { self.filtered = Text(trace.filtered) }
        self.sent = trace.sent.map { Text($0) }
        if !trace.sentAs.isEmpty { self.sentAs = trace.sentAs.mapValues { Text($0) } }
        self.fate = trace.fate.rawValue
        self.recipients = trace.recipients
    }

    /// Somebody left.
    public init(leave client: Client, at time: Double) {
        self.init(.leave, at: time)
        self.client = client.id
        self.reason = client.closeReason
    }

    /// The event as a line without its end.
    public var line: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Numbers and texts alone: there is nothing that cannot be encoded.
        guard let data = try? encoder.encode(self) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }
}
