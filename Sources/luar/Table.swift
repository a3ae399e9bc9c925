// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LineOutput

/// Rows of text in columns as wide as their widest entry on a terminal; the first row is the heading.
struct Table {
    var rows: [[String]]

    init(_ heading: String...) { self.rows = [heading] }

    /// Adds a row; cells that it lacks at its end are empty.
    mutating func add(_ cells: String...) {
        let missing = (self.rows.first?.count ?? 0) - cells.count
        self.rows.append(cells + Array(repeating: "", count: max(0, missing)))
    }

    /// The table, a line each row; what would control a terminal is shown instead.
    var text: String {
        let rows = self.rows.map { $0.map { LineEscaping.escaped($0) } }
        let widths = (rows.first ?? []).indices.map { column in rows.map { TerminalWidth.of($0[column]) }.max() ?? 0 }
        return
            rows.map { row in
                // Nothing follows the last cell that is not empty.
                let used = row.prefix((row.lastIndex { !$0.isEmpty } ?? -1) + 1)
                let padded = zip(used.dropLast(), widths)
                    .map { cell, width in cell + String(repeating: " ", count: width - TerminalWidth.of(cell) + 2) }
                return padded.joined() + (used.last ?? "") + "\n"
            }
            .joined()
    }
}
