// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import ArgumentParser
internal import Foundation
internal import HostSettings
internal import LineOutput
internal import MailAlerts
internal import RelayHost

/// `luar mail`: tries the mail settings, and shows what waits.
struct MailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mail",
        abstract: "Try the mail settings, or list the mails that wait.",
        subcommands: [MailTest.self, MailQueueList.self]
    )
}

/// `luar mail test`: sends one mail.
struct MailTest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Send one mail at once, and show what is said between us and the mail server.",
        discussion: """
            Secrets and the message itself are left out of what is shown. The mail does not wait in the spool: the exit \
            code is 1 if the server did not take it.
            """
    )

    @Option(help: ArgumentHelp("To whom; else to each --mail-to of the settings.", valueName: "address"))
    var to: [String] = []

    @OptionGroup(title: "Mail")
    var server: MailServerOptions

    @OptionGroup(title: "Mail")
    var common: CommonOptions

    func run() async throws {
        do {
            var mail = try self.common.resolve([self.server, self.common]).settings.mail
            if !self.to.isEmpty { mail.to = try self.to.map { try MailAddress($0) } }
            if mail.asksLogin {
                // No script is asked: it is the mail that is tried.
                let login = try LoginQuestions.ask(
                    LoginPrompts(notice: "", address: "Mail address: ", password: "Password: ")
                )
                (mail.user, mail.password, mail.passwordFile) = (login.user, login.password, nil)
                if mail.to.isEmpty { mail.to = [try MailAddress(login.user)] }
            }
            guard let settings = try mail.delivery(environment: ProcessInfo.processInfo.environment) else {
                throw ValidationError("say to whom, with --to ADDRESS")
            }
            let draft = try MailDraft(
                to: mail.to,
                subject: "Luar: test",
                text: "This mail was sent by `luar mail test`. Alerts will arrive the same way.\n"
            )
            try MailTestSender.send(draft, with: settings) { line in
                try? StandardOutput.write(LineEscaping.escaped(line) + "\n")
            }
            try StandardOutput.write(
                "sent to \(LineEscaping.escaped(mail.to.map(\.mailbox).joined(separator: ", ")))\n"
            )
        } catch {
            throw Failure.report(error)
        }
    }
}

/// `luar mail queue`: lists the spool.
struct MailQueueList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue",
        abstract: "List the mails that wait, and those that failed for good.",
        discussion: "Nothing is changed; a monitor may run meanwhile."
    )

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup(title: "Mail")
    var spool: MailSpoolOptions

    @OptionGroup(title: "Mail")
    var common: CommonOptions

    /// The mails of a spool folder, for programs.
    private struct Listing: Encodable {
        struct Mail: Encodable {
            var id: String
            var state: String
            var created: Double
            var recipient: String
            var subject: String
            var size: Int
            var error: String?
        }

        var folder: String
        var mails: [Mail]
    }

    func run() throws {
        try Failure.reported {
            let mail = try self.common.resolve([self.spool, self.common]).settings.mail
            let folder = try mail.spoolFolder(environment: ProcessInfo.processInfo.environment)
            // Before the first alert there is no folder, and nothing in it.
            let mails = FileManager.default.fileExists(atPath: folder) ? try SpoolListing(folder).mails : []
            let listing = Listing(
                folder: folder,
                mails: mails.map {
                    Listing.Mail(
                        id: $0.id,
                        state: $0.state.rawValue,
                        created: $0.created,
                        recipient: $0.recipient,
                        subject: $0.subject,
                        size: $0.size,
                        error: $0.lastError
                    )
                }
            )
            try self.json ? StandardOutput.write(json: listing) : StandardOutput.write(self.table(listing))
        }
    }

    private func table(_ listing: Listing) -> String {
        guard !listing.mails.isEmpty else { return "no mails in \(LineEscaping.escaped(listing.folder))\n" }
        var table = Table("CREATED", "STATE", "TO", "SUBJECT", "BYTES", "LAST ERROR")
        for mail in listing.mails {
            let time = Date(timeIntervalSince1970: mail.created)
                .formatted(.iso8601.dateTimeSeparator(.space).timeZoneSeparator(.omitted))
            table.add(time, mail.state, mail.recipient, mail.subject, "\(mail.size)", mail.error ?? "")
        }
        return table.text + "\n\(listing.mails.count) in \(LineEscaping.escaped(listing.folder))\n"
    }
}
