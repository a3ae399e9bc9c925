// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation

#if canImport(Glibc)
import Glibc
#endif

/// A file system in memory of a test's own, where the test may mount one.
package struct SmallDisk {
    package let path: String

    /// Mounts it; nil where that is not allowed.
    package init?(kilobytes: Int = 128) {
        self.path = NSTemporaryDirectory() + "luar-test-disk-" + UUID().uuidString
        guard mkdir(self.path, 0o700) == 0 else { return nil }
        guard mount("none", self.path, "tmpfs", 0, "size=\(kilobytes)k") == 0 else {
            rmdir(self.path)
            return nil
        }
    }

    /// Whether this process may mount one.
    package static let mayMount: Bool = {
        guard let disk = SmallDisk() else { return false }
        disk.remove()
        return true
    }()

    /// Takes all the room.
    package func fill() {
        let file = open(self.path + "/ballast", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        let block = [UInt8](repeating: 0, count: 1_024)
        while write(file, block, block.count) > 0 {}
        close(file)
    }

    /// Gives the room back.
    package func free() { unlink(self.path + "/ballast") }

    package func remount(isReadOnly: Bool) -> Bool {
        mount("none", self.path, "tmpfs", UInt(MS_REMOUNT) | (isReadOnly ? UInt(MS_RDONLY) : 0), nil) == 0
    }

    package func remove() {
        umount2(self.path, CInt(MNT_DETACH))
        rmdir(self.path)
    }
}
