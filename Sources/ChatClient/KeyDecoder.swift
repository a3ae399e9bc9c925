// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Turns a terminal's bytes into keys, whatever pieces they arrive in.
///
/// Knows UTF-8, the control keys of Emacs and readline, the sequences of ECMA-48 and xterm, and bracketed paste, within
/// which nothing but line ends is a key.
struct KeyDecoder {
    private enum State {
        case ground
        case escape
        /// After ESC O.
        case singleShift
        /// Within a control sequence: its parameter bytes so far.
        case sequence([UInt8])
    }

    /// Parameters that no terminal sends; a sequence this long is garbage.
    private static let longestSequence = 32

    private var state = State.ground
    private var isPasting = false
    private var lastWasReturn = false
    private var character: [UInt8] = []
    private var keys: [Key] = []
    private var text = ""

    /// Takes bytes and returns the keys that they complete.
    mutating func take(_ bytes: some Sequence<UInt8>) -> [Key] {
        for byte in bytes { self.take(byte) }
        self.endText()
        defer { self.keys.removeAll() }
        return self.keys
    }

    private mutating func take(_ byte: UInt8) {
        switch self.state {
        case .ground: self.takePlain(byte)
        case .escape: self.takeEscaped(byte)
        case .singleShift:
            self.state = .ground
            self.emit(Self.cursorKey(byte, isWord: false))
        case .sequence(let parameters):
            switch byte {
            case 0x20..<0x40 where parameters.count < Self.longestSequence: self.state = .sequence(parameters + [byte])
            case 0x1B: self.state = .escape
            case 0..<0x20:
                // A control key ends what was no sequence.
                self.state = .ground
                self.takePlain(byte)
            default:
                self.state = .ground
                if byte >= 0x40 { self.takeSequence(parameters, final: byte) }
            }
        }
    }

    // MARK: Text

    private mutating func takePlain(_ byte: UInt8) {
        if byte >= 0x80 { return self.takeCharacter(byte) }
        self.endCharacter()
        let afterReturn = self.lastWasReturn
        self.lastWasReturn = byte == 0x0D
        switch byte {
        case 0x1B: self.state = .escape
        // A pasted CR LF is one line end.
        case 0x0A: if !afterReturn { self.emit(.enter) }
        case 0x0D: self.emit(.enter)
        case 0x20..<0x7F: self.text.unicodeScalars.append(Unicode.Scalar(byte))
        case 0x09: self.text.append("\t")
        default:
            // Ctrl-C is the way out of a paste that never ends.
            if self.isPasting, byte != 0x03 {
                self.text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                self.emit(Self.controlKey(byte))
            }
        }
    }

    /// Collects a character of several bytes; what is no UTF-8 becomes U+FFFD.
    private mutating func takeCharacter(_ byte: UInt8) {
        self.lastWasReturn = false
        if byte >= 0xC0 { self.endCharacter() }
        self.character.append(byte)
        if self.character.count == 4 || TextSplitter.unfinished(self.character[...]) == 0 { self.endCharacter() }
    }

    private mutating func endCharacter() {
        guard !self.character.isEmpty else { return }
        self.text += String(decoding: self.character, as: UTF8.self)
        self.character.removeAll()
    }

    private mutating func endText() {
        guard !self.text.isEmpty else { return }
        self.keys.append(.text(self.text))
        self.text = ""
    }

    private mutating func emit(_ key: Key?) {
        guard let key else { return }
        self.endText()
        self.keys.append(key)
    }

    // MARK: Sequences

    private mutating func takeEscaped(_ byte: UInt8) {
        self.state = .ground
        switch byte {
        case UInt8(ascii: "["): self.state = .sequence([])
        case UInt8(ascii: "O"): self.state = .singleShift
        case 0x1B: self.state = .escape
        // Escape was a key of its own.
        case 0..<0x20, 0x80...: self.takePlain(byte)
        case _ where self.isPasting: break
        case UInt8(ascii: "b"): self.emit(.wordLeft)
        case UInt8(ascii: "f"): self.emit(.wordRight)
        case UInt8(ascii: "d"): self.emit(.deleteWordRight)
        case 0x7F: self.emit(.deleteWordLeft)
        default: break
        }
    }

    private mutating func takeSequence(_ parameters: [UInt8], final: UInt8) {
        let numbers = String(decoding: parameters, as: UTF8.self)
            .split(separator: ";", omittingEmptySubsequences: false)
            .map { Int(UInt16($0) ?? 0) }
        if final == UInt8(ascii: "~") {
            switch numbers.first {
            case 200: self.isPasting = true
            case 201:
                self.isPasting = false
                self.lastWasReturn = false
            case _ where self.isPasting: break
            case 1, 7: self.emit(.home)
            case 3: self.emit(.delete)
            case 4, 8: self.emit(.end)
            default: break
            }
        } else if !self.isPasting {
            // The second number is one more than the sum of Shift 1, Alt 2 and Ctrl 4.
            self.emit(Self.cursorKey(final, isWord: numbers.count > 1 && (max(1, numbers[1]) - 1) & 0b110 != 0))
        }
    }

    private static func cursorKey(_ final: UInt8, isWord: Bool) -> Key? {
        switch final {
        case UInt8(ascii: "A"): .up
        case UInt8(ascii: "B"): .down
        case UInt8(ascii: "C"): isWord ? .wordRight : .right
        case UInt8(ascii: "D"): isWord ? .wordLeft : .left
        case UInt8(ascii: "H"): .home
        case UInt8(ascii: "F"): .end
        default: nil
        }
    }

    private static func controlKey(_ byte: UInt8) -> Key? {
        switch byte {
        case 0x01: .home
        case 0x02: .left
        case 0x03: .interrupt
        case 0x04: .endOfInput
        case 0x05: .end
        case 0x06: .right
        case 0x08, 0x7F: .backspace
        case 0x0B: .deleteToEnd
        case 0x0C: .redraw
        case 0x0E: .down
        case 0x10: .up
        case 0x15: .deleteToHome
        case 0x17: .deleteWordLeft
        case 0x19: .yank
        case 0x1A: .suspend
        default: nil
        }
    }
}
