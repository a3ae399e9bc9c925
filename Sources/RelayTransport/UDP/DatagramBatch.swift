// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CSockets
internal import RelayCore
internal import WireFormats

/// One tick's datagrams of a UDP socket, on their way from the script loop to the socket's thread.
///
/// A text is copied once, whoever gets it. A *run* is consecutive texts for one recipient: for a broadcast, one run a
/// member.
///
/// Unchecked because one side has it at a time: it changes hands under the endpoint's lock.
final class DatagramBatch: @unchecked Sendable {
    private let bytes = TickBuffer()
    private(set) var texts: [csockets_text] = []
    /// Where each text begins in its source.
    private var places: [Int] = []
    private(set) var recipients: [csockets_recipient] = []
    private(set) var runs: [csockets_run] = []
    /// The texts of each source of the tick, by the source's number, once they are copied.
    private var copied: [Range<Int>?] = []
    /// The same for the pieces of the source that holds the texts for single clients.
    private var copiedPieces: [Range<Int>: Range<Int>] = [:]
    /// How many datagrams it makes.
    private(set) var count = 0

    /// What it weighs against the limit on output.
    var weight: Int {
        self.bytes.count + self.texts.count * MemoryLayout<csockets_text>.stride
            + self.recipients.count * MemoryLayout<csockets_recipient>.stride
            + self.runs.count * MemoryLayout<csockets_run>.stride
    }

    var isEmpty: Bool { self.runs.isEmpty }

    /// All texts' bytes; valid until the next change.
    var allBytes: UnsafeRawBufferPointer { self.bytes[0..<self.bytes.count] }

    func reset() {
        self.bytes.reset()
        self.texts.removeAll(keepingCapacity: true)
        self.places.removeAll(keepingCapacity: true)
        self.recipients.removeAll(keepingCapacity: true)
        self.runs.removeAll(keepingCapacity: true)
        self.endTick()
        self.count = 0
    }

    /// Forgets where texts came from: the next tick has other sources.
    func endTick() {
        self.copied.removeAll(keepingCapacity: true)
        self.copiedPieces.removeAll(keepingCapacity: true)
    }

    /// The texts of a lane's source of the tick, which are copied unless they were before.
    func texts(of source: Int, in output: TickOutput) -> Range<Int> {
        while self.copied.count <= source { self.copied.append(nil) }
        if let known = self.copied[source] { return known }
        let texts = self.copy(output.sources[source])
        self.copied[source] = texts
        return texts
    }

    /// The texts of a piece that is for one client, or for a few.
    ///
    /// Its source also holds texts for clients of other transports, which are no ``DatagramTexts``.
    private func texts(of direct: TickOutput.Piece, in output: TickOutput) -> Range<Int> {
        if let known = self.copiedPieces[direct.range] { return known }
        let texts = self.copy(output[direct])
        self.copiedPieces[direct.range] = texts
        return texts
    }

    private func copy(_ bytes: UnsafeRawBufferPointer) -> Range<Int> {
        let (first, start) = (self.texts.count, self.bytes.count)
        self.bytes.append(bytes)
        for range in DatagramTexts(bytes) {
            self.texts.append(csockets_text(offset: start + range.lowerBound, length: range.count))
            self.places.append(range.lowerBound - DatagramTexts.headerBytes)
        }
        return first..<self.texts.count
    }

    /// Adds consecutive texts for a recipient.
    func add(_ texts: Range<Int>, to recipient: csockets_recipient) {
        guard !texts.isEmpty else { return }
        self.recipients.append(recipient)
        self.addRun(texts)
    }

    /// Adds a client's pieces of this tick, which are stretches of ``DatagramTexts``.
    func add(_ pieces: ArraySlice<TickOutput.Piece>, of output: TickOutput, to recipient: csockets_recipient) {
        self.recipients.append(recipient)
        for piece in pieces {
            guard piece.source != TickOutput.direct else {
                let texts = self.texts(of: piece, in: output)
                if !texts.isEmpty { self.addRun(texts) }
                continue
            }
            let all = self.texts(of: piece.source, in: output)
            let first = self.text(at: piece.range.lowerBound, among: all)
            let texts = first..<self.text(at: piece.range.upperBound, among: all)
            if !texts.isEmpty { self.addRun(texts) }
        }
    }

    /// Adds texts for the last recipient.
    private func addRun(_ texts: Range<Int>) {
        let recipient = UInt32(self.recipients.count - 1)
        self.runs.append(
            csockets_run(recipient: recipient, first: UInt32(texts.lowerBound), count: UInt32(texts.count))
        )
        self.count += texts.count
    }

    /// Adds one text.
    func add(_ text: UnsafeRawBufferPointer, to recipient: csockets_recipient) {
        let run = csockets_run(recipient: UInt32(self.recipients.count), first: UInt32(self.texts.count), count: 1)
        self.texts.append(csockets_text(offset: self.bytes.count, length: text.count))
        self.places.append(0)
        self.bytes.append(text)
        self.recipients.append(recipient)
        self.runs.append(run)
        self.count += 1
    }

    /// The first text that does not stand before a place.
    private func text(at place: Int, among all: Range<Int>) -> Int {
        var (low, high) = (all.lowerBound, all.upperBound)
        while low < high {
            let middle = (low + high) / 2
            if self.places[middle] < place { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
