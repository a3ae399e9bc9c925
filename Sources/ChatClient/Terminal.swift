// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CTerminal

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
    /// Whether the keyboard is this program's.
    private(set) var isOpen = false

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
        // In the background the terminal is somebody else's; it is opened once this program comes to the front.
        guard self.isInForeground, tcgetattr(self.input, &mode) == 0 else { return }
        self.isOpen = true
        if self.saved == nil { self.saved = mode }
        // Should a signal end the program, the keyboard is given back all the same.
        if var saved = self.saved { cterminal_hold(self.input, &saved) }
        self.hasSignals = false
        mode.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG | IEXTEN)
        // Ctrl-S must not stop a program that has to answer Ctrl-C itself; Enter must arrive as it is.
        mode.c_iflag &= ~tcflag_t(ICRNL | INLCR | IGNCR | IXON | ISTRIP)
        withUnsafeMutableBytes(of: &mode.c_cc) { characters in
            characters[Int(VMIN)] = 1
            characters[Int(VTIME)] = 0
        }
        self.set(&mode)
    }

    /// Whether Ctrl-C and its like are signals at once, instead of keys in their order: for as long as keys are not read.
    func signals(_ isOn: Bool) {
        var mode = termios()
        guard self.isOpen, isOn != self.hasSignals, tcgetattr(self.input, &mode) == 0 else { return }
        self.hasSignals = isOn
        if isOn { mode.c_lflag |= tcflag_t(ISIG) } else { mode.c_lflag &= ~tcflag_t(ISIG) }
        self.set(&mode)
    }

    /// Gives the keyboard back as it was.
    ///
    /// - Parameter dropsInput: Whether keys that were not read are forgotten: the rest of a paste must not become
    ///   commands of a shell.
    func close(dropsInput: Bool = false) {
        guard self.isOpen, var mode = self.saved else { return }
        self.isOpen = false
        self.set(&mode)
        if dropsInput { tcflush(self.input, TCIFLUSH) }
        cterminal_hold(self.input, nil)
    }

    /// Whether it may be.
    var isInForeground: Bool { tcgetpgrp(self.input) == getpgrp() }

    /// Sets the mode at once: waiting for a terminal that nobody reads would never end.
    private func set(_ mode: inout termios) {
        while tcsetattr(self.input, TCSANOW, &mode) != 0, errno == EINTR {}
    }

    /// How wide the terminal is now.
    var columns: Int {
        var size = winsize()
        guard ioctl(self.output, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
