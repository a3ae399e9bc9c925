// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import LatencyMonitor
public import MailAlerts

extension Settings {
    /// What the latency monitor needs.
    public struct Monitor: Sendable {
        /// What is measured; empty for nothing.
        public var targets: [Endpoint] = []
        /// Between two samples of a target.
        public var interval = Duration.seconds(10)
        /// How long a reply may take; nil for two seconds, or the interval where that is shorter.
        public var timeout: Duration?
        /// Pings of a sample.
        public var burst = 1
        /// Samples until the end; nil for no end.
        public var count: Int?
        /// The port that pings are sent from; nil for a fresh one each.
        public var sourcePort: UInt16?
        /// When a status has lasted.
        public var rules = HealthTracker.Rules()

        /// How long a reply may take.
        public var effectiveTimeout: Duration { self.timeout ?? min(.seconds(2), self.interval) }

        /// The same for the prober.
        public var plan: ProbePlan {
            ProbePlan(
                interval: self.interval,
                timeout: self.effectiveTimeout,
                burst: self.burst,
                count: self.count,
                sourcePort: self.sourcePort
            )
        }
    }

    /// What mails need.
    public struct Mail: Sendable {
        /// The original's mail server, which takes mails and delivers none.
        public static let stockServer = "smtp://smtp.ethereal.email:587"

        /// To whom; empty for nobody, if ``asksLogin`` does not ask.
        public var to: [MailAddress] = []
        /// From whom; nil for the user if that is an address, else the first recipient.
        public var from: MailAddress?
        /// The mail server, as it was written.
        public var server = Self.stockServer
        /// A PEM file with the authorities to trust.
        public var authorities: String?
        /// Who we are to the server.
        public var user: String?
        /// The password.
        public var password: String?
        /// A file with the password.
        public var passwordFile: String?
        /// Whether user and password are asked for on the terminal.
        public var asksLogin = false
        /// The folder where mails wait; nil for one in the user's state folder.
        public var spool: String?
    }
}
