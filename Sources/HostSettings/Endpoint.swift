// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Where a relay listens or a client connects, as a person writes it: `HOST:PORT`, an IPv6 host in brackets.
public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
    /// The port of the original system.
    public static let stockPort = 12_345

    /// A name or a numeric address.
    public var host: String
    /// A port; 0 lets the system choose where to listen.
    public var port: Int

    /// Makes an endpoint from its parts.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads an endpoint.
    ///
    /// - Parameters:
    ///   - text: What a person wrote.
    ///   - defaultPort: The port where the text has none; nil if it must have one.
    /// - Throws: ``SettingsError`` saying what an endpoint looks like.
    public init(_ text: String, defaultPort: Int? = nil) throws(SettingsError) {
        do {
            self = try Self.parse(text, defaultPort: defaultPort)
        } catch {
            throw SettingsError(error.reason)
        }
    }

    static func parse(_ text: String, defaultPort: Int? = nil) throws(Refusal) -> Endpoint {
        func refusal(_ reason: String) -> Refusal {
            Refusal("'\(text)' is no address: \(reason); write HOST:PORT, like 127.0.0.1:12345 or [::1]:12345")
        }
        guard let (host, digits) = Self.split(text) else {
            throw refusal(text.contains("[") ? "the brackets do not match" : "an IPv6 host goes in brackets")
        }
        guard !host.isEmpty else { throw refusal("it has no host") }
        guard host.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw refusal("a host has no spaces or control characters")
        }
        guard let digits else {
            // The system would take a number for an address of one part.
            guard Int(host) == nil else { throw refusal("it has no host") }
            guard let defaultPort else { throw refusal("it has no port") }
            return Endpoint(host: host, port: defaultPort)
        }
        guard let port = UInt16(digits), digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
            throw refusal("'\(digits)' is no port from 0 to 65535")
        }
        return Endpoint(host: host, port: Int(port))
    }

    /// Takes a text apart at its last colon; nil where colons and brackets make no sense.
    private static func split(_ text: String) -> (host: String, port: Substring?)? {
        if text.hasPrefix("[") {
            guard let end = text.lastIndex(of: "]") else { return nil }
            let host = String(text[text.index(after: text.startIndex)..<end])
            let rest = text[text.index(after: end)...]
            if rest.isEmpty { return (host, nil) }
            return rest.hasPrefix(":") ? (host, rest.dropFirst()) : nil
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        switch parts.count {
        case 1: return (text, nil)
        case 2: return (String(parts[0]), parts[1])
        default: return nil
        }
    }

    /// The endpoint as it is written.
    public var description: String {
        self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)"
    }
}
