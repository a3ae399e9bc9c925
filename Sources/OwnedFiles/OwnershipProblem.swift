// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#if canImport(Glibc)
internal import Glibc
#endif

/// Why a file or folder is not used: the system's reason, or that other users could change or read it.
public struct OwnershipProblem: Error, Equatable, CustomStringConvertible {
    /// The system's error number; `EPERM` for what only this program refuses.
    public let code: CInt
    /// The reason and what to do, to stand behind the file's name and a colon.
    public let reason: String

    /// The same.
    public var description: String { self.reason }

    init(code: CInt, _ reason: String? = nil) {
        self.code = code
        self.reason = reason ?? String(cString: strerror(code))
    }

    /// It belongs to somebody else.
    init(owner: UInt32) {
        self.init(
            code: EPERM,
            "it belongs to another user (uid \(owner), this program runs as \(geteuid())); change its owner with chown"
        )
    }

    /// Others may write to it.
    init(mode: UInt32) {
        self.init(
            code: EPERM,
            "its group or others may write to it (mode 0\(String(mode & 0o7777, radix: 8))); take that away with chmod go-w"
        )
    }
}
