// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// A field that scripts read, assign, or write into a table of options.
///
/// Types here and below are written as lua-language-server reads them.
package struct APIField: Sendable {
    /// Its name; `[1]` is the first of a list.
    package var name: String
    /// Its type.
    package var type: String
    /// What it says, in a few words.
    package var help: String

    /// Describes a field.
    package init(_ name: String, _ type: String, _ help: String) {
        self.name = name
        self.type = type
        self.help = help
    }
}

/// What a function takes.
package struct APIParameter: Sendable {
    /// Its name; it ends with `?` where the parameter may be left out, and `...` stands for any number.
    package var name: String
    /// Its type.
    package var type: String

    /// Describes a parameter.
    package init(_ name: String, _ type: String) {
        self.name = name
        self.type = type
    }

    /// The name alone, as it stands in a call.
    package var bareName: String { self.name.hasSuffix("?") ? String(self.name.dropLast()) : self.name }
}

/// A function or method that scripts call.
package struct APIFunction: Sendable {
    /// How it is called: `relay.on`, `client:send`.
    package var path: String
    /// What it takes, in order.
    package var parameters: [APIParameter]
    /// The types of what it answers.
    package var results: [String]
    /// What it does, in a sentence.
    package var help: String

    /// Describes a function.
    package init(_ path: String, _ parameters: [APIParameter], returns results: [String] = [], _ help: String) {
        self.path = path
        self.parameters = parameters
        self.results = results
        self.help = help
    }

    /// The type and the name of a method, or nil for a function.
    package var method: (type: String, name: String)? {
        let parts = self.path.split(separator: ":")
        return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
    }

    /// The call as one writes it: `relay.state(name, options)`.
    package var call: String { "\(self.path)(\(self.parameters.map(\.bareName).joined(separator: ", ")))" }
}

/// A type of objects, or of tables that scripts write.
package struct APIType: Sendable {
    /// Its name in annotations: `relay.Client`.
    package var name: String
    /// What its objects are called in texts: `client`.
    package var word: String
    /// What it is, in a sentence.
    package var help: String
    /// Its fields.
    package var fields: [APIField]
    /// Its methods.
    package var methods: [APIFunction]
    /// The type that has further fields of it, if any.
    package var parent: String?

    /// Describes a type.
    package init(
        _ name: String,
        _ word: String,
        _ help: String,
        fields: [APIField] = [],
        methods: [APIFunction] = [],
        parent: String? = nil
    ) {
        self.name = name
        self.word = word
        self.help = help
        self.fields = fields
        self.methods = methods
        self.parent = parent
    }
}

/// An event as a hook meets it.
struct APIEvent {
    /// What the hook gets.
    var parameters: [APIParameter]
    /// The types that it may answer; empty for a notice.
    var answers: [String]
    /// When it is asked or told, in a few words.
    var occasion: String
    /// What its answer means; empty for a notice.
    var meaning: String
}
