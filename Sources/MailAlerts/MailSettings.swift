// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation

/// How mail is sent, and where it waits.
public struct MailSettings: Sendable {
    /// Who takes the mail.
    public let server: MailServer
    /// From whom it comes.
    public let from: MailAddress
    /// Who we are to the server, if it wants to know.
    public let login: MailLogin?
    /// A PEM file with the certificates of the authorities to trust, instead of the system's.
    public let authorities: String?
    /// The folder where mail waits.
    public let spool: String
    /// What bounds all that.
    public let limits: MailLimits

    /// Takes settings that go together.
    ///
    /// - Parameters:
    ///   - server: Who takes the mail.
    ///   - from: From whom it comes.
    ///   - login: A user and a password, if the server wants them; not with a server that is spoken to in clear text.
    ///   - authorities: A PEM file with the certificates of the authorities to trust, instead of the system's.
    ///   - spool: The folder where mail waits; made where there is none.
    ///   - limits: What bounds all that.
    /// - Throws: What does not go together, or cannot be read.
    public init(
        server: MailServer,
        from: MailAddress,
        login: MailLogin? = nil,
        authorities: String? = nil,
        spool: String,
        limits: MailLimits = MailLimits()
    ) throws(MailError) {
        if let login {
            guard !server.isInsecure else {
                throw MailError("\(server) is spoken to in clear text and takes no login; use smtp:// or smtps://")
            }
            let hasControls = (login.user + login.password).unicodeScalars
                .contains { [0, 0x0A, 0x0D].contains($0.value) }
            guard !hasControls, !login.user.isEmpty else {
                throw MailError("the mail server's user or password is empty or holds a line break or NUL")
            }
        }
        if let authorities { try Self.check(authorities: authorities) }
        guard !spool.isEmpty, !spool.utf8.contains(0) else { throw MailError("the spool folder has no name") }
        self.server = server
        self.from = from
        self.login = login
        self.authorities = authorities
        self.spool = spool
        self.limits = limits
    }

    private static func check(authorities: String) throws(MailError) {
        let text: Data
        do {
            text = try Data(contentsOf: URL(fileURLWithPath: authorities))
        } catch {
            throw MailError("cannot read the certificates in '\(authorities)': \(error.localizedDescription)")
        }
        guard
            text.range(of: Data("-----BEGIN CERTIFICATE-----".utf8)) != nil
                || text.range(of: Data("-----BEGIN TRUSTED CERTIFICATE-----".utf8)) != nil
        else {
            throw MailError("'\(authorities)' holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")
        }
    }
}
