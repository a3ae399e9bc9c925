// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore

/// The fields of a type of objects, each with what scripts see of it.
protocol DescribedField: CaseIterable {
    /// Its name in Lua.
    var name: String { get }
    /// Its type, as lua-language-server writes it, and what it says.
    var meaning: (type: String, help: String) { get }
}

extension DescribedField {
    var name: String { "\(self)" }

    /// All of them.
    static var described: [APIField] {
        Self.allCases.map { APIField($0.name, $0.meaning.type, $0.meaning.help) }
    }
}

extension DescribedField where Self: RawRepresentable, RawValue == String {
    var name: String { self.rawValue }
}

extension HookAPI {
    /// Fields of a client.
    enum ClientField: Int, DescribedField {
        case id
        case host
        case port
        case address
        case transport
        case framing
        case secure
        case since
        case name
        case room
        case dialect
        case data

        var access: LuaState.Access {
            switch self {
            case .name, .room, .dialect: .readWrite
            case .data: .data
            default: .read
            }
        }

        /// Where its value is kept between reads; the engine says when it changes.
        var slot: Int { self == .name ? 1 : 0 }

        var meaning: (type: String, help: String) {
            switch self {
            case .id: ("integer", "its number, never used again")
            case .host: ("string", "the host it comes from")
            case .port: ("integer", "the port there")
            case .address: ("string", "`host:port`")
            case .transport: (TransportKind.luaType, "what carries its texts")
            case .framing:
                (
                    "\"raw\"|\"line\"|\"length\"|\"datagram\"",
                    "what separates the texts sent to it: nothing, line ends, a length before each, or datagrams"
                )
            case .secure: ("boolean", "whether the connection is encrypted")
            case .since: ("number", "when it came, in Unix seconds")
            case .name: ("string", "what it is called (you can assign it)")
            case .room: ("string", "where it is, at first its transport (you can assign it)")
            case .dialect:
                ("string", "which `format` hooks it gets texts from, at first `plain` (you can assign it)")
            case .data: ("table", "a table of the scripts' own")
            }
        }
    }

    /// Fields of a message.
    enum MessageField: Int, DescribedField {
        case text
        case size
        case sender
        case time
        case id

        /// Where its value is kept between reads of one message.
        var slot: Int {
            switch self {
            case .text: 1
            case .sender: 2
            default: 0
            }
        }

        var meaning: (type: String, help: String) {
            switch self {
            case .text: ("string", "what was said, as the hooks before left it")
            case .size: ("integer", "its bytes")
            case .sender: ("relay.Client", "who said it")
            case .time: ("number", "when it arrived, in Unix seconds")
            case .id: ("integer", "its number, never used again")
            }
        }
    }

    /// Fields of a console event; those that its kind does not have are nil.
    enum ConsoleField: Int, DescribedField {
        case kind
        case client
        case text
        case reason
        case address
        case transport
        case from
        case to
        case sample
        case targets
        case status
        case subject
        case recipient
        case prompt

        var meaning: (type: String, help: String) {
            switch self {
            case .kind: ("relay.ConsoleKind", "what happened")
            case .client: ("relay.Client?", "whom it is about")
            case .text: ("string?", "what arrived: a message, or a ping")
            case .reason: ("string?", "why a client left, or why a mail was not sent")
            case .address: ("string?", "where the relay listens")
            case .transport: ("\(TransportKind.luaType)|nil", "what carries it")
            case .from: ("relay.Address?", "where a text came from")
            case .to: ("relay.Client[]?", "who gets a message")
            case .sample: ("relay.Sample?", "what was measured")
            case .targets: ("integer?", "how many targets there are")
            case .status: ("string?", "the status that was measured, or that a mail tells")
            case .subject: ("string?", "a mail's subject")
            case .recipient: ("string?", "whom a mail is for")
            case .prompt: ("\"notice\"|\"address\"|\"password\"|nil", "what `--mail-login` asks for")
            }
        }
    }

    /// Fields of an address: of the server that the chat client talks to, and of whoever sent a ping.
    enum AddressField: Int, DescribedField {
        case host
        case port
        case address
        case transport

        var meaning: (type: String, help: String) {
            switch self {
            case .host: ("string", "the host")
            case .port: ("integer", "the port")
            case .address: ("string", "`host:port`")
            case .transport: (TransportKind.luaType, "what carries the texts")
            }
        }
    }
}
