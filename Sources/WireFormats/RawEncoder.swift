// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import RelayCore

/// Sends texts as they are.
enum RawEncoder: TextEncoder {
    static var name: String { "raw" }

    static func append(_ text: UnsafeRawBufferPointer, to buffer: TickBuffer) { buffer.append(text) }
}
