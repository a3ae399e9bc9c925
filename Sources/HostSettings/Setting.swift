// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import RelayCore

/// One setting: its name, which is the same on the command line, in the environment and in a file, what it takes, and
/// where that goes in ``Settings``.
public struct Setting: Sendable {
    /// How many values a setting takes.
    public enum Arity: Sendable {
        /// A yes or no; on the command line without a value.
        case flag
        /// One value.
        case one
        /// Any number of values.
        case list
    }

    /// The name, as in `--client-limit`, `LUAR_CLIENT_LIMIT` and `client-limit: 100`.
    public let name: String
    /// What it does, in a sentence.
    public let help: String
    /// What its value is called in help texts; empty for a flag.
    public let valueName: String
    /// How many values it takes.
    public let arity: Arity
    /// All possible values, where there are few.
    public let choices: [String]
    /// Whether its value is never shown, and not taken from the command line, which everybody on the machine can read.
    public let isSecret: Bool
    /// Whether the command line has it as an argument without a name.
    public let isArgument: Bool
    /// The setting that is the other half of the same decision: to listen, and where.
    let inverse: String?
    /// Reads values into settings.
    let take: @Sendable (_ values: [String], inout Settings) throws(Refusal) -> Void
    /// The value in force, as one would write it.
    let show: @Sendable (Settings) -> String

    init(
        _ name: String,
        _ help: String,
        valueName: String,
        arity: Arity = .one,
        choices: [String] = [],
        isSecret: Bool = false,
        isArgument: Bool = false,
        inverse: String? = nil,
        show: @escaping @Sendable (Settings) -> String,
        take: @escaping @Sendable ([String], inout Settings) throws(Refusal) -> Void
    ) {
        self.name = name
        self.help = help
        self.valueName = valueName
        self.arity = arity
        self.choices = choices
        self.isSecret = isSecret
        self.isArgument = isArgument
        self.inverse = inverse
        self.show = show
        self.take = take
    }

    /// What the command line calls it, for error texts.
    public var option: String { self.isArgument ? "<\(self.valueName)>" : "--\(self.name)" }

    /// The environment variable.
    public var variable: String { "LUAR_" + self.name.uppercased().replacing("-", with: "_") }

    /// The default, as one would write it; nil where a flag is off or nothing is set.
    public var defaultText: String? {
        let text = self.show(Settings())
        return text.isEmpty || (self.arity == .flag && text == "false") ? nil : text
    }

    /// Says what is wrong with values from the command line, or nil.
    public func problem(with values: [String]) -> String? {
        var settings = Settings()
        do {
            try self.take(values, &settings)
            return nil
        } catch {
            return error.reason
        }
    }
}

extension Setting {
    /// Where a transport listens, and beside it whether it does: two settings, as `no-tcp` is easier to say than an empty
    /// list.
    static func listeners(_ transport: TransportKind) -> [Setting] {
        let name = transport.name
        return [
            Setting(
                name,
                "Listen for \(name.uppercased()) clients here; may be given more than once.",
                valueName: "host:port",
                arity: .list,
                inverse: "no-\(name)",
                show: { $0.listeners[transport].map(\.description).joined(separator: ", ") },
                take: { values, settings throws(Refusal) in
                    var endpoints: [Endpoint] = []
                    for value in values { endpoints.append(try Endpoint.parse(value)) }
                    guard !endpoints.isEmpty else {
                        throw Refusal("it is empty; no-\(name) is the way to listen nowhere")
                    }
                    settings.listeners[transport] = endpoints
                }
            ),
            Setting(
                "no-\(name)",
                "Do not listen for \(name.uppercased()) clients.",
                valueName: "",
                arity: .flag,
                choices: ["true", "false"],
                inverse: name,
                show: { "\($0.listeners[transport].isEmpty)" },
                take: { values, settings throws(Refusal) in
                    if try Self.boolean(values.last ?? "") {
                        settings.listeners[transport] = []
                    } else if settings.listeners[transport].isEmpty {
                        settings.listeners[transport] = Settings().listeners[transport]
                    }
                }
            ),
        ]
    }

