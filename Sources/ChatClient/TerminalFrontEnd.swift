// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LineOutput

/// A terminal: texts scroll above the line that is being typed.
///
/// The editor is our own. libedit was tried first (3.1-20221030): it draws a decomposed accent a column off and inserts
/// beside the cursor from there on, loses a line taller than the screen, and cannot be told to clear and redraw from
/// outside; GNU readline's licence does not fit ours.
final class TerminalFrontEnd: ChatFrontEnd {
    private let terminal: Terminal
    private let output: ChatOutput
    private let error: ChatOutput
    private let limit: Int
    private var decoder = KeyDecoder()
    private var editor = LineEditor()
    private var row: InputRow
    private var columns: Int
    /// Lines that were finished since the last refresh: they stay on the screen.
    private var finished: [String] = []

    init(_ terminal: Terminal, output: ChatOutput, error: ChatOutput, limit: Int) {
        self.terminal = terminal
        self.output = output
        self.error = error
        self.limit = limit
        self.columns = terminal.columns
        self.row = InputRow([], cursor: 0, columns: self.columns)
    }

    var hasKeyboard: Bool { self.terminal.isOpen }

    func open() throws(OutputError) {
        self.terminal.open()
        self.columns = self.terminal.columns
        try self.write(Terminal.pasteMarksOn)
        try self.draw()
    }

    func reads(_ isReading: Bool) { self.terminal.signals(!isReading) }

    func take(_ bytes: [UInt8]) -> [ChatInput] {
        var inputs: [ChatInput] = []
        for key in self.decoder.take(bytes) {
            switch self.editor.take(key) {
            case .line(let text):
                self.finished.append(text)
                let count = text.utf8.count
                inputs.append(count > self.limit ? .tooLong(count) : .line(Array(text.utf8)))
            case .endOfInput: inputs.append(.end)
            case .interrupt: inputs.append(.interrupt)
            case .suspend: inputs.append(.suspend)
            // The line is drawn again anyway; Ctrl-L also clears what stands above.
            case .redraw: try? self.write("\u{1B}[2J\u{1B}[H")
            case nil: break
            }
        }
        return inputs
    }

    func finish() -> [ChatInput] { [.end] }

    func show(_ texts: [[UInt8]]) throws(OutputError) {
        try self.writeFinished()
        var bytes = Array(InputRow.clear.utf8)
        bytes += PipeFrontEnd.lines(texts)
        bytes += Array(self.row.drawn.utf8)
        try self.output.write(bytes)
    }

    func notice(_ text: String) {
        try? self.writeFinished()
        try? self.write(InputRow.clear)
        try? self.error.write(PipeFrontEnd.lines([Array(text.utf8)]))
        try? self.write(self.row.drawn)
    }

    func refresh() throws(OutputError) {
        try self.writeFinished()
        let row = InputRow(self.editor.characters, cursor: self.editor.cursor, columns: self.columns)
        guard row != self.row else { return }
        self.row = row
        try self.draw()
    }

    func resized() throws(OutputError) {
        let columns = self.terminal.columns
        guard columns != self.columns else { return try self.draw() }
        try self.write(self.row.cleared(forColumns: columns))
        self.columns = columns
        self.row = InputRow(self.editor.characters, cursor: self.editor.cursor, columns: columns)
        try self.draw()
    }

    func close() {
        if self.output.isReady {
            try? self.writeFinished()
            // What was typed and not sent stays to be seen, and the shell's prompt gets a line of its own.
            try? self.write((self.editor.isEmpty ? InputRow.clear : "\n") + Terminal.pasteMarksOff)
        }
        self.terminal.close(dropsInput: true)
    }

    /// Gives the terminal back for as long as the program is stopped.
    func suspend(_ stop: () -> Void) throws(OutputError) {
        try self.write(InputRow.clear + Terminal.pasteMarksOff)
        self.terminal.close()
        stop()
        try self.reopen()
    }

    /// Takes the terminal over again after the program was stopped, if it has come to the front.
    func reopen() throws(OutputError) {
        guard self.terminal.isInForeground else { return }
        self.terminal.open()
        self.columns = self.terminal.columns
        self.row = InputRow(self.editor.characters, cursor: self.editor.cursor, columns: self.columns)
        try self.write(Terminal.pasteMarksOn)
        try self.draw()
    }

    /// Leaves the finished lines on the screen, whole.
    private func writeFinished() throws(OutputError) {
        guard !self.finished.isEmpty else { return }
        let lines = PipeFrontEnd.lines(self.finished.map { Array($0.utf8) })
        self.finished.removeAll()
        self.row = InputRow([], cursor: 0, columns: self.columns)
        try self.output.write(Array(InputRow.clear.utf8) + lines)
    }

    private func draw() throws(OutputError) { try self.write(self.row.drawn) }

    private func write(_ text: String) throws(OutputError) { try self.output.write(text) }
}
