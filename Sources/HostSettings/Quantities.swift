// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// A whole number: `10000`, `10_000`.
struct Count: CustomStringConvertible {
    var value: Int

    init(_ value: Int) { self.value = value }

    /// Reads what a person wrote; the refusal says how to write it.
    static func parse(_ text: String, in range: ClosedRange<Int> = 1...Int(Int32.max)) throws(Refusal) -> Count {
        // Underscores stand between digits, as in Lua and Swift sources.
        let digits = text.split(separator: "_", omittingEmptySubsequences: false)
        guard digits.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { 0x30...0x39 ~= $0 } }),
            let value = Int(digits.joined()), range.contains(value)
        else {
            throw Refusal("'\(text)' is no whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return Count(value)
    }

    var description: String { "\(self.value)" }
}

/// A number of bytes: `65536`, `64KiB`, `1MiB`, `1GiB`.
struct ByteCount: CustomStringConvertible {
    /// Buffers hold no more than this.
    private static let most = 1 << 30
    private static let units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1), ("", 1)]

    var value: Int

    init(_ value: Int) { self.value = value }

    /// Reads what a person wrote; the refusal says how to write it.
    static func parse(_ text: String) throws(Refusal) -> ByteCount {
        guard let value = Self.value(of: text) else {
            throw Refusal("'\(text)' is no size from 1 to 1GiB, like 65536, 64KiB or 1MiB")
        }
        return ByteCount(value)
    }

    private static func value(of text: String) -> Int? {
        for (unit, factor) in Self.units where text.hasSuffix(unit) {
            let digits = text.dropLast(unit.count)
            guard digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let number = Int(digits), number > 0 else {
                return nil
            }
            let (value, overflows) = number.multipliedReportingOverflow(by: factor)
            return overflows || value > Self.most ? nil : value
        }
        return nil
    }

    var description: String {
        for (unit, factor) in Self.units where self.value % factor == 0 { return "\(self.value / factor)\(unit)" }
        return "\(self.value)"
    }
}

/// A length of time: `50ms`, `2s`, `5m`, `24h`.
struct TimeSpan: CustomStringConvertible {
    private static let units: [(name: String, milliseconds: Int)] = [
        ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    var value: Duration

    init(_ value: Duration) { self.value = value }

    /// Reads what a person wrote; the refusal says how to write it.
    static func parse(_ text: String) throws(Refusal) -> TimeSpan {
        guard let value = Self.value(of: text) else {
            throw Refusal("'\(text)' is no time from 1ms to a year, like 50ms, 2s, 5m or 24h")
        }
        return TimeSpan(value)
    }

    private static func value(of text: String) -> Duration? {
        for unit in Self.units where text.hasSuffix(unit.name) {
            let digits = text.dropLast(unit.name.count)
            guard digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 || $0 == UInt8(ascii: ".") }), let number = Double(digits)
            else { continue }
            let seconds = number * Double(unit.milliseconds) / 1_000
            return (0.001...366 * 86_400).contains(seconds) ? .seconds(seconds) : nil
        }
        return nil
    }

    var description: String {
        let milliseconds =
            self.value.components.seconds * 1_000 + self.value.components.attoseconds / 1_000_000_000_000_000
        // Minutes are told as seconds: up to hours that is as easy to read.
        if milliseconds % 3_600_000 == 0 { return "\(milliseconds / 3_600_000)h" }
        return milliseconds % 1_000 == 0 ? "\(milliseconds / 1_000)s" : "\(milliseconds)ms"
    }
}
