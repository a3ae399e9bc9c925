// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CSockets

/// Waits for a descriptor to be ready.
///
/// Confined to its loop.
public protocol DescriptorSource: AnyObject {
    /// Notes what the descriptor is ready for; the work itself belongs into the tick that follows.
    func descriptorReady(_ state: DescriptorState)
}

/// What a descriptor is waited for, or is ready for.
public struct DescriptorState: OptionSet, Sendable {
    /// The bits.
    public let rawValue: UInt32
    /// Makes a set of its bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Something can be read, or the other side has ended its input.
    public static let readable = DescriptorState(rawValue: UInt32(CSOCKETS_READABLE))
    /// There is room to write.
    public static let writable = DescriptorState(rawValue: UInt32(CSOCKETS_WRITABLE))
    /// Both directions have ended, or an error waits; reported whether or not it is waited for.
    public static let hungUp = DescriptorState(rawValue: UInt32(CSOCKETS_HUNG_UP))
}
