// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore

/// What is wrong with a script's setting or its value.
struct SettingRefusal: Error {
    var reason: String
    init(_ reason: String) { self.reason = reason }
}

/// A setting as a script describes it: its type, its default, and what bounds its values.
struct SettingDeclaration {
    /// The longest text of a default, in bytes.
    static let longestText = 64 << 10

    enum Kind: String, CaseIterable {
        case number
        case integer
        case string
        case boolean
        case choice
        case list
        case map
        case secret
    }

    /// What stands in a declaration.
    static let options = [
        APIField(
            "[1]",
            Kind.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: "|"),
            "its type; lists and maps are of texts, and a secret is not taken from the command line"
        ),
        APIField("default", "any", "its value unless an operator says otherwise"),
        APIField("min", "number?", "the least that a number may be"),
        APIField("max", "number?", "the most"),
        APIField("choices", "string[]?", "what a choice may be"),
        APIField("help", "string?", "what it is for, shown by `luar check`"),
    ]
    /// The first is no name, but the type's place.
    private static let names = options.dropFirst().map(\.name)

    let type: Kind
    private(set) var help = ""
    private(set) var defaultValue: LuaData?
    private var least: Double?
    private var most: Double?
    private var choices: [String] = []

    /// Reads `{ "number", default = 100, min = 0, help = "..." }`.
    init(_ table: LuaTable) throws(SettingRefusal) {
        var options: [String: LuaValue] = [:]
        var type: Kind?
        let kinds = Kind.allCases.map(\.rawValue)
        for index in 0..<table.count {
            let (key, value) = table.entry(index)
            if key.position == 1 {
                type = value.text.flatMap { Kind(rawValue: $0) }
                guard type != nil else {
                    let name = value.text ?? value.described
                    throw SettingRefusal("there is no type '\(name)'; \(Suggestion.phrase(for: name, among: kinds))")
                }
            } else if let name = key.text, Self.names.contains(name) {
                options[name] = value
            } else {
                let name = key.text ?? "[\(key.typeName)]"
                throw SettingRefusal("unknown option '\(name)'; \(Suggestion.phrase(for: name, among: Self.names))")
            }
        }
        guard let type else {
            throw SettingRefusal("its type comes first: { \"number\", ... }; \(kinds.joined(separator: " "))")
        }
        self.type = type
        if let help = options["help"] {
            guard let text = help.text else {
                throw SettingRefusal("option 'help' takes a text, not \(help.described)")
            }
            self.help = text
        }
        self.least = try self.bound("min", options)
        self.most = try self.bound("max", options)
        if let choices = options["choices"] {
            guard type == .choice, case .list(let list)? = LuaData(choices) else {
                throw SettingRefusal("option 'choices' takes a list of texts, with type \"choice\"")
            }
            self.choices = list.compactMap { if case .text(let text) = $0 { text } else { nil } }
        }
        guard type != .choice || !self.choices.isEmpty else { throw SettingRefusal("a choice needs 'choices'") }
        if let defaultValue = options["default"] {
            guard let tree = LuaData(defaultValue) else {
                throw SettingRefusal("its default is \(defaultValue.described), which no setting takes")
            }
            do {
                self.defaultValue = try self.check(tree)
            } catch {
                throw SettingRefusal("its default is wrong: \(error.reason)")
            }
        }
    }

    private func bound(_ name: String, _ options: [String: LuaValue]) throws(SettingRefusal) -> Double? {
        guard let value = options[name] else { return nil }
        guard self.type == .number || self.type == .integer else {
            throw SettingRefusal("option '\(name)' goes with numbers only")
        }
        switch value {
        case .integer(let number): return Double(number)
        case .number(let number) where number.isFinite: return number
        default: throw SettingRefusal("option '\(name)' takes a number")
        }
    }

    /// Reads a value that an operator wrote.
    func read(_ value: ScriptValues.Value) throws(SettingRefusal) -> LuaData {
        switch (self.type, value) {
        case (.list, .list(let texts)): return try self.check(.list(texts.map { .text($0) }))
        case (.list, .text(let text)):
            let parts = text.isEmpty ? [] : text.split(separator: ",", omittingEmptySubsequences: false)
            return try self.check(.list(parts.map { .text(Self.trimmed($0)) }))
        case (.map, .map(let fields)): return try self.check(.map(fields.mapValues { .text($0) }))
        case (.map, .text(let text)):
            var fields: [String: LuaData] = [:]
            for part in text.split(separator: ",") {
                let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard halves.count == 2 else {
                    throw SettingRefusal("'\(part)' is no pair; write name=value,name=value")
                }
                fields[Self.trimmed(halves[0])] = .text(Self.trimmed(halves[1]))
            }
            return try self.check(.map(fields))
        case (_, .text(let text)): return try self.read(text)
        case (_, .list), (_, .map): throw SettingRefusal("it takes \(self.expected), not a list or mapping")
        }
    }

    private static func trimmed(_ part: Substring) -> String {
        String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }

    private func read(_ text: String) throws(SettingRefusal) -> LuaData {
        switch self.type {
        case .number:
            // Swift also reads hexadecimal numbers, infinities and what is no number.
            guard text.wholeMatch(of: #/[-+]?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?/#) != nil, let number = Double(text)
            else {
                break
            }
            return try self.check(.number(number))
        case .integer:
            guard let number = Int64(text) else { break }
            return try self.check(.integer(number))
        case .boolean:
            switch text.lowercased() {
            case "true", "yes", "on", "1": return .boolean(true)
            case "false", "no", "off", "0": return .boolean(false)
            default: break
            }
        case .string, .choice, .secret: return try self.check(.text(text))
        case .list, .map: break
        }
        throw SettingRefusal("it takes \(self.expected), not '\(text)'")
    }

    /// What it takes, in words.
    private var expected: String {
        switch self.type {
        case .number, .integer:
            let word = self.type == .number ? "a number" : "a whole number"
            switch (self.least, self.most) {
            case (let least?, let most?): return "\(word) from \(Self.shown(least)) to \(Self.shown(most))"
            case (let least?, nil): return "\(word) from \(Self.shown(least)) on"
            case (nil, let most?): return "\(word) up to \(Self.shown(most))"
            case (nil, nil): return word
            }
        case .string, .secret: return "a text"
        case .boolean: return "true or false"
        case .choice: return self.choices.map { "\"\($0)\"" }.joined(separator: ", ")
        case .list: return "a list of texts"
        case .map: return "a mapping of texts"
        }
    }

    private static func shown(_ number: Double) -> String { LuaData.number(number).written }

    /// Refuses what the type or its bounds do not allow.
    private func check(_ tree: LuaData) throws(SettingRefusal) -> LuaData {
        func refusal() -> SettingRefusal { SettingRefusal("it takes \(self.expected), not '\(tree.written)'") }
        switch (self.type, tree) {
        case (.number, .integer(let integer)): return try self.check(.number(Double(integer)))
        case (.number, .number(let number)):
            guard number.isFinite, number >= self.least ?? number, number <= self.most ?? number else {
                throw refusal()
            }
            // A whole number stays one: scripts that print it want no ".0".
            return Int64(exactly: number).map { .integer($0) } ?? tree
        case (.integer, .integer(let integer)):
            let number = Double(integer)
            guard number >= self.least ?? number, number <= self.most ?? number else { throw refusal() }
            return tree
        case (.string, .text), (.secret, .text), (.boolean, .boolean): return tree
        case (.choice, .text(let text)) where self.choices.contains(where: { $0.isExactly(text) }): return tree
        case (.list, .list(let list)) where list.allSatisfy(\.isText): return tree
        // An empty table may be either.
        case (.list, .map(let fields)) where fields.isEmpty: return .list([])
        case (.map, .list(let list)) where list.isEmpty: return .map([:])
        case (.map, .map(let fields)) where fields.values.allSatisfy(\.isText): return tree
        default: throw refusal()
        }
    }
}

