// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Scheduling

/// A measurement of a target: what a slot's pings say.
///
/// Of a burst it is the median ping, lost ones being slower than any.
public struct Sample {
    /// The target, as it was asked for.
    public var target: String
    /// The slot, from 1; slots without pings are left out.
    public var sequence: Int
    /// When its first ping was sent, in Unix seconds.
    public var time: Double
    /// What became of it.
    public var outcome: PingOutcome
    /// Pings of the slot, and those of them that were lost.
    public var sent: Int
    /// Those of them that were lost or refused.
    public var lost: Int
    /// What it means, once somebody has said so.
    public var status: HealthStatus?
    /// What the sample before it meant.
    public var previous: HealthStatus?
    /// The target's windows, this sample included.
    public let windows: LatencyWindows

    /// The round-trip time of a reply, in milliseconds.
    public var milliseconds: Double? {
        guard case .reply(let time) = self.outcome else { return nil }
        return time.milliseconds
    }

    /// What became of it, in the word that scripts and JSON have.
    public var outcomeName: String {
        switch self.outcome {
        case .reply: "reply"
        case .timeout: "timeout"
        case .refused: "refused"
        case .inconclusive: "inconclusive"
        }
    }
}

/// A status of a target, and the one that it replaces or would replace.
public struct Report {
    /// The target, as it was asked for.
    public var target: String
    /// The status: of the sample, or if ``isHeld`` the one that is held from now on.
    public var status: HealthStatus
    /// Since when samples have it, in Unix seconds.
    public var since: Double
    /// The status that was held before.
    public var previous: HealthStatus?
    /// Since when that was, in Unix seconds.
    public var previousSince: Double?
    /// Everything measured from then until ``since``, once the status is held.
    public var previousWindow: WindowSummary?
    /// Whether the status is held from now on: it has lasted as the rules ask.
    public var isHeld: Bool
    /// Whether re-probes said so, and not a new sample.
    public var isReprobed: Bool
    /// When the last mail about the target was made, in Unix seconds.
    public var lastMail: Double?
    /// What mails about the same trouble have in common; nil while all is well.
    public var incident: String?
    /// The last sample.
    public var sample: Sample
}

/// What samples mean and what is done about them: the monitor asks, somebody else answers.
public protocol MonitorPolicy: AnyObject {
    /// What a sample means; nil if it means nothing.
    func judge(_ sample: Sample) -> HealthStatus?
    /// A sample was taken, and judged.
    func measured(_ sample: Sample)
    /// A status is held from now on.
    func changed(_ report: Report)
    /// Asks for an alert; true if one was sent.
    func alert(_ report: Report) -> Bool
}
