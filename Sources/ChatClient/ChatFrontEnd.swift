// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LineOutput

/// What came of a person's, or a program's, input.
enum ChatInput: Equatable {
    case line([UInt8])
    /// A line that is longer than the limit: how many bytes it has.
    case tooLong(Int)
    case end
    case interrupt
    case suspend
}

/// Where a chat is read and shown: a terminal or pipes.
protocol ChatFrontEnd: AnyObject {
    /// Whether input can be read: a terminal that is somebody else's cannot.
    var hasKeyboard: Bool { get }
    /// Takes over the terminal, if it is one.
    func open() throws(OutputError)
    /// Input is read, or left to wait because the connection is behind or the chat is being left.
    func reads(_ isReading: Bool)
    /// Takes what was read.
    func take(_ bytes: [UInt8]) -> [ChatInput]
    /// The input has ended.
    func finish() -> [ChatInput]
    /// Shows texts, a line each.
    func show(_ texts: [[UInt8]]) throws(OutputError)
    /// Says something about the chat itself.
    func notice(_ text: String)
    /// Shows the changes that input made.
    func refresh() throws(OutputError)
    /// The terminal may have another size.
    func resized() throws(OutputError)
    /// Gives the terminal back.
    func close()
}
