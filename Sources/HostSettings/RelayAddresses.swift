// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import RelayCore

/// Where a relay listens, by transport.
public struct RelayAddresses: Sendable, Equatable {
    private var lists: [TransportKind: [Endpoint]] = [:]

    /// Makes a list without addresses.
    public init() {}

    /// The addresses of a transport, in the order in which they were given; empty where the relay does not listen for it.
    public subscript(transport: TransportKind) -> [Endpoint] {
        get { self.lists[transport] ?? [] }
        set { self.lists[transport] = newValue.isEmpty ? nil : newValue }
    }

    /// The transports with addresses, in the order of their table.
    public var transports: [TransportKind] { TransportKind.allCases.filter { !self[$0].isEmpty } }

    /// Whether it has no addresses.
    public var isEmpty: Bool { self.lists.isEmpty }
}

// For programs that embed a relay.
extension RelayAddresses {
    /// For TCP clients.
    public var tcp: [Endpoint] {
        get { self[.tcp] }
        set { self[.tcp] = newValue }
    }

    /// For UDP clients.
    public var udp: [Endpoint] {
        get { self[.udp] }
        set { self[.udp] = newValue }
    }
}

extension Settings {
    /// Where to listen for TCP clients; empty for no TCP relay.
    public var tcp: [Endpoint] {
        get { self.listeners.tcp }
        set { self.listeners.tcp = newValue }
    }

    /// Where to listen for UDP clients; empty for no UDP relay.
    public var udp: [Endpoint] {
        get { self.listeners.udp }
        set { self.listeners.udp = newValue }
    }
}
