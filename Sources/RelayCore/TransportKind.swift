// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// What carries the texts of clients.
///
/// Everything that depends on a transport asks its row of the table below, so that another transport is another row and the
/// code that implements it. The raw value is the transport's place in ``allCases``.
public enum TransportKind: Int, Sendable, CaseIterable {
    /// TCP connections.
    case tcp
    /// UDP datagrams.
    case udp

    /// How texts travel, in the terms of socket(2).
    public enum SocketType: Sendable {
        /// Bytes of a connection, in order; framing cuts them into texts.
        case stream
        /// One text in each datagram, without a connection.
        case datagram
    }

    /// What is known of a transport.
    private struct Row {
        var name: String
        var defaultRoom: String
        var socketType: SocketType
        var isSecure = false
    }

    /// The table.
    private var row: Row {
        switch self {
        case .tcp: Row(name: "tcp", defaultRoom: Self.streamRoom, socketType: .stream)
        case .udp: Row(name: "udp", defaultRoom: "udp", socketType: .datagram)
        }
    }

    /// The room of everybody who has a connection, whatever carries it.
    private static let streamRoom = "tcp"
}

extension TransportKind {
    /// Finds a transport.
    ///
    /// - Parameter name: Its ``name``; any other text is nil.
    public init?(named name: String) {
        guard let kind = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = kind
    }

    /// Its name in settings, in scripts and in the log.
    public var name: String { self.row.name }

    /// The room that its clients are in at first.
    public var defaultRoom: String { self.row.defaultRoom }

    /// Whether it carries a stream or datagrams.
    public var socketType: SocketType { self.row.socketType }

    /// Whether it is encrypted.
    public var isSecure: Bool { self.row.isSecure }

    /// Lists all names as a sentence does.
    ///
    /// - Parameter write: How a name is written; as it is if left out.
    /// - Returns: The list: `tcp or udp`.
    public static func list(_ write: (String) -> String = { $0 }) -> String {
        let names = Self.allCases.map { write($0.name) }
        guard let last = names.last, names.count > 1 else { return names.joined() }
        return names.dropLast().joined(separator: ", ") + " or " + last
    }
}
