// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import LineOutput
public import Logging

extension Settings {
    /// A logger of this level and format.
    public func logger(to sink: any LineSink) -> Logger {
        let level = Logger.Level(rawValue: self.logLevel) ?? .notice
        let format: LineLogHandler.Format = self.logFormat == .json ? .json : .text
        return Logger(label: "luar") { _ in LineLogHandler(to: sink, level: level, format: format) }
    }
}
