// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#if canImport(Glibc)
internal import Glibc
#endif

/// A key of a state: integers come before strings, and 1 is not "1".
public enum StateKey: Sendable, Hashable, Comparable {
    /// A number of Lua's integer subtype.
    case integer(Int64)
    /// A string of any bytes.
    case bytes([UInt8])

    /// Integers by their value, then strings byte by byte.
    public static func < (left: StateKey, right: StateKey) -> Bool {
        switch (left, right) {
        case (.integer(let left), .integer(let right)): left < right
        case (.bytes(let left), .bytes(let right)): left.precedes(right)
        case (.integer, .bytes): true
        case (.bytes, .integer): false
        }
    }

    var size: Int {
        guard case .bytes(let bytes) = self else { return StateLimits.numberBytes }
        return bytes.count
    }
}

extension [UInt8] {
    /// Byte by byte; as `lexicographicallyPrecedes`, which takes several times as long.
    fileprivate func precedes(_ other: [UInt8]) -> Bool {
        self.withUnsafeBytes { left in
            other.withUnsafeBytes { right in
                let shared = Swift.min(left.count, right.count)
                guard shared > 0, let left = left.baseAddress, let right = right.baseAddress else {
                    return self.count < other.count
                }
                let order = memcmp(left, right, shared)
                return order != 0 ? order < 0 : self.count < other.count
            }
        }
    }
}

/// A value of a state.
public enum StateValue: Sendable, Equatable {
    /// true or false.
    case boolean(Bool)
    /// A number of Lua's integer subtype.
    case integer(Int64)
    /// Any other number.
    case number(Double)
    /// A string of any bytes.
    case bytes([UInt8])

    var size: Int {
        guard case .bytes(let bytes) = self else { return StateLimits.numberBytes }
        return bytes.count
    }
}

/// An entry of a state as it is kept.
public struct StateRecord: Sendable, Equatable {
    /// Its key.
    public var key: StateKey
    /// Its value.
    public var value: StateValue
    /// When it was written last, in Unix seconds.
    public var written: Double

    /// Makes a record.
    public init(key: StateKey, value: StateValue, written: Double) {
        self.key = key
        self.value = value
        self.written = written
    }

    /// What it counts towards ``StateLimits/bytes``.
    var size: Int { Self.size(self.key, self.value) }

    static func size(_ key: StateKey, _ value: StateValue) -> Int { key.size + value.size + StateLimits.entryBytes }
}

/// The bounds of all states.
public enum StateLimits {
    /// The most states of one set of scripts.
    public static let states = 64
    /// The most entries that a state may be declared for.
    public static let entries = 100_000
    /// Entries of a state that says nothing about it.
    public static let entriesByDefault = 1_000
    /// All states together, counted as the bytes of keys and values plus ``entryBytes`` for each entry.
    public static let bytes = 64 << 20
    /// What an entry counts beside its key and value.
    public static let entryBytes = 64
    /// What a number or a boolean counts.
    public static let numberBytes = 8
    /// The longest key.
    public static let keyBytes = 256
    /// The longest name of a state, and of a file.
    public static let nameBytes = 64
    /// How often a load of scripts is tried, each time with the records that the one before missed.
    public static let fetches = 4
}

/// How a state behaves.
public struct StateOptions: Sendable, Equatable {
    /// The most entries; of more, those written longest ago go.
    public var max: Int
    /// How long an entry lasts after its last write, in seconds; nil for ever.
    public var ttl: Double?
    /// Whether it is kept on disk.
    public var isPersistent: Bool

    /// Makes options.
    public init(max: Int = StateLimits.entriesByDefault, ttl: Double? = nil, isPersistent: Bool = false) {
        self.max = max
        self.ttl = ttl
        self.isPersistent = isPersistent
    }

    /// What scripts write.
    static let described = [
        APIField("max", "integer?", "the most entries, of more those written longest ago go; 1,000 unless told"),
        APIField("ttl", "number?", "the seconds that an entry lasts after it was last written; for ever unless told"),
        APIField("persist", "boolean?", "whether it is kept on disk, for the next start"),
    ]
}
