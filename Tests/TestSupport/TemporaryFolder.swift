// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation

/// A folder that is removed after the test.
package struct TemporaryFolder {
    package let path: String

    package init(_ files: [String: String]) throws {
        self.path = NSTemporaryDirectory() + "luar-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: self.path + "/lib", withIntermediateDirectories: true)
        for (name, text) in files {
            let place = URL(fileURLWithPath: "\(self.path)/\(name)")
            try FileManager.default.createDirectory(
                at: place.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(text.utf8).write(to: place)
        }
    }

    package func remove() { try? FileManager.default.removeItem(atPath: self.path) }
}
