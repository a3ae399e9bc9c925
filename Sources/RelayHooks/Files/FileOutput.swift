// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// A file that a script writes to.
public struct FileDeclaration: Sendable, Equatable {
    /// The most files of one set of scripts.
    public static let most = 32
    /// The least that ``maxBytes`` may be.
    public static let leastBytes = 1 << 10
    /// The most old files that may be kept.
    public static let mostKept = 100

    /// Its name in the folder of such files.
    public var name: String
    /// How large it may become before it is put aside and another begun, in bytes.
    public var maxBytes: Int
    /// How many of those put aside are kept.
    public var keep: Int

    /// Makes a declaration.
    public init(name: String, maxBytes: Int = 10 << 20, keep: Int = 5) {
        self.name = name
        self.maxBytes = maxBytes
        self.keep = keep
    }

    /// What scripts write.
    static let described = [
        APIField("max_bytes", "integer?", "how large it may become before another is begun; 10 MiB unless told"),
        APIField("keep", "integer?", "how many full ones are kept; 5 unless told"),
    ]
}

/// Takes the lines that scripts write to files.
public protocol FileOutput: AnyObject {
    /// Why a file cannot be written at all, as the end of an error text; nil takes it. Never blocks.
    func problem(with file: FileDeclaration) -> String?
    /// Takes a line, which has its end; never blocks.
    ///
    /// - Parameters:
    ///   - line: The bytes.
    ///   - file: Where they go.
    /// - Returns: False if it is dropped, because too much waits.
    func write(_ line: [UInt8], to file: FileDeclaration) -> Bool
}

/// What became of the lines that scripts wrote to files.
public struct FileLineCounts: Sendable, Equatable, Encodable {
    /// Lines that were taken.
    public var taken = 0
    /// Lines that were not.
    public var dropped = 0
}
