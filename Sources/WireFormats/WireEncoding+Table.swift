// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import RelayCore

/// The encodings that there are.
extension WireEncoding {
    /// The texts alone, one after the other, as the original Python server sends them.
    public static var raw: WireEncoding { WireEncoding(RawEncoder.self) }
    /// A `\n` after each text; a line break inside a text is sent as a space, so that nobody can forge a message.
    public static var line: WireEncoding { WireEncoding(LineEncoder.self) }
    /// Each text behind its length, four bytes, the most significant one first.
    public static var length: WireEncoding { WireEncoding(LengthEncoder.self, textLimit: Int(UInt32.max)) }
    /// A datagram for each text, without anything added; an empty text is none.
    ///
    /// A tick's bytes are ``DatagramTexts``.
    ///
    /// - Parameter limit: The longest text, in bytes.
    /// - Returns: The encoding.
    public static func datagram(limit: Int) -> WireEncoding { WireEncoding(DatagramEncoder.self, textLimit: limit) }
    /// Texts for clients in memory, as ``DatagramTexts`` reads them.
    ///
    /// To scripts they look like clients with ``length``, whose texts have no limit and may have line breaks, too.
    public static var memory: WireEncoding { WireEncoding(MemoryEncoder.self) }
}
