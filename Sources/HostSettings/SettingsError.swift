// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Settings that cannot be used: a line for each problem, naming the setting, its source and what is allowed.
public struct SettingsError: Error, CustomStringConvertible {
    /// One line a problem.
    public var problems: [String]

    /// All problems.
    public var description: String { self.problems.joined(separator: "\n") }

    init(_ problems: [String]) { self.problems = problems }

    /// Makes an error of one problem.
    public init(_ problem: String) { self.problems = [problem] }
}

/// What is wrong with one value, without the place it came from.
struct Refusal: Error {
    var reason: String
    init(_ reason: String) { self.reason = reason }
}
