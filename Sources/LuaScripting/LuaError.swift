// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CLua

/// A script's failure, as a Swift value.
public struct LuaError: Error, Sendable, Equatable {
    /// Which way the script failed.
    public enum Kind: String, Sendable {
        /// An error raised by the script, by Lua or by a host function; also one of syntax.
        case error
        /// The script passed its CPU time or its instructions.
        case timeout
        /// The script asked for more memory than the state may hold.
        case memory
    }

    /// Which way the script failed.
    public var kind: Kind
    /// Lua's error text; it usually begins with the script and the line.
    public var message: String
    /// The script the error arose in, or nil where Lua could not tell.
    public var script: String?
    /// The line the error arose in, from 1.
    public var line: Int?
    /// The calls that led to the error, as Lua prints them; empty where there were none.
    public var traceback: String
    /// CPU time that the failed hook had used, as far as it was measured: short runs never read the clock.
    public var used: Duration

    /// Makes an error.
    public init(
        kind: Kind,
        message: String,
        script: String? = nil,
        line: Int? = nil,
        traceback: String = "",
        used: Duration = .zero
    ) {
        self.kind = kind
        self.message = message
        self.script = script
        self.line = line
        self.traceback = traceback
        self.used = used
    }
}

extension LuaError: CustomStringConvertible {
    /// The error text alone, for one line of a log.
    public var description: String { self.message }
}

extension LuaError {
    init(_ failure: UnsafePointer<luar_failure>) {
        func text<Field>(_ path: KeyPath<luar_failure, Field>) -> String {
            withUnsafeBytes(of: failure.pointee[keyPath: path]) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
        }
        let script = text(\.script)
        self.init(
            kind: failure.pointee.kind == CInt(LUAR_TIMEOUT)
                ? .timeout : failure.pointee.kind == CInt(LUAR_MEMORY) ? .memory : .error,
            message: text(\.message),
            script: script.isEmpty ? nil : script,
            line: failure.pointee.line > 0 ? Int(failure.pointee.line) : nil,
            traceback: text(\.traceback),
            used: .nanoseconds(failure.pointee.used)
        )
    }
}
