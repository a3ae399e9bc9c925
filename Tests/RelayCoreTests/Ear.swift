// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayCore

/// An outlet that keeps what it is given: one event per write, so a tick with two writes shows.
final class Ear: MemoryReceiver {
    enum Event: Equatable {
        case wrote([UInt8])
        case closed
    }

    private(set) var events: [Event] = []

    func write(_ pieces: [UnsafeRawBufferPointer]) {
        self.events.append(.wrote(pieces.flatMap { Array($0) }))
    }

    func close() {
        self.events.append(.closed)
    }

    /// Whether its connection was ended.
    var isClosed: Bool { self.events.contains(.closed) }

    /// All that was written.
    var text: String {
        let bytes = self.events.flatMap { event -> [UInt8] in
            guard case .wrote(let bytes) = event else { return [] }
            return bytes
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What came since this was last asked.
    func takeEvents() -> [Event] {
        defer { self.events.removeAll() }
        return self.events
    }
}

extension Ear.Event {
    /// A write of these bytes.
    static func wrote(_ text: String) -> Self { .wrote(Array(text.utf8)) }
}
