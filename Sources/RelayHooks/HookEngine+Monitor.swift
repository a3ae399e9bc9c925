// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import LatencyMonitor
internal import Logging
internal import LuaScripting
internal import RelayCore

extension HookEngine: MonitorPolicy {
    /// Asks the `latency` handlers; without an answer a reply is `up`, anything else `down`, and what nobody knows is what
    /// it was before.
    public func judge(_ sample: Sample) -> HealthStatus? {
        var status: HealthStatus?
        self.measure(.latency, sample) { types in
            self.ask(.latency, self.loaded.shapes.latency, .object(LuaObject(type: types.sample, id: self.measurement)))
            {
                answer in
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
        self.measure(nil, sample) { _ in
            var event = ConsoleEvent(kind: .sample)
            event.isSample = true
            event.status = sample.status.map { Label($0.name) }
            self.show(event)
        }
    }

    /// Runs the `status` handlers.
    public func changed(_ report: Report) {
        self.report = report
        self.measure(.status, report.sample) { types in
            let handlers = self.loaded.registry.handlers(for: .status)
            guard !handlers.isEmpty else { return }
            let object = LuaValue.object(LuaObject(type: types.report, id: self.measurement))
            self.execute(EventRun(self.hub, handlers, answer: nil, object, nil))
        }
        self.report = nil
    }

    /// Asks the `alert` handlers for a mail.
    public func alert(_ report: Report) -> Bool {
        guard let alerts = self.alerts else { return false }
        var mail: AlertMail?
        self.report = report
        self.measure(.alert, report.sample) { types in
            self.ask(.alert, self.loaded.shapes.alert, .object(LuaObject(type: types.report, id: self.measurement))) {
                answer in
                if case .success(let read) = AlertMail.read(answer, limits: self.hub.limits) { mail = read }
            }
        }
        self.report = nil
        return mail.map { alerts.send($0, about: report, stored: nil) } ?? false
    }

    /// Tells the console that a mail was delivered.
    public func mailSent(subject: String, status: String, recipient: String) {
        var event = ConsoleEvent(kind: .mailSent)
        self.show(&event, subject, status, recipient)
    }

    /// Tells the console that a mail could not be delivered.
    public func mailFailed(subject: String, status: String, recipient: String, reason: String) {
        var event = ConsoleEvent(kind: .mailFailed, reason: Label(reason))
        self.show(&event, subject, status, recipient)
    }

    private func show(_ event: inout ConsoleEvent, _ subject: String, _ status: String, _ recipient: String) {
        // What is not about a mail or a sample has neither.
        let label = { (text: String) in text.isEmpty ? nil : Label(text) }
        event.subject = label(subject)
        event.status = label(status)
        event.recipient = label(recipient)
        let event = event
        self.hub.perform { self.show(event) }
    }

    /// Asks the console hooks for a text to show on the terminal before somebody types.
    ///
    /// - Parameter kind: `notice`, `address` or `password`.
    /// - Returns: The text, if there is one.
    public func prompt(_ kind: String) -> String? {
        let types = self.loaded.types
        var event = ConsoleEvent(kind: .prompt)
        event.prompt = Label(kind)
        var text: String?
        self.consoleEvent = event
        self.hub.perform {
            _ = self.ask(.console, self.loaded.shapes.console, .object(LuaObject(type: types.console, id: 0))) {
                answer in
                text = answer.text(upTo: self.hub.limits.answerBytes)
            }
        }
        self.consoleEvent = nil
        return text
    }

    /// Runs handlers while they can read a sample, and notes which of them work again.
    private func measure(_ event: HookEvent?, _ sample: Sample, _ body: (HookAPI.MonitorTypes) -> Void) {
        let types = self.loaded.types.monitor
        let handlers = event.map { self.loaded.registry.handlers(for: $0) } ?? []
        let before = handlers.map { ($0.calls, $0.failures) }
        self.measurement += 1
        self.sample = sample
        self.hub.perform { body(types) }
        self.sample = nil
        for (handler, before) in zip(handlers, before)
        where handler.isFailing && handler.calls > before.0 && handler.failures == before.1 {
            handler.isFailing = false
            self.logger.notice(
                "hook works again",
                metadata: [
                    "hook.event": "\(handler.event.rawValue)", "hook.script": "\(handler.place)",
                ]
            )
        }
    }
}
