// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// The stages that a connection passes before it joins the hub, in order.
///
/// A value without I/O.
struct Preamble {
    /// What has become of it.
    enum Progress: Equatable {
        /// All stages have passed.
        case passed
        /// Another stage has begun, and is to pass within this time.
        case begun(timeLimit: Duration)
        /// The same stage needs more bytes.
        case incomplete
        /// The connection must not go on.
        case failed
    }

    /// Bytes that a stage may look at without passing: beyond that the connection must not go on.
    static let mostBytes = 16 << 10

    private var stages: ArraySlice<any PreambleStage>
    private var hasBegun = false
    /// Bytes that the current stage has seen.
    private var kept: [UInt8] = []

    init(_ stages: [any PreambleStage]) { self.stages = stages[...] }

    /// Takes bytes of the connection, at first none.
    ///
    /// - Parameters:
    ///   - bytes: The bytes, borrowed.
    ///   - rest: Gets what stands behind the preamble, once that has passed; it must copy what it keeps.
    /// - Returns: What has become of the preamble.
    mutating func receive(
        _ bytes: UnsafeRawBufferPointer,
        rest: (UnsafeRawBufferPointer) -> Void
    ) -> Progress {
        guard !self.kept.isEmpty else { return self.advance(bytes, rest) }
        var all = self.kept
        self.kept = []
        all.append(contentsOf: bytes)
        return all.withUnsafeBytes { self.advance($0, rest) }
    }

    private mutating func advance(
        _ bytes: UnsafeRawBufferPointer,
        _ rest: (UnsafeRawBufferPointer) -> Void
    ) -> Progress {
        var left = bytes
        while var stage = self.stages.first {
            let verdict = stage.look(at: left)
            self.stages[self.stages.startIndex] = stage
            switch verdict {
            case .passed(let count):
                left = UnsafeRawBufferPointer(rebasing: left[count...])
                self.stages.removeFirst()
                self.hasBegun = false
            case .incomplete:
                guard left.count <= Self.mostBytes else { return .failed }
                self.kept = Array(left)
                defer { self.hasBegun = true }
                return self.hasBegun ? .incomplete : .begun(timeLimit: stage.timeLimit)
            case .failed: return .failed
            }
        }
        if !left.isEmpty { rest(left) }
        return .passed
    }
}
