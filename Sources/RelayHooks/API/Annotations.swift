// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Writes Lua that says what there is, for editors that use lua-language-server; no program runs it.
///
/// The form is that of the annotations at <https://luals.github.io/wiki/annotations/>.
package struct Annotations {
    /// The text so far.
    package private(set) var text = "---@meta\n"

    /// An empty file of annotations.
    package init() {}

    /// Adds a comment that stands for itself.
    package mutating func add(comment: String) {
        self.text += "\n" + comment.split(separator: "\n").map { "-- \($0)\n" }.joined()
    }

    /// Adds a type whose values are some words, each with what it says or nothing.
    package mutating func add(words name: String, _ help: String, _ values: [(word: String, help: String)]) {
        self.text += "\n---\(help)\n---@alias \(name)\n"
        for (word, help) in values { self.text += "---| \"\(word)\"" + (help.isEmpty ? "\n" : " # \(help)\n") }
    }

    /// Adds a type of objects or of tables.
    package mutating func add(_ type: APIType) {
        let parent = type.parent.map { ": \($0)" } ?? ""
        self.text += "\n---\(type.help)\n---@class \(type.name)\(parent)\n"
        for field in type.fields {
            self.text += "---@field \(field.name) \(Self.group(field.type)) \(field.help)\n"
        }
        for method in type.methods {
            guard let name = method.method?.name else { continue }
            let own = [APIParameter("self", type.name)] + method.parameters
            self.text += "---@field \(name) \(Self.function(own, method.results)) \(method.help)\n"
        }
    }

    /// Adds a function, with other ways to call it.
    package mutating func add(_ function: APIFunction, overloads: [String] = []) {
        self.text += "\n---\(function.help)\n"
        for parameter in function.parameters {
            self.text += "---@param \(parameter.name) \(Self.group(parameter.type))\n"
        }
        for result in function.results { self.text += "---@return \(result)\n" }
        for overload in overloads { self.text += "---@overload \(overload)\n" }
        let names = function.parameters.map(\.bareName).joined(separator: ", ")
        self.text += "function \(function.path)(\(names)) end\n"
    }

    /// Adds a table that functions stand in.
    package mutating func add(table: String) { self.text += "\n\(table) = {}\n" }

    /// Adds a constant.
    package mutating func add(constant: APIField) {
        self.text += "\n---\(constant.help)\n---@type \(constant.type)\n\(constant.name) = nil\n"
    }

    /// The type of a function.
    package static func function(_ parameters: [APIParameter], _ results: [String]) -> String {
        let list = parameters.map { "\($0.name): \(self.group($0.type))" }.joined(separator: ", ")
        return "fun(\(list))" + (results.isEmpty ? "" : ": \(results.joined(separator: ", "))")
    }

    /// A type as it stands within others.
    private static func group(_ type: String) -> String { type.contains("|") ? "(\(type))" : type }
}