    static func flag(
        _ name: String,
        _ path: any WritableKeyPath<Settings, Bool> & Sendable,
        isInverted: Bool = false,
        _ help: String
    ) -> Setting {
        Setting(
            name,
            help,
            valueName: "",
            arity: .flag,
            choices: ["true", "false"],
            show: { "\($0[keyPath: path] != isInverted)" },
            take: { values, settings throws(Refusal) in
                settings[keyPath: path] = try Self.boolean(values.last ?? "") != isInverted
            }
        )
    }

    /// Reads yes or no, in the words that YAML and shells have for it.
    static func boolean(_ text: String) throws(Refusal) -> Bool {
        switch text.lowercased() {
        case "true", "yes", "on", "1": return true
        case "false", "no", "off", "0": return false
        default: throw Refusal("'\(text)' is neither true nor false")
        }
    }

    static func count(
        _ name: String,
        _ path: any WritableKeyPath<Settings, Int> & Sendable,
        range: ClosedRange<Int> = 1...Int(Int32.max),
        _ help: String
    ) -> Setting {
        Setting(name, help, valueName: "n", show: { "\($0[keyPath: path])" }) { values, settings throws(Refusal) in
            settings[keyPath: path] = try Count.parse(values.last ?? "", in: range).value
        }
    }

    static func size(
        _ name: String,
        _ path: any WritableKeyPath<Settings, Int> & Sendable,
        most: Int = .max,
        _ help: String
    ) -> Setting {
        Setting(name, help, valueName: "bytes", show: { "\(ByteCount($0[keyPath: path]))" }) {
            values,
            settings throws(Refusal) in
            let size = try ByteCount.parse(values.last ?? "").value
            guard size <= most else { throw Refusal("'\(values.last ?? "")' is more than \(most)B, the most there is") }
            settings[keyPath: path] = size
        }
    }

    static func time(
        _ name: String,
        _ path: any WritableKeyPath<Settings, Duration> & Sendable,
        least: Duration = .milliseconds(1),
        _ help: String
    ) -> Setting {
        Setting(name, help, valueName: "time", show: { "\(TimeSpan($0[keyPath: path]))" }) {
            values,
            settings throws(Refusal) in
            let time = try TimeSpan.parse(values.last ?? "").value
            guard time >= least else {
                throw Refusal("'\(values.last ?? "")' is less than \(TimeSpan(least)), the least")
            }
            settings[keyPath: path] = time
        }
    }

    static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
        _ name: String,
        _ path: any WritableKeyPath<Settings, Choice> & Sendable,
        valueName: String,
        _ help: String
    ) -> Setting {
        self.choice(name, path, word: \.rawValue, valueName: valueName, help)
    }

    static func choice<Choice: CaseIterable & Sendable>(
        _ name: String,
        _ path: any WritableKeyPath<Settings, Choice> & Sendable,
        word: any KeyPath<Choice, String> & Sendable,
        valueName: String,
        _ help: String
    ) -> Setting {
        let choices = Choice.allCases.map { $0[keyPath: word] }
        return Setting(
            name,
            help,
            valueName: valueName,
            choices: choices,
            show: { $0[keyPath: path][keyPath: word] },
            take: { values, settings throws(Refusal) in
                let text = values.last ?? ""
                guard let choice = Choice.allCases.first(where: { $0[keyPath: word] == text }) else {
                    throw Refusal(notOneOf(choices, text))
                }
                settings[keyPath: path] = choice
            }
        )
    }

    static func file(
        _ name: String,
        _ path: any WritableKeyPath<Settings, String?> & Sendable,
        _ help: String
    ) -> Setting {
        Setting(name, help, valueName: "file", show: { $0[keyPath: path] ?? "" }) { values, settings throws(Refusal) in
            guard let file = values.last, !file.isEmpty else { throw Refusal("it needs a file") }
            settings[keyPath: path] = file
        }
    }

    static func notOneOf(_ choices: [String], _ text: String) -> String {
        "'\(text)' is not one of \(choices.joined(separator: ", "))"
    }
}
