// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import HostSettings
internal import Logging
internal import RelayCore
internal import RelayTransport
internal import Scheduling

#if canImport(Glibc)
internal import Glibc
#endif

extension TransportKind {
    /// Makes a transport that listens nowhere yet: the only place that knows which type implements which row of the table.
    ///
    /// On the script loop.
    ///
    /// - Parameters:
    ///   - ticks: What gives it its share of each tick.
    ///   - settings: How it cuts streams, for instance.
    ///   - capture: Where packets are recorded, if they are.
    ///   - logger: The operational log.
    /// - Returns: The transport.
    func makeTransport(
        _ ticks: TickScheduler,
        _ settings: Settings,
        capture: PacketCapture?,
        logger: Logger
    ) -> any Transport {
        switch self {
        case .tcp: TCPRelay(ticks: ticks, format: settings.framing, capture: capture, logger: logger)
        case .udp: UDPRelay(ticks: ticks, capture: capture, logger: logger)
        }
    }
}

extension Relay {
    /// An endpoint that was asked for, and the addresses that it stands for.
    struct ResolvedEndpoint: Sendable {
        var transport: TransportKind
        var asked: Endpoint
        var addresses: [InternetAddress]
    }

    /// What an endpoint became: an address with a real port for each address that it stands for.
    struct BoundEndpoint: Sendable {
        var transport: TransportKind
        var first: Endpoint
        var all: [Endpoint]
    }

    /// Looks up where the relay is to listen, in the order of the table; blocks meanwhile.
    static func resolve(_ listeners: RelayAddresses) throws -> [ResolvedEndpoint] {
        try listeners.transports.flatMap { transport in
            try listeners[transport]
                .map {
                    ResolvedEndpoint(transport: transport, asked: $0, addresses: try $0.resolve())
                }
        }
    }

    /// Binds every address; if one fails, the caller closes those that did not.
    func bind(_ endpoints: [ResolvedEndpoint]) async throws -> [BoundEndpoint] {
        var bound: [BoundEndpoint] = []
        for endpoint in endpoints {
            var all: [Endpoint] = []
            for address in endpoint.addresses {
                do {
                    let local = try await self.loop.run {
                        try self.parts.value?.transports.first { $0.kind == endpoint.transport }?.bind(to: address)
                    }
                    if let local { all.append(Endpoint(local)) }
                } catch {
                    throw RelayError(Self.describe(error, endpoint))
                }
            }
            guard let first = all.first else {
                throw RelayError("cannot listen on \(endpoint.asked): it stands for no address")
            }
            bound.append(BoundEndpoint(transport: endpoint.transport, first: first, all: all))
        }
        return bound
    }

    private static func describe(_ error: any Error, _ endpoint: ResolvedEndpoint) -> String {
        let code = (error as? SocketError)?.code
        let reason =
            switch code {
            case EADDRINUSE:
                "the port is in use already; stop what uses it or choose another with --\(endpoint.transport.name)"
            case EACCES: "permission denied; ports below 1024 need a privilege"
            case EADDRNOTAVAIL: "this machine has no such address"
            case let code?: String(cString: strerror(code))
            default: "\(error)"
            }
        return "cannot listen on \(endpoint.asked): \(reason)"
    }
}
