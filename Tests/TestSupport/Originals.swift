// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation

/// The original's programs, as they were printed, but for the port.
package enum Originals {
    /// A program's text, with a port of the test's own.
    package static func text(_ name: String, port: Int) throws -> String {
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Originals/\(name)")
        return try String(contentsOf: source, encoding: .utf8).replacingOccurrences(of: "PORT", with: "\(port)")
    }
}
