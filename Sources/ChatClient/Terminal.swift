// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#if canImport(Glibc)
internal import Glibc
#endif

/// The terminal's mode and size.
///
/// While it is open, keys arrive one by one, unechoed, Ctrl-C among them, and pastes are marked.
final class Terminal {
    private let input: CInt
    private let output: CInt
    private var saved: termios?
    private var hasSignals = false

    init(input: CInt, output: CInt) {
        self.input = input
        self.output = output
    }

    /// Whether a chat can be drawn here: both ends are a terminal that can move its cursor.
    static func isUsable(input: CInt, output: CInt, type: String?) -> Bool {
        guard let type, !type.isEmpty, type != "dumb" else { return false }
        return isatty(input) == 1 && isatty(output) == 1
    }

    /// What switches marks around pastes on and off.
    static let pasteMarksOn = "\u{1B}[?2004h"
    static let pasteMarksOff = "\u{1B}[?2004l"

    /// Takes over the keyboard.
    func open() {
        var mode = termios()
        guard tcgetattr(self.input, &mode) == 0 else { return }
        if self.saved == nil { self.saved = mode }
        self.hasSignals = false
        mode.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG | IEXTEN)
        // Ctrl-S must not stop a program that has to answer Ctrl-C itself; Enter must arrive as it is.
        mode.c_iflag &= ~tcflag_t(ICRNL | INLCR | IGNCR | IXON | ISTRIP)
        withUnsafeMutableBytes(of: &mode.c_cc) { characters in
            characters[Int(VMIN)] = 1
            characters[Int(VTIME)] = 0
        }
        self.set(&mode, TCSADRAIN)
    }

    /// Whether Ctrl-C and its like are signals at once, instead of keys in their order: for as long as keys are not read.
    func signals(_ isOn: Bool) {
        var mode = termios()
        guard isOn != self.hasSignals, tcgetattr(self.input, &mode) == 0 else { return }
        self.hasSignals = isOn
        if isOn { mode.c_lflag |= tcflag_t(ISIG) } else { mode.c_lflag &= ~tcflag_t(ISIG) }
        self.set(&mode, TCSANOW)
    }

    /// Gives the keyboard back as it was.
    ///
    /// - Parameter dropsInput: Whether keys that were not read are forgotten: the rest of a paste must not become
    ///   commands of a shell.
    func close(dropsInput: Bool = false) {
        guard var mode = self.saved else { return }
        self.set(&mode, dropsInput ? TCSAFLUSH : TCSADRAIN)
    }

    /// Sets the mode, whatever signals arrive while what was printed drains.
    private func set(_ mode: inout termios, _ when: CInt) {
        while tcsetattr(self.input, when, &mode) != 0, errno == EINTR {}
    }

    /// How wide the terminal is now.
    var columns: Int {
        var size = winsize()
        guard ioctl(self.output, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
