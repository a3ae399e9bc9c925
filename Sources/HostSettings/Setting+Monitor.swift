// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LatencyMonitor
internal import MailAlerts

extension Setting {
    static let monitor: [Setting] = [
        Setting(
            "monitor",
            "Measure the latency of the UDP relay here; may be given more than once.",
            valueName: "host:port",
            arity: .list,
            show: { $0.monitor.targets.map(\.description).joined(separator: ", ") },
            take: { values, settings throws(Refusal) in
                var targets: [Endpoint] = []
                for value in values {
                    let target = try Endpoint.parse(value, defaultPort: Endpoint.stockPort)
                    guard target.port > 0 else { throw Refusal("'\(value)' has port 0, which cannot be pinged") }
                    guard !targets.contains(target) else { throw Refusal("'\(value)' is given twice") }
                    targets.append(target)
                }
                guard targets.count <= Self.mostTargets else {
                    throw Refusal("there are \(targets.count) targets, more than \(Self.mostTargets)")
                }
                settings.monitor.targets = targets
            }
        ),
        .time(
            "interval",
            \.monitor.interval,
            least: ProbePlan.shortestInterval,
            "The time between two samples of a target."
        ),
        Setting(
            "timeout",
            "How long a target may take to answer; by default no longer than the interval.",
            valueName: "time",
            show: { "\(TimeSpan($0.monitor.effectiveTimeout))" },
            take: { values, settings throws(Refusal) in
                settings.monitor.timeout = try TimeSpan.parse(values.last ?? "").value
            }
        ),
        .count("burst", \.monitor.burst, range: 1...256, "Pings of a sample, 10 ms apart; it is the median of them."),
        Setting(
            "source-port",
            "Send pings from this port, for firewalls; else each comes from a port of its own.",
            valueName: "port",
            show: { $0.monitor.sourcePort.map { "\($0)" } ?? "" },
            take: { values, settings throws(Refusal) in
                settings.monitor.sourcePort = UInt16(try Count.parse(values.last ?? "", in: 1...65_535).value)
            }
        ),
        .count(
            "worse-samples",
            \.monitor.rules.worseSamples,
            range: 1...1_000,
            "Samples, of the last ones, that must be worse for a status to be held."
        ),
        .count("worse-window", \.monitor.rules.worseWindow, range: 1...1_000, "How many last samples that looks at."),
        .count(
            "reprobes",
            \.monitor.rules.reprobes,
            range: 0...100,
            "Quick pings after a lost one; if all are lost, its status is held at once."
        ),
        .count(
            "better-samples",
            \.monitor.rules.betterSamples,
            range: 1...1_000,
            "Samples in a row that must be better for a status to be held."
        ),
    ]

    /// Each has windows of its own.
    private static let mostTargets = 1_000

    static let mail: [Setting] = [
        Setting(
            "mail-to",
            "Send alerts to this address; may be given more than once.",
            valueName: "address",
            arity: .list,
            show: { $0.mail.to.map(\.description).joined(separator: ", ") },
            take: { values, settings throws(Refusal) in
                var addresses: [MailAddress] = []
                for value in values { addresses.append(try Self.address(value)) }
                settings.mail.to = addresses
            }
        ),
        Setting(
            "mail-from",
            "Send alerts from this address; else from the user of the mail server, or the first --mail-to.",
            valueName: "address",
            show: { $0.mail.from?.description ?? "" },
            take: { values, settings throws(Refusal) in settings.mail.from = try Self.address(values.last ?? "") }
        ),
        Setting(
            "smtp",
            "The mail server: smtp://HOST[:587], which must offer STARTTLS, or smtps://HOST[:465].",
            valueName: "url",
            show: { $0.mail.server },
            take: { values, settings throws(Refusal) in
                do throws(MailRefusal) {
                    settings.mail.server = try MailServer(values.last ?? "").description
                } catch {
                    throw Refusal(error.reason)
                }
            }
        ),
        .file("smtp-ca", \.mail.authorities, "Trust the certificates in this PEM file, instead of the system's."),
        Setting(
            "smtp-user",
            "The user of the mail server.",
            valueName: "user",
            show: { $0.mail.user ?? "" },
            take: { values, settings throws(Refusal) in
                guard let user = values.last, !user.isEmpty else { throw Refusal("it needs a user") }
                settings.mail.user = user
            }
        ),
        Setting(
            "smtp-password",
            "The user's password: from the environment or a file with settings only.",
            valueName: "password",
            isSecret: true,
            show: { $0.mail.password ?? "" },
            take: { values, settings throws(Refusal) in
                guard let password = values.last, !password.isEmpty else { throw Refusal("it needs a password") }
                settings.mail.password = password
            }
        ),
        .file("smtp-password-file", \.mail.passwordFile, "Read the user's password from the first line of this file."),
        .flag("mail-login", \.mail.asksLogin, "Ask for the user of the mail server and the password on the terminal."),
        Setting(
            "mail-spool",
            "The folder where mails wait until they are delivered; else $XDG_STATE_HOME/luar/mail.",
            valueName: "dir",
            show: { $0.mail.spool ?? "" },
            take: { values, settings throws(Refusal) in
                guard let folder = values.last, !folder.isEmpty else { throw Refusal("it needs a folder") }
                settings.mail.spool = folder
            }
        ),
    ]

    private static func address(_ text: String) throws(Refusal) -> MailAddress {
        do throws(MailRefusal) {
            return try MailAddress(text)
        } catch {
            throw Refusal(error.reason)
        }
    }
}

extension ResolvedSettings {
    /// Values that are fine by themselves and not together.
    func contradictions() -> [String] {
        let monitor = self.settings.monitor
        let mail = self.settings.mail
        func value(_ name: String) -> String {
            guard let setting = Setting.named(name) else { return name }
            return "\(name) \(self.text(of: setting)) (\(self.origin(of: setting)))"
        }
        var problems: [String] = []
        if monitor.effectiveTimeout > monitor.interval {
            problems.append(
                "\(value("timeout")) is longer than \(value("interval")); a sample is decided before the next one begins"
            )
        }
        if monitor.rules.worseSamples > monitor.rules.worseWindow {
            problems.append("\(value("worse-samples")) is more than \(value("worse-window"))")
        }
        if monitor.sourcePort != nil, monitor.burst > 1 {
            problems.append(
                "\(value("burst")) and \(value("source-port")): from one port one ping at a time can be told apart"
            )
        }
        if monitor.sourcePort != nil, monitor.targets.count > 1 {
            problems.append("\(value("monitor")) and \(value("source-port")): from one port one target can be measured")
        }
        if mail.password != nil, mail.passwordFile != nil {
            problems.append("smtp-password and \(value("smtp-password-file")) exclude each other")
        }
        return problems
    }
}
