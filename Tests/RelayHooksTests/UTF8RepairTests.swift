// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Testing

@testable import RelayHooks

/// Repaired texts are those of the standard library.
@Suite struct UTF8RepairTests {
    private func repaired(_ bytes: [UInt8]) -> [UInt8] { bytes.withUnsafeBytes { UTF8Repair.repaired($0) } }

    @Test func `every pair and every third byte behind a few is repaired as the standard library does`() {
        var texts: [[UInt8]] = [[]]
        for first in UInt8.min...UInt8.max {
            texts.append([first])
            for second: UInt8 in [0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xE0, 0xF0, 0xFF] {
                texts.append([first, second, 0x41])
                for third: UInt8 in [0x41, 0x80, 0xBF, 0xC2] { texts.append([first, second, third, 0x80, 0x61]) }
            }
        }
        #expect(texts.filter { self.repaired($0) != Array(String(decoding: $0, as: UTF8.self).utf8) } == [])
    }

    @Test func `so is what chance makes of bytes that often stand in UTF-8`() {
        var generator = SystemRandomNumberGenerator()
        let bytes: [UInt8] = [0x41, 0x80, 0x9F, 0xA0, 0xBF, 0xC3, 0xE0, 0xE2, 0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF]
        for _ in 0..<2_000 {
            let text = (0..<Int.random(in: 0...20, using: &generator))
                .map { _ in bytes.randomElement(using: &generator) ?? 0 }
            #expect(self.repaired(text) == Array(String(decoding: text, as: UTF8.self).utf8), "\(text)")
        }
    }
}
