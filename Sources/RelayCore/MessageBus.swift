// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Whom a text reaches on every node.
public enum BusAudience: Sendable, Equatable {
    /// All clients.
    case everyone
    /// The clients in the room of this name.
    case room(String)
    /// The clients with these numbers.
    case clients([Int64])
}

/// A text on its way to other nodes.
public struct BusText: Sendable, Equatable {
    /// A text as one dialect's clients get it.
    public struct Format: Sendable, Equatable {
        /// The dialect's name; nil for all dialects.
        public var dialect: String?
        /// The bytes.
        public var text: [UInt8]

        /// Makes a format.
        public init(dialect: String?, text: [UInt8]) {
            self.dialect = dialect
            self.text = text
        }
    }

    /// Whom it reaches.
    public var audience: BusAudience
    /// What they get: clients whose dialect has no format here get nothing.
    public var formats: [Format]

    /// Makes a text.
    public init(to audience: BusAudience, _ formats: [Format]) {
        self.audience = audience
        self.formats = formats
    }
}

/// Carries texts between the nodes of a relay: processes whose clients are in the same rooms.
///
/// Confined to the script loop, as the hub. What arrives from other nodes goes to ``Hub/deliver(_:)``.
public protocol MessageBus: AnyObject {
    /// Whether other nodes are reached now.
    ///
    /// It is asked for each text; without other nodes nothing else is.
    var hasOtherNodes: Bool { get }
    /// The names of the dialects that clients of other nodes in an audience use.
    func dialects(of audience: BusAudience) -> [String]
    /// Sends a text to the other nodes. Never blocks.
    func publish(_ text: BusText)
}

/// The bus of a relay that is one process.
public final class ProcessBus: MessageBus {
    /// Makes a bus.
    public init() {}

    /// False.
    public var hasOtherNodes: Bool { false }
    /// None.
    public func dialects(of audience: BusAudience) -> [String] { [] }
    /// Does nothing.
    public func publish(_ text: BusText) {}
}

/// The numbers of nodes, and what they do to the numbers of clients.
///
/// A client's number is `node << 42 | count`: unique among all nodes, and an integer that every double represents exactly
/// (below 2^53), so that JSON and JavaScript read it as it is.
public enum NodeNumber {
    /// The bits of a number that count clients.
    static let countBits: Int64 = 42
    /// The highest node.
    public static let highest: Int64 = 1 << (53 - NodeNumber.countBits) - 1

    /// The node of a client, by the client's number.
    public static func node(of client: Int64) -> Int64 { client >> self.countBits }
    /// The number before a node's first client.
    static func start(of node: Int64) -> Int64 { node << self.countBits }
}

extension Hub {
    /// The audience of a route, as other nodes see it; nil if it reaches no other node.
    func audience(of route: Route, from sender: Client?) -> BusAudience? {
        switch route {
        case .everyone: return .everyone
        case .room(let name): return .room(name)
        case .others: return sender.map { .room($0.room.string) }
        case .only(let ids):
            let others = ids.filter { NodeNumber.node(of: $0) != self.node }
            return others.isEmpty ? nil : .clients(others)
        }
    }

    /// Sends a text, as it is formatted here, to the other nodes.
    func publish(_ texts: FormattedTexts, to route: Route, from sender: Client?) {
        guard self.bus.hasOtherNodes, let audience = self.audience(of: route, from: sender) else { return }
        let formats = texts.dialects.compactMap { dialect in
            texts[dialect].map { BusText.Format(dialect: self.name(of: dialect).string, text: Array($0)) }
        }
        if !formats.isEmpty { self.bus.publish(BusText(to: audience, formats)) }
    }

    /// Sends a text that is the same in all dialects to the other nodes.
    func publish(_ text: UnsafeRawBufferPointer, to route: Route, from sender: Client?) {
        guard self.bus.hasOtherNodes, let audience = self.audience(of: route, from: sender) else { return }
        self.bus.publish(BusText(to: audience, [.init(dialect: nil, text: Array(text))]))
    }

    /// A dialect of other nodes' clients that has no text yet.
    func remoteDialect(missingFrom texts: FormattedTexts, on route: Route, from sender: Client?) -> Dialect? {
        guard self.bus.hasOtherNodes, let audience = self.audience(of: route, from: sender) else { return nil }
        for name in self.bus.dialects(of: audience) {
            // Beyond the limit of dialects there are no hooks for it here.
            if let dialect = self.dialect(name), !texts.has(dialect) { return dialect }
        }
        return nil
    }

    /// Delivers a text from another node to the clients of this one.
    ///
    /// It goes no further.
    ///
    /// - Returns: How many clients get it, and how many miss it.
    @discardableResult
    public func deliver(_ text: BusText) -> Delivery {
        let route: Route =
            switch text.audience {
            case .everyone: .everyone
            case .room(let name): .room(name)
            case .clients(let ids): .only(ids)
            }
        if let format = text.formats.first, format.dialect == nil {
            return format.text.withUnsafeBytes { bytes in self.deliver(to: route, from: nil) { _ in bytes } }
        }
        let texts = FormattedTexts()
        for format in text.formats {
            guard let name = format.dialect, let dialect = self.dialect(name), !texts.has(dialect) else { continue }
            format.text.withUnsafeBytes { texts.set($0, for: dialect) }
        }
        return self.deliver(to: route, from: nil) { texts[$0] }
    }
}
