// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

extension MessageDecoder {
    /// Looks at the frame that the bytes begin with: four bytes of length, the most significant one first, and the text.
    mutating func nextFrame(_ body: (UnsafeRawBufferPointer) -> Void) -> Step {
        if self.skippedBytes > 0 {
            let count = min(self.skippedBytes, self.pending.count)
            self.skippedBytes -= count
            self.pending.drop(count)
            return .skipped
        }
        guard self.pending.count >= LengthEncoder.headerBytes else { return .incomplete }
        let length = self.pending.withBytes { Int(UInt32(bigEndian: $0.loadUnaligned(as: UInt32.self))) }
        guard length > 0, length <= self.limit else {
            self.pending.drop(LengthEncoder.headerBytes)
            self.skippedBytes = length
            return length > 0 ? .found(.tooLong) : .skipped
        }
        guard self.pending.count - LengthEncoder.headerBytes >= length else { return .incomplete }
        self.pending.drop(LengthEncoder.headerBytes)
        return .found(self.pop(length, ending: 0, body))
    }
}
