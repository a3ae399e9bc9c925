// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import RelayCore

/// How the bytes of a TCP connection are cut into texts, and how texts are wrapped for it.
public enum WireFormat: String, Sendable, CaseIterable {
    /// Each read is a text until the first `\n`; lines are texts from there on, in both directions.
    case auto
    /// Lines are texts: `\n` or `\r\n` ends one, an empty one is none, an unfinished one is none either.
    case line
    /// Each read is a text.
    case raw
    /// Each text comes behind its length: four bytes, the most significant one first. One of length 0 is none.
    case length

    /// How texts to a new client are wrapped.
    public var encoding: WireEncoding {
        switch self {
        case .auto, .raw: .raw
        case .line: .line
        case .length: .length
        }
    }
}
