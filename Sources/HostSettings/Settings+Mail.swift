// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
public import MailAlerts

extension Settings.Mail {
    /// The longest password file, which is one line.
    private static let longestFile = 4_096

    /// Whether somebody is to get mail.
    public var isSetUp: Bool { !self.to.isEmpty || self.asksLogin }

    /// The same for a mail queue.
    ///
    /// - Parameter environment: The process's environment.
    /// - Returns: What delivery needs; nil if nobody is to get mail.
    /// - Throws: ``SettingsError`` for what is missing or does not go together.
    public func delivery(environment: [String: String]) throws(SettingsError) -> MailSettings? {
        guard let first = self.to.first else { return nil }
        let login = try self.login()
        do {
            return try MailSettings(
                server: try MailServer(self.server),
                from: self.from ?? self.user.flatMap { try? MailAddress($0) } ?? first,
                login: login,
                authorities: self.authorities,
                spool: try self.spoolFolder(environment: environment)
            )
        } catch let error as SettingsError {
            throw error
        } catch {
            throw SettingsError("\(error)")
        }
    }

    /// The folder where mails wait.
    ///
    /// - Parameter environment: The process's environment.
    /// - Returns: A path, whether or not there is such a folder.
    /// - Throws: ``SettingsError`` if none is set and the user has no home.
    public func spoolFolder(environment: [String: String]) throws(SettingsError) -> String {
        if let spool = self.spool { return spool }
        if let state = environment["XDG_STATE_HOME"], !state.isEmpty { return "\(state)/luar/mail" }
        if let home = environment["HOME"], !home.isEmpty { return "\(home)/.local/state/luar/mail" }
        throw SettingsError("there is no home folder to keep waiting mails in; name a folder with --mail-spool")
    }

    private func login() throws(SettingsError) -> MailLogin? {
        var password = self.password
        if let file = self.passwordFile { password = try Self.firstLine(of: file) }
        switch (self.user, password) {
        case (let user?, let password?): return MailLogin(user: user, password: password)
        case (nil, nil): return nil
        case (_?, nil):
            throw SettingsError(
                "smtp-user needs a password: in LUAR_SMTP_PASSWORD, in a file that --smtp-password-file names, or with --mail-login"
            )
        case (nil, _?): throw SettingsError("a password for the mail server needs a user; name it with --smtp-user")
        }
    }

    private static func firstLine(of path: String) throws(SettingsError) -> String {
        func refusal(_ reason: String) -> SettingsError {
            SettingsError("cannot read the password in '\(path)': \(reason)")
        }
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw refusal("there is no file that can be read")
        }
        defer { try? handle.close() }
        guard let data = try? handle.read(upToCount: Self.longestFile + 1) else { throw refusal("it cannot be read") }
        guard data.count <= Self.longestFile else { throw refusal("it is longer than \(Self.longestFile) bytes") }
        guard let text = String(validating: data, as: UTF8.self) else { throw refusal("it is not UTF-8") }
        guard let line = text.split(whereSeparator: \.isNewline).first else { throw refusal("it is empty") }
        return String(line)
    }
}
