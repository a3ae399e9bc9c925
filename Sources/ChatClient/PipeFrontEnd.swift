// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LineOutput

/// Lines in, lines out, nothing else.
final class PipeFrontEnd: ChatFrontEnd {
    private let output: ChatOutput
    private let error: ChatOutput
    private var splitter: InputSplitter

    init(output: ChatOutput, error: ChatOutput, limit: Int) {
        self.output = output
        self.error = error
        self.splitter = InputSplitter(limit: limit)
    }

    let hasKeyboard = true

    func open() {}

    func take(_ bytes: [UInt8]) -> [ChatInput] {
        self.splitter.take(bytes).map { Self.input($0) }
    }

    func finish() -> [ChatInput] {
        (self.splitter.finish().map { [Self.input($0)] } ?? []) + [.end]
    }

    private static func input(_ line: InputSplitter.Line) -> ChatInput {
        switch line {
        case .text(let bytes): .line(bytes)
        case .tooLong(let count): .tooLong(count)
        }
    }

    func show(_ texts: [[UInt8]]) throws(OutputError) {
        try self.output.write(Self.lines(texts))
    }

    func notice(_ text: String) {
        // Where not even this can be said, nobody is there to be told so.
        try? self.error.write(Self.lines([Array(text.utf8)]))
    }

    func reads(_ isReading: Bool) {}
    func refresh() {}
    func resized() {}
    func close() {}

    /// Texts as lines that no terminal obeys.
    static func lines(_ texts: [[UInt8]]) -> [UInt8] {
        var bytes: [UInt8] = []
        for text in texts {
            text.withUnsafeBytes { LineEscaping.append($0, to: &bytes) }
            bytes.append(0x0A)
        }
        return bytes
    }
}
