// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation

/// Shows what hooks cost.
enum CPUTime {
    /// A time in microseconds, with its unit; `-` for none.
    static func text(_ microseconds: Double?) -> String {
        guard let microseconds else { return "-" }
        return microseconds < 1_000
            ? String(format: "%.1f µs", microseconds) : String(format: "%.1f ms", microseconds / 1_000)
    }
}
