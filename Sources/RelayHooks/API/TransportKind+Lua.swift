// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

package import RelayCore

extension TransportKind {
    /// The type of a transport's name, as lua-language-server writes it: `"tcp"|"udp"`.
    package static var luaType: String { Self.allCases.map { "\"\($0.name)\"" }.joined(separator: "|") }

    /// The names that a script may give, for error texts: `"tcp" or "udp"`.
    package static var luaChoices: String { Self.list { "\"\($0)\"" } }
}
