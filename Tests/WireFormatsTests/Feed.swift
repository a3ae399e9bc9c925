// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

@testable import WireFormats

/// What a decoder made of its input.
enum Found: Equatable {
    case message([UInt8])
    case tooLong
    case encodingChanged

    /// A message of this text.
    static func message(_ text: String) -> Self { .message(Array(text.utf8)) }
}

/// A decoder that is fed as a connection feeds it: a read, then everything that can be taken.
struct Feed {
    private(set) var decoder: MessageDecoder
    private(set) var found: [Found] = []
    /// The most that ever waited for more input.
    private(set) var mostPending = 0

    init(_ format: WireFormat, limit: Int = 1_000) {
        self.decoder = MessageDecoder(format, limit: limit)
    }

    mutating func read(_ bytes: some Collection<UInt8>) {
        // A read does not begin with its memory, or fill it; what is behind it must not count, and nor must what is left of it
        // after the read.
        var memory = [UInt8](repeating: 0x0A, count: bytes.count + 8)
        memory.replaceSubrange(3..<3 + bytes.count, with: bytes)
        memory.withUnsafeMutableBytes { memory in
            self.decoder.begin(UnsafeRawBufferPointer(rebasing: memory[3..<3 + bytes.count]))
            self.take()
            self.decoder.keepRest()
            memory.initializeMemory(as: UInt8.self, repeating: 0x0A)
        }
        self.mostPending = max(self.mostPending, self.decoder.pendingBytes)
    }

    mutating func read(_ text: String) { self.read(Array(text.utf8)) }

    /// Nothing comes for a while.
    mutating func fallsSilent() {
        var text: [UInt8] = []
        guard let event = self.decoder.silence({ text = Array($0) }) else { return }
        self.note(event, text)
    }

    /// The input ends.
    mutating func end() {
        var text: [UInt8] = []
        guard let event = self.decoder.endOfInput({ text = Array($0) }) else { return }
        self.note(event, text)
    }

    /// Memory that the decoder keeps.
    var storageBytes: Int { self.decoder.storageBytes }

    /// What was found since this was last asked.
    mutating func takeFound() -> [Found] {
        defer { self.found.removeAll() }
        return self.found
    }

    private mutating func take() {
        var text: [UInt8] = []
        while let event = self.decoder.next({ text = Array($0) }) { self.note(event, text) }
    }

    private mutating func note(_ event: MessageDecoder.Event, _ text: [UInt8]) {
        switch event {
        case .text: self.found.append(.message(text))
        case .tooLong: self.found.append(.tooLong)
        case .encodingChanged: self.found.append(.encodingChanged)
        }
    }
}

/// The messages of lines, the slow way.
func lines(of bytes: [UInt8], limit: Int) -> [Found] {
    var found: [Found] = []
    var pieces = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init)
    let unfinished = pieces.removeLast()
    for var line in pieces {
        if line.last == 0x0D { line.removeLast() }
        if line.count > limit { found.append(.tooLong) } else if !line.isEmpty { found.append(.message(line)) }
    }
    // Whatever follows, this line is too long already: at most one of its bytes can be the return before its end.
    if unfinished.count > limit + 1 { found.append(.tooLong) }
    return found
}
