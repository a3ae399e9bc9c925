// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// What tests of scripts came to.
public struct ScriptTestReport: Sendable, Equatable {
    /// One test.
    public struct Entry: Sendable, Equatable {
        /// The file it stands in.
        public var file: String
        /// The line of its `test`.
        public var line: Int
        /// What it is called.
        public var name: String
        /// Why it failed; nil if it passed.
        public var failure: Failure?
    }

    /// Why a test failed.
    public struct Failure: Sendable, Equatable {
        /// The file and line where an expectation was not met, or an error arose.
        public var place: String
        /// What is wrong, in a line.
        public var reason: String
        /// What was expected and what was there: lines with `-` were missing, lines with `+` came in place of them.
        public var difference: [String] = []
    }

    /// All tests, in the order in which they ran.
    public var tests: [Entry] = []

    /// How many failed.
    public var failed: Int { self.tests.count { $0.failure != nil } }

    /// For people: a line a test, and below each that failed, why.
    public var lines: [String] {
        var lines: [String] = []
        var file: String?
        for test in self.tests {
            if test.file != file {
                file = test.file
                lines.append(test.file)
            }
            lines.append("  \(test.failure == nil ? "ok  " : "FAIL") \(test.name)")
            guard let failure = test.failure else { continue }
            lines.append("       \(failure.place): \(failure.reason)")
            lines += failure.difference.map { "         " + $0 }
        }
        let count = self.tests.count
        lines.append(
            "\(count) test\(count == 1 ? "" : "s"), \(self.failed == 0 ? "all passed" : "\(self.failed) failed")"
        )
        return lines
    }

    /// For programs: the Test Anything Protocol, version 14 (testanything.org).
    public var tapLines: [String] {
        var lines = ["TAP version 14", "1..\(self.tests.count)"]
        for (index, test) in self.tests.enumerated() {
            // What a description must not have as it is: the sign that a directive follows, and its escape.
            let name = "\(test.file): \(test.name)"
                .replacing("\\", with: "\\\\")
                .replacing("#", with: "\\#")
                .replacing("\n", with: " ")
            lines.append("\(test.failure == nil ? "ok" : "not ok") \(index + 1) - \(name)")
            guard let failure = test.failure else { continue }
            lines.append("  ---")
            lines.append("  at: \(Self.quoted(failure.place))")
            lines.append("  message: \(Self.quoted(failure.reason))")
            if !failure.difference.isEmpty {
                lines.append("  difference:")
                lines += failure.difference.map { "    - \(Self.quoted($0))" }
            }
            lines.append("  ...")
        }
        return lines
    }

    /// A text as YAML takes it whatever is in it.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case let scalar where scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value):
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result += "\\x" + (digits.count < 2 ? "0" : "") + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

extension ScriptTestReport.Failure {
    /// A failure to see what was expected, line by line.
    init(place: String, reason: String, expected: [String], actual: [String]) {
        self.init(place: place, reason: reason)
        let changes = actual.difference(from: expected, by: { $0.utf8.elementsEqual($1.utf8) })
        var removed: Set<Int> = []
        var inserted: Set<Int> = []
        for change in changes {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): inserted.insert(offset)
            }
        }
        var (left, right) = (0, 0)
        while left < expected.count || right < actual.count {
            if left < expected.count, removed.contains(left) {
                self.difference.append("- " + expected[left])
                left += 1
            } else if right < actual.count, inserted.contains(right) {
                self.difference.append("+ " + actual[right])
                right += 1
            } else {
                self.difference.append("  " + expected[left])
                left += 1
                right += 1
            }
        }
    }
}
