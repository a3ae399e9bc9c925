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
    /// Texts that were copied together, and where they stood.
    private struct Region {
        var source: UnsafeRawBufferPointer
        var firstText: Int
        var endText: Int

        func contains(_ piece: UnsafeRawBufferPointer) -> Bool {
            guard let base = self.source.baseAddress, let start = piece.baseAddress else { return false }
            return start >= base && start + piece.count <= base + self.source.count
        }
    }

    private let bytes = TickBuffer()
    private(set) var texts: [csockets_text] = []
    /// Where each text's length stood in its region.
    private var places: [Int] = []
    private(set) var recipients: [csockets_recipient] = []
    private(set) var runs: [csockets_run] = []
    /// The region that was used last, and all of them by where they begin.
    private var last: Region?
    private var regions: [UnsafeRawPointer: Region] = [:]
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

    /// Forgets where texts came from: the tick's buffers are reused.
    func endTick() {
        self.last = nil
        self.regions.removeAll(keepingCapacity: true)
    }

    /// Adds a client's pieces of this tick.
    ///
    /// - Parameters:
    ///   - pieces: Stretches of ``DatagramTexts``.
    ///   - lane: The lane whose members are being served, if any: most pieces are part of it.
    ///   - recipient: Who gets them.
    func add(
        _ pieces: [UnsafeRawBufferPointer],
        of lane: UnsafeRawBufferPointer?,
        to recipient: csockets_recipient
    ) {
        let number = self.recipients.count
        self.recipients.append(recipient)
        for piece in pieces {
            let texts = self.texts(of: piece, in: self.region(of: piece, lane))
            guard !texts.isEmpty else { continue }
            self.runs.append(
                csockets_run(recipient: UInt32(number), first: UInt32(texts.lowerBound), count: UInt32(texts.count))
            )
            self.count += texts.count
        }
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

    private func region(of piece: UnsafeRawBufferPointer, _ lane: UnsafeRawBufferPointer?) -> Region {
        if let last = self.last, last.contains(piece) { return last }
        var source = piece
        if let lane, Region(source: lane, firstText: 0, endText: 0).contains(piece) { source = lane }
        let region = self.known(source) ?? self.copy(source)
        self.last = region
        return region
    }

    /// A region that was copied before: a lane, or a text for several clients.
    private func known(_ source: UnsafeRawBufferPointer) -> Region? {
        guard let base = source.baseAddress, let known = self.regions[base] else { return nil }
        return known.source.count == source.count ? known : nil
    }

    private func copy(_ source: UnsafeRawBufferPointer) -> Region {
        var region = Region(source: source, firstText: self.texts.count, endText: 0)
        let start = self.bytes.count
        self.bytes.append(source)
        for range in DatagramTexts(source) {
            self.texts.append(csockets_text(offset: start + range.lowerBound, length: range.count))
            self.places.append(range.lowerBound - DatagramTexts.headerBytes)
        }
        region.endText = self.texts.count
        if let base = source.baseAddress { self.regions[base] = region }
        return region
    }

    /// The numbers of the texts in a piece of a region.
    private func texts(of piece: UnsafeRawBufferPointer, in region: Region) -> Range<Int> {
        guard let base = region.source.baseAddress, let start = piece.baseAddress else { return 0..<0 }
        let all = region.firstText..<region.endText
        if piece.count == region.source.count { return all }
        let offset = start - base
        return self.text(at: offset, among: all)..<self.text(at: offset + piece.count, among: all)
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