extension LuaData {
    /// A value that a script wrote; nil for what is no plain data.
    init?(_ value: LuaValue) {
        switch value {
        case .boolean(let flag): self = .boolean(flag)
        case .integer(let number): self = .integer(number)
        case .number(let number): self = .number(number)
        case .bytes:
            guard let text = value.text(upTo: SettingDeclaration.longestText) else { return nil }
            self = .text(text)
        case .table(let table):
            let entries = (0..<table.count).map { table.entry($0) }
            let trees = entries.compactMap { LuaData($0.value) }
            guard trees.count == entries.count else { return nil }
            if entries.allSatisfy({ $0.key.text != nil }) {
                let fields = Dictionary(zip(entries.map { $0.key.text ?? "" }, trees)) { first, _ in first }
                // Two keys that differ in bytes only would be one.
                guard fields.count == entries.count else { return nil }
                self = .map(fields)
            } else if Set(entries.map(\.key.position)) == Set(1...Int64(max(1, entries.count))) {
                self = .list(zip(entries, trees).sorted { $0.0.key.position < $1.0.key.position }.map(\.1))
            } else {
                return nil
            }
        default: return nil
        }
    }

    fileprivate var isText: Bool {
        if case .text = self { return true }
        return false
    }

    /// The value as an operator would write it.
    var written: String {
        switch self {
        case .boolean(let flag): "\(flag)"
        case .integer(let number): "\(number)"
        case .number(let number): Int64(exactly: number).map { "\($0)" } ?? "\(number)"
        case .text(let text): text
        case .list(let values): values.map(\.written).joined(separator: ",")
        case .map(let fields):
            fields.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.written)" }.joined(separator: ",")
        }
    }
}
