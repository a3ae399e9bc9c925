// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayCore

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
    private var batches = 0

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

    /// Reads what is not cut before the last of these reads; before some of them nothing came for a while.
    mutating func readAhead(_ reads: [(bytes: [UInt8], comesLate: Bool)]) {
        for read in reads {
            self.decoder.endRead(afterSilence: read.comesLate)
            read.bytes.withUnsafeBytes {
                self.decoder.begin($0)
                self.decoder.keepRest()
            }
        }
        self.take()
    }

    /// Nothing comes for a while, or the input ends.
    mutating func fallsSilent() {
        self.decoder.endLine()
        self.take()
    }

    /// Memory that the decoder keeps.
    var storageBytes: Int { self.decoder.storageBytes }

    /// What was found since this was last asked.
    mutating func takeFound() -> [Found] {
        defer { self.found.removeAll() }
        return self.found
    }

    /// Takes what there is, in batches of which some are not used up.
    private mutating func take() {
        let batch = TextBatch()
        var found: [Found] = []
        repeat {
            self.batches += 1
            let (most, used) = (1 + self.batches % 5, 1 + self.batches % 3)
            let rest = self.decoder.cut(atMost: most, into: batch) {
                while batch.taken < used, let item = batch.next() { found.append(Found(item, of: batch)) }
            }
            self.decoder.advance(to: rest)
        } while batch.taken > 0
        self.found += found
    }
}

extension Found {
    /// What an item of a batch is.
    fileprivate init(_ item: TextBatch.Item, of batch: TextBatch) {
        switch item {
        case .text(let range): self = .message(Array(batch.bytes[range]))
        case .tooLong: self = .tooLong
        case .encodingChanged: self = .encodingChanged
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
