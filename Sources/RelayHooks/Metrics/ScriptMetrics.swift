// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Numbers that scripts keep for operators: counters, which grow, and gauges, which are set.
///
/// Names and labels are those of Prometheus's data model (<https://prometheus.io/docs/concepts/data_model/>).
public struct ScriptMetrics: Sendable, Encodable {
    /// The most metrics.
    public static let mostMetrics = 200
    /// The most sets of labels of one metric.
    public static let mostSets = 100
    /// The most labels of one set.
    public static let mostLabels = 8
    /// The longest name, label's key or label's value, in bytes.
    public static let longestText = 128

    /// What a metric is.
    public enum Kind: String, Sendable, Encodable {
        /// It only grows.
        case counter
        /// It is whatever was said last.
        case gauge
    }

    /// One number.
    public struct Entry: Sendable, Equatable, Encodable {
        /// The metric's name.
        public var name: String
        /// What it is.
        public var kind: Kind
        /// Its labels by key.
        public var labels: [String: String]
        /// Its value.
        public var value: Double
    }

    /// Why a number is not taken.
    struct Refusal: Error {
        var reason: String
    }

    private struct Number {
        var labels: [String: String]
        var value: Double
    }

    private struct Metric {
        var kind: Kind
        /// By the bytes of the labels: texts that Unicode calls equal are different labels.
        var numbers: [[UInt8]: Number] = [:]
    }

    private var metrics: [String: Metric] = [:]

    /// Makes a store without numbers.
    public init() {}

    /// All numbers, sorted by name and then by labels.
    public var entries: [Entry] {
        self.metrics.sorted { $0.key < $1.key }
            .flatMap { name, metric in
                metric.numbers.sorted { $0.key.lexicographicallyPrecedes($1.key) }
                    .map { Entry(name: name, kind: metric.kind, labels: $0.value.labels, value: $0.value.value) }
            }
    }

    /// Writes the entries as a list.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.entries)
    }

    /// Adds to a counter, or sets a gauge.
    ///
    /// - Parameters:
    ///   - name: The metric.
    ///   - kind: What it is.
    ///   - value: The number.
    ///   - labels: Its labels.
    /// - Throws: ``Refusal`` for what is no metric, or one too many.
    mutating func note(_ name: String, _ kind: Kind, _ value: Double, labels: [String: String]) throws(Refusal) {
        guard Self.isName(name, mayHaveColons: true) else {
            throw Refusal(reason: "a metric's name has letters, digits, _ and :, and at most \(Self.longestText)")
        }
        try Self.check(labels)
        if let metric = self.metrics[name], metric.kind != kind {
            throw Refusal(
                reason: "it is a \(metric.kind.rawValue) already; choose another name for the \(kind.rawValue)"
            )
        }
        if self.metrics[name] == nil, self.metrics.count >= Self.mostMetrics {
            throw Refusal(reason: "the limit of \(Self.mostMetrics) metrics is reached")
        }
        let place = Self.key(labels)
        let number = self.metrics[name]?.numbers[place]
        if number == nil, self.metrics[name]?.numbers.count ?? 0 >= Self.mostSets {
            throw Refusal(reason: "the limit of \(Self.mostSets) sets of labels is reached")
        }
        var new = number ?? Number(labels: labels, value: 0)
        switch kind {
        // Beyond what a number can be there is nothing that JSON could say.
        case .counter: new.value = min(new.value + value, .greatestFiniteMagnitude)
        case .gauge: new.value = value
        }
        self.metrics[name, default: Metric(kind: kind)].numbers[place] = new
    }

    private static func check(_ labels: [String: String]) throws(Refusal) {
        guard labels.count <= self.mostLabels else {
            throw Refusal(reason: "it has \(labels.count) labels, more than \(self.mostLabels)")
        }
        for (key, value) in labels {
            guard self.isName(key, mayHaveColons: false) else {
                throw Refusal(
                    reason: "label '\(key)': a key has letters, digits and _, and at most \(self.longestText)"
                )
            }
            guard value.utf8.count <= self.longestText else {
                throw Refusal(
                    reason: "label '\(key)' has \(value.utf8.count) bytes, more than \(self.longestText)"
                )
            }
        }
    }

    private static func isName(_ text: String, mayHaveColons: Bool) -> Bool {
        let bytes = text.utf8
        guard let first = bytes.first, bytes.count <= self.longestText, !(0x30...0x39).contains(first) else {
            return false
        }
        return bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
            case UInt8(ascii: ":"): mayHaveColons
            default: false
            }
        }
    }

    /// One row of bytes for a set of labels: keys cannot have a zero byte, and a value's length stands before it.
    private static func key(_ labels: [String: String]) -> [UInt8] {
        labels.sorted { $0.key < $1.key }
            .flatMap { key, value in Array(key.utf8) + [0, UInt8(value.utf8.count)] + Array(value.utf8) }
    }
}
