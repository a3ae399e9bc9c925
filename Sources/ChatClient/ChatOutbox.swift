// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import DequeModule

/// The texts of a chat on their way out, encoded: those that wait for a connection, and those that one has but the
/// system has not taken.
struct ChatOutbox {
    /// Whether each text goes by itself, as it is; else as a line, together with others.
    private let isSingle: Bool
    private(set) var waiting: Deque<[UInt8]> = []
    private var inFlight: Deque<[UInt8]> = []
    /// What this connection began with; nil once it has gone.
    private var greeting: [UInt8]?
    /// Bytes of both.
    private(set) var bytes = 0
    /// Whether a text has gone to this connection.
    private(set) var hasSent = false

    init(_ framing: ChatFraming) { self.isSingle = framing != .lines }

    /// Nothing is on its way.
    var isEmpty: Bool { self.waiting.isEmpty && self.inFlight.isEmpty }
    var hasInFlight: Bool { !self.inFlight.isEmpty }

    /// A text as it goes over the wire; nil if there is nothing to send.
    func encode(_ text: [UInt8]) -> [UInt8]? {
        guard !text.isEmpty else { return nil }
        // A text with a line break in it is still one text.
        return self.isSingle ? text : text.map { $0 == 0x0A ? 0x20 : $0 } + [0x0A]
    }

    mutating func append(_ text: [UInt8]) {
        guard let encoded = self.encode(text) else { return }
        self.waiting.append(encoded)
        self.bytes += encoded.count
    }

    /// A connection begins: an empty line, which is no message and only says that lines follow, and the first text of
    /// the hooks.
    ///
    /// - Returns: What to send before anything else.
    mutating func greet(with text: [UInt8]?) -> [UInt8]? {
        self.hasSent = false
        let greeting = (self.isSingle ? [] : [0x0A]) + (text.flatMap { self.encode($0) } ?? [])
        self.greeting = greeting.isEmpty ? nil : greeting
        guard !greeting.isEmpty else { return nil }
        self.inFlight.append(greeting)
        self.bytes += greeting.count
        return greeting
    }

    /// What to send now: lines together, other texts one by one, because TCP does not tell where one ends and a datagram
    /// is one.
    mutating func next() -> [UInt8]? {
        guard !self.waiting.isEmpty, !self.isSingle || self.inFlight.isEmpty else { return nil }
        let batch = self.isSingle ? self.waiting.removeFirst() : Array(self.waiting.joined())
        if !self.isSingle { self.waiting.removeAll() }
        self.inFlight.append(batch)
        return batch
    }

    /// The system has taken the oldest in flight.
    mutating func sent() {
        guard let batch = self.inFlight.popFirst() else { return }
        self.bytes -= batch.count
        if self.greeting == nil { self.hasSent = true }
        self.greeting = nil
    }

    /// The connection is lost: what it could not send waits again, in front; a greeting is made anew for the next one.
    mutating func takeBack() {
        if self.greeting != nil { self.inFlight.removeFirst() }
        self.greeting = nil
        self.waiting = self.inFlight + self.waiting
        self.inFlight.removeAll()
        self.bytes = self.waiting.reduce(0) { $0 + $1.count }
    }

    /// How many texts wait, in words.
    var waitingTexts: String {
        let count = self.isSingle ? self.waiting.count : self.waiting.joined().count { $0 == 0x0A }
        return count == 1 ? "1 text was" : "\(count) texts were"
    }
}
