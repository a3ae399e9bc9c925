// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Finds what somebody may have meant by a name that does not exist.
public enum Suggestion {
    /// The closest of the known names, as the end of an error text; the whole list where none is close.
    public static func phrase(for name: String, among known: [String]) -> String {
        self.closest(to: name, among: known).map { "did you mean '\($0)'?" }
            ?? "known: \(known.sorted().joined(separator: " "))"
    }

    /// The one of the known names that was probably meant, if any is close.
    public static func closest(to name: String, among known: [String]) -> String? {
        // Longer names are nobody's typing mistake.
        guard name.utf8.count <= 64 else { return nil }
        let ranked = known.map { (name: $0, distance: Self.distance(name, $0)) }
            .min { ($0.distance, $0.name) < ($1.distance, $1.name) }
        if let best = ranked, best.distance <= max(1, name.count / 3) { return best.name }
        if name.count >= 3, let start = known.sorted().first(where: { $0.hasPrefix(name) || name.hasPrefix($0) }) {
            return start
        }
        return nil
    }

    /// The optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
    static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.utf8.prefix(64))
        let right = Array(right.utf8.prefix(64))
        var before: [Int] = []
        var previous = Array(0...right.count)
        for (row, byte) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var cost = min(previous[column + 1], current[column]) + 1
                cost = min(cost, previous[column] + (byte == other ? 0 : 1))
                if row > 0, column > 0, byte == right[column - 1], left[row - 1] == other {
                    cost = min(cost, before[column - 1] + 1)
                }
                current.append(cost)
            }
            before = previous
            previous = current
        }
        return previous[right.count]
    }
}
