// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// A mail server and how it is spoken to: `smtp://host` with STARTTLS, which it must offer, or `smtps://host` with TLS from the start.
///
/// `smtp+insecure://` speaks in clear text and is for test servers on this machine alone.
public struct MailServer: Sendable, Hashable, CustomStringConvertible {
    enum Security: Sendable, Hashable {
        /// STARTTLS (RFC 3207), required.
        case startTLS
        /// TLS from the first byte (RFC 8314).
        case tls
        /// None, and so no login either.
        case none
    }

    let security: Security
    /// A name or an address, without brackets.
    public let host: String
    /// Of the server.
    public let port: UInt16

    /// Whether it is spoken to in clear text.
    public var isInsecure: Bool { self.security == .none }

    /// The port of mail submission (RFC 6409), and with TLS from the start (RFC 8314).
    private static let schemes: [(prefix: String, security: Security, port: UInt16)] = [
        ("smtp://", .startTLS, 587), ("smtps://", .tls, 465), ("smtp+insecure://", .none, 25),
    ]

    /// Reads a server's address.
    ///
    /// - Parameter text: `smtp://HOST[:PORT]`, `smtps://HOST[:PORT]`, `smtp+insecure://HOST[:PORT]` or `HOST[:PORT]`, which is
    ///   `smtp://`. An IPv6 address stands in brackets.
    /// - Throws: What is wrong with it.
    public init(_ text: String) throws(MailRefusal) {
        // Not repeated in any error: it may hold a password.
        guard !text.contains("@") else {
            throw MailRefusal("a mail server's address holds no login; give the user and the password apart")
        }
        var rest = Substring(text)
        var (security, port) = (Security.startTLS, UInt16(587))
        if let scheme = Self.schemes.first(where: { text.lowercased().hasPrefix($0.prefix) }) {
            rest = text.dropFirst(scheme.prefix.count)
            (security, port) = (scheme.security, scheme.port)
            if rest.hasSuffix("/") { rest = rest.dropLast() }
        } else if text.contains("://") {
            throw MailRefusal("a mail server is smtp://HOST[:PORT] or smtps://HOST[:PORT]")
        }
        let host: Substring
        if rest.hasPrefix("["), let bracket = rest.firstIndex(of: "]") {
            host = rest[rest.index(after: rest.startIndex)..<bracket]
            rest = rest[rest.index(after: bracket)...]
            guard Self.isV6(host) else { throw MailRefusal("what stands in brackets is not an IPv6 address") }
        } else {
            host = rest.prefix { $0 != ":" }
            rest = rest[host.endIndex...]
            guard Self.isHostName(host) else {
                throw MailRefusal("a mail server is a host name or an address, with an IPv6 address in brackets")
            }
        }
        if !rest.isEmpty {
            guard rest.hasPrefix(":"), rest.dropFirst().utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = UInt16(rest.dropFirst()), number > 0
            else { throw MailRefusal("a mail server's port is a number from 1 to 65535") }
            port = number
        }
        guard security != .none || Self.isLoopback(host) else {
            throw MailRefusal(
                "smtp+insecure:// is for test servers on this machine; use smtp://, which requires STARTTLS"
            )
        }
        self.security = security
        self.host = String(host)
        self.port = port
    }

    /// Its address with scheme and port.
    public var description: String {
        let scheme = Self.schemes.first { $0.security == self.security }?.prefix ?? ""
        return scheme + self.name
    }

    /// As it is called in messages: host and port.
    var name: String { self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)" }

    /// Whether a name is of this machine by its letters alone: nobody is asked, who might lie.
    private static func isLoopback(_ host: Substring) -> Bool {
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return host.lowercased() == "localhost" || host == "::1"
            || (numbers.count == 4 && numbers[0] == 127 && !numbers.contains(nil))
    }

    private static func isV6(_ host: Substring) -> Bool {
        host.contains(":") && host.utf8.count <= 45
            && host.utf8.allSatisfy { (0x30...0x3A).contains($0) || (0x61...0x66).contains($0 | 0x20) || $0 == 0x2E }
    }

    /// Whether a text has the form of a host name (RFC 1123, section 2.1) or an IPv4 address.
    static func isHostName(_ text: Substring) -> Bool {
        text.utf8.count <= 253
            && text.split(separator: ".", omittingEmptySubsequences: false)
                .allSatisfy { label in
                    (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                        && label.utf8.allSatisfy {
                            (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == 0x2D
                        }
                }
    }
}
