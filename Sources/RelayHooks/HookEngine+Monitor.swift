// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import LatencyMonitor
internal import Logging
internal import LuaScripting
internal import RelayCore

extension HookEngine: MonitorPolicy {
    /// Asks the `latency` hooks; without an answer a reply is `up`, anything else `down`, and what nobody knows is what
    /// it was before.
    public func judge(_ sample: Sample) -> HealthStatus? {
        var status: HealthStatus?
        self.measure(HookSubject(sample: sample)) { subject, number in
            let object = LuaValue.object(LuaObject(type: self.loaded.types.monitor.sample, id: number))
            self.ask(self.loaded.lists[.latency], about: subject, self.loaded.schemas.latency, object) { answer in
                switch answer {
                case .leveled(let name, let level):
                    status = HealthStatus(name: String(decoding: name, as: UTF8.self), level: level)
                case .bytes(let name):
                    let level = Self.builtIn(sample)?.level ?? 0
                    status = HealthStatus(name: String(decoding: name, as: UTF8.self), level: level)
                default: break
                }
            }
        }
        return status ?? Self.builtIn(sample)
    }

    private static func builtIn(_ sample: Sample) -> HealthStatus? {
        switch sample.outcome {
        case .reply: HealthStatus(name: "up", level: 0)
        case .timeout, .refused: HealthStatus(name: "down", level: HealthStatus.worst)
        case .inconclusive: sample.previous
        }
    }

    /// Asks the console hooks about a sample.
    public func measured(_ sample: Sample) {
        self.measure(HookSubject(sample: sample)) { subject, _ in
            var event = ConsoleEvent(kind: .sample)
            event.isSample = true
            event.status = sample.status.map { PinnedString($0.name) }
            self.show(event, about: subject)
        }
    }

    /// Calls the `status` hooks.
    public func changed(_ report: Report) {
        self.measure(HookSubject(sample: report.sample, report: report)) { subject, number in
            let object = LuaObject(type: self.loaded.types.monitor.report, id: number)
            self.notify(.status, about: subject, .object(object))
        }
    }

    /// Asks the `alert` hooks for a mail.
    public func alert(_ report: Report) -> Bool {
        guard let alerts = self.environment.alerts else { return false }
        var mail: AlertMail?
        self.measure(HookSubject(sample: report.sample, report: report)) { subject, number in
            let object = LuaValue.object(LuaObject(type: self.loaded.types.monitor.report, id: number))
            self.ask(self.loaded.lists[.alert], about: subject, self.loaded.schemas.alert, object) { answer in
                if case .success(let read) = AlertMail.read(answer, limits: self.hub.limits) { mail = read }
            }
        }
        return mail.map { alerts.send($0, about: report, stored: nil) } ?? false
    }

    /// Tells the console that a mail was delivered.
    public func mailSent(subject: String, status: String, recipient: String) {
        var event = ConsoleEvent(kind: .mailSent)
        self.show(&event, subject, status, recipient)
    }

    /// Tells the console that a mail could not be delivered.
    public func mailFailed(subject: String, status: String, recipient: String, reason: String) {
        var event = ConsoleEvent(kind: .mailFailed, reason: PinnedString(reason))
        self.show(&event, subject, status, recipient)
    }

    private func show(_ event: inout ConsoleEvent, _ subject: String, _ status: String, _ recipient: String) {
        // What is not about a mail or a sample has neither.
        let label = { (text: String) in text.isEmpty ? nil : PinnedString(text) }
        event.subject = label(subject)
        event.status = label(status)
        event.recipient = label(recipient)
        let event = event
        self.hub.runPolicy { self.show(event) }
    }

    /// Asks the console hooks for a text to show on the terminal before somebody types.
    ///
    /// - Parameter kind: `notice`, `address` or `password`.
    /// - Returns: The text, if there is one.
    public func prompt(_ kind: String) -> String? {
        var event = ConsoleEvent(kind: .prompt)
        event.prompt = PinnedString(kind)
        var text: String?
        let object = LuaValue.object(LuaObject(type: self.loaded.types.console, id: 0))
        self.hub.runPolicy {
            _ = self.ask(
                self.loaded.lists[.console],
                about: HookSubject(console: event),
                self.loaded.schemas.console,
                object
            ) { answer in
                text = answer.text(upTo: self.hub.limits.answerBytes)
            }
        }
        return text
    }

    /// Runs hooks that can read a measurement, by the number that its objects have.
    private func measure(_ subject: HookSubject, _ body: (HookSubject, _ number: Int64) -> Void) {
        self.counts.lastMeasurement += 1
        self.hub.runPolicy { body(subject, self.counts.lastMeasurement) }
    }
}
