// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// One thing that happens on a connection before its first text, such as a handshake.
protocol PreambleStage {
    /// How long it may take; a connection that has not passed it then is closed.
    var timeLimit: Duration { get }

    /// Looks at the bytes that have arrived, from those on that the stage before has left: first at those that are there
    /// when it begins, which may be none, and again each time that there are more.
    ///
    /// The bytes are borrowed.
    mutating func look(at bytes: UnsafeRawBufferPointer) -> StageVerdict
}

/// What a stage of the preamble says of the bytes that have arrived.
enum StageVerdict: Equatable {
    /// It has passed; so many bytes were its own, the others are for what comes next.
    case passed(bytes: Int)
    /// It needs more bytes than these.
    case incomplete
    /// The connection must not go on.
    case failed
}

/// The stage of connections that begin with their first text.
struct PlainStart: PreambleStage {
    var timeLimit: Duration { .seconds(10) }

    func look(at bytes: UnsafeRawBufferPointer) -> StageVerdict { .passed(bytes: 0) }
}
