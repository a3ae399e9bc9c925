// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Makes a line safe to print on a terminal: what would control it is shown instead.
public enum LineEscaping {
    /// Appends a line to `output`: control characters (C0, DEL, C1) and characters that reorder text or break lines as
    /// `\n`, `\t`, `\x1B` or `\u{202E}`, bytes that are not UTF-8 as `\xFF`, everything else as it is.
    public static func append(_ line: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        if line.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) {
            output.append(contentsOf: line)
            return
        }
        var decoder = Unicode.UTF8.ForwardParser()
        var bytes = line.makeIterator()
        var position = 0
        while true {
            switch decoder.parseScalar(from: &bytes) {
            case .valid(let encoded):
                self.append(Unicode.UTF8.decode(encoded), encoded: encoded, to: &output)
                position += encoded.count
            case .error(let length):
                for byte in line[position..<position + length] { output.append(contentsOf: self.hex(byte).utf8) }
                position += length
            case .emptyInput: return
            }
        }
    }

    /// JSON of several lines as it may be shown: what would control a terminal can only stand in its strings, and is
    /// written there as `\u202e`.
    public static func escapedJSON(_ json: String) -> String {
        var shown = ""
        for scalar in json.unicodeScalars {
            if scalar != "\n", self.isShown(scalar) {
                let digits = String(scalar.value, radix: 16)
                shown += "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }

    /// A text as it may be shown in one line.
    public static func escaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        Array(text.utf8).withUnsafeBytes { self.append($0, to: &bytes) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends one character, shown if it would control the terminal.
    static func append(_ scalar: Unicode.Scalar, to output: inout [UInt8]) {
        guard let encoded = Unicode.UTF8.encode(scalar) else { return }
        self.append(scalar, encoded: encoded, to: &output)
    }

    private static func append(
        _ scalar: Unicode.Scalar,
        encoded: Unicode.UTF8.EncodedScalar,
        to output: inout [UInt8]
    ) {
        switch scalar.value {
        case 0x0A: output.append(contentsOf: #"\n"#.utf8)
        case 0x0D: output.append(contentsOf: #"\r"#.utf8)
        case 0x09: output.append(contentsOf: #"\t"#.utf8)
        case 0..<0x20, 0x7F: output.append(contentsOf: self.hex(UInt8(scalar.value)).utf8)
        default:
            if self.isShown(scalar) {
                output.append(contentsOf: #"\u{\#(String(scalar.value, radix: 16, uppercase: true))}"#.utf8)
            } else {
                output.append(contentsOf: encoded)
            }
        }
    }

    /// Whether a character is shown in words, because it would control the terminal: C0 and C1 controls, DEL, line and
    /// paragraph separators, and what changes the direction of text (Unicode TR 36).
    public static func isShown(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0x061C: true
        default: false
        }
    }

    private static func hex(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return #"\x"# + (digits.count == 1 ? "0" : "") + digits
    }
}
