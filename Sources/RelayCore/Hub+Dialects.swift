// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

extension Hub {
    /// How many dialects have a number, the plain one among them.
    public var dialectCount: Int { self.dialectNames.count }

    /// Forgets the dialects that were numbered last, so that others may have their numbers.
    ///
    /// No client may use one of them.
    ///
    /// - Parameter count: How many dialects stay.
    public func forgetDialects(beyond count: Int) {
        while self.dialectNames.count > max(1, count) {
            self.dialects[ExactString(self.dialectNames.removeLast().string)] = nil
        }
    }
}
