// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// A flat JSON object on one line (RFC 8259), with nothing in it that a terminal would obey.
enum JSONLine {
    /// Fields in their order; a key that comes again is written once, with its first value.
    static func object(_ fields: [(String, String)]) -> String {
        var line = "{"
        var seen: Set<String> = []
        for (key, value) in fields where seen.insert(key).inserted {
            if line.count > 1 { line += "," }
            line += "\(self.string(key)):\(self.string(value))"
        }
        return line + "}"
    }

    private static func string(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return LineEscaping.escapedJSON(quoted) + "\""
    }
}
