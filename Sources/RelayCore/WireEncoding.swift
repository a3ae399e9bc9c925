// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Wraps texts as one wire format wants them.
///
/// A conforming type has no values. Its metatype says which format it is, and is copied without counting references, so a
/// client's encoding costs nothing to pass around.
public protocol TextEncoder: SendableMetatype {
    /// What scripts read as `client.framing`.
    static var name: String { get }
    /// Appends a text; called once for each lane that the text goes to, whatever the number of members.
    static func append(_ text: UnsafeRawBufferPointer, to buffer: TickBuffer)
}

/// How texts to a client are wrapped on the wire.
///
/// Opaque to the hub, which only compares encodings: the clients of a room that share one share its bytes. The target
/// `WireFormats` has the encodings that there are.
public struct WireEncoding: Sendable {
    private let encoder: any TextEncoder.Type
    /// The longest text that it carries, in bytes; clients miss longer ones.
    public let textLimit: Int

    /// Makes an encoding.
    ///
    /// - Parameters:
    ///   - encoder: What wraps the texts.
    ///   - textLimit: The longest text, in bytes.
    public init(_ encoder: any TextEncoder.Type, textLimit: Int = .max) {
        self.encoder = encoder
        self.textLimit = textLimit
    }

    /// What scripts read as `client.framing`.
    public var name: String { self.encoder.name }

    /// Appends a text as this encoding wraps it, and returns where it stands.
    ///
    /// The text may be longer than ``textLimit``: who asks has looked at that.
    @discardableResult
    public func append(_ text: UnsafeRawBufferPointer, to buffer: TickBuffer) -> Range<Int> {
        let start = buffer.count
        self.encoder.append(text, to: buffer)
        return start..<buffer.count
    }
}

extension WireEncoding: Hashable {
    /// Whether the same encoder wraps texts up to the same limit.
    public static func == (one: WireEncoding, other: WireEncoding) -> Bool {
        one.encoder == other.encoder && one.textLimit == other.textLimit
    }

    /// Feeds what ``==(_:_:)`` compares.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(ObjectIdentifier(self.encoder))
        hasher.combine(self.textLimit)
    }
}
