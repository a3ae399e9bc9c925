// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

extension MessageDecoder {
    mutating func nextLine(_ body: (UnsafeRawBufferPointer) -> Void) -> Step {
        guard let end = self.pending.firstNewline(from: self.searched, within: self.pending.count) else {
            return self.waitForNewline()
        }
        self.searched = 0
        if self.isSkipping {
            self.isSkipping = false
            self.pending.drop(end + 1)
            return .skipped
        }
        let hasReturn = end > 0 && self.pending.byte(at: end - 1) == UInt8(ascii: "\r")
        let length = hasReturn ? end - 1 : end
        if length == 0 {
            self.pending.drop(end + 1)
            return .skipped
        }
        if length > self.limit {
            self.pending.drop(end + 1)
            return .found(.tooLong)
        }
        return .found(self.pop(length, ending: end + 1 - length, body))
    }

    /// Takes an unfinished line as a text.
    mutating func finishLine(_ body: (UnsafeRawBufferPointer) -> Void) -> Event? {
        self.searched = 0
        // After a pause, what comes is a new line, even if the one before was too long: nobody goes mute.
        self.isSkipping = false
        let total = self.pending.count
        guard total > 0 else { return nil }
        let length = self.pending.byte(at: total - 1) == UInt8(ascii: "\r") ? total - 1 : total
        guard length > 0, length <= self.limit else {
            self.dropAll()
            return length > 0 ? .tooLong : nil
        }
        return self.pop(length, ending: total - length, body)
    }

    private mutating func waitForNewline() -> Step {
        self.searched = self.pending.count
        // One more byte than the limit may be the return of "\r\n".
        guard self.isSkipping || self.pending.count > self.limit + 1 else { return .incomplete }
        let wasSkipping = self.isSkipping
        self.isSkipping = true
        self.dropAll()
        return wasSkipping ? .incomplete : .found(.tooLong)
    }
}
