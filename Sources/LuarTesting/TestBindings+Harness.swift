// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import HostSettings
internal import LatencyMonitor
internal import LuaScripting
internal import RelayCore
internal import RelayHooks

extension TestBindings {
    /// What a test does with its harness.
    func call(_ function: TestAPI.Function, _ arguments: LuaArguments, _ harness: HookHarness) -> LuaResult {
        switch function {
        case .connect: return self.connect(arguments, harness)
        case .measure: return self.measure(arguments, harness)
        case .advance:
            guard let seconds = arguments[1].finite, seconds >= 0, seconds <= Self.longestAdvance else {
                return .failure("t:advance takes a number of seconds up to ten years, not \(arguments[1].written)")
            }
            harness.advance(by: .seconds(seconds))
            return .value(.nil)
        case .mails:
            defer { self.seen.mails = harness.mails.count }
            return .table(.list(harness.mails[self.seen.mails...].map(Self.tree)))
        case .console:
            defer { self.seen.console = harness.console.count }
            return .table(.list(harness.console[self.seen.console...].map { .text($0) }))
        case .log:
            defer { self.seen.log = harness.log.count }
            return .table(.list(harness.log[self.seen.log...].map { .text($0.message) }))
        case .equal: return self.expectEqual(arguments)
        case .failsWith: return self.expectFailure(arguments, harness)
        case .stop:
            harness.stop()
            return .value(.nil)
        case .says, .hears, .heard, .leaves: return self.callClient(function, arguments)
        case .test, .print, .missing: return .value(.nil)
        }
    }

    /// The longest time that passes at once, in seconds.
    private static let longestAdvance = 10 * 366 * 24 * 60 * 60.0

    private static func tree(_ mail: HarnessMail) -> LuaData {
        var fields: [String: LuaData] = [
            "subject": .text(mail.subject), "text": .text(mail.text), "to": .list(mail.to.map { .text($0) }),
        ]
        if let html = mail.html { fields["html"] = .text(html) }
        return .map(fields)
    }

    // MARK: Clients

    private func connect(_ arguments: LuaArguments, _ harness: HookHarness) -> LuaResult {
        var transport = TransportKind.tcp
        switch arguments[1] {
        case .nil: break
        case .bytes:
            guard let named = TransportKind(named: arguments[1].text ?? "") else {
                return .failure("t:connect takes \(TransportKind.luaChoices) first, not \(arguments[1].written)")
            }
            transport = named
        default: return .failure("t:connect takes \(TransportKind.luaChoices) first, not \(arguments[1].described)")
        }
        if case .nil = arguments[2] {
        } else if arguments[2].text == nil {
            return .failure("t:connect takes an address like \"10.0.0.1:4000\" second, not \(arguments[2].described)")
        }
        guard harness.budget.admit(HarnessBudget.clientBytes) else { return self.fail(HarnessBudget.problem) }
        do {
            return self.add(try harness.client(transport, arguments[2].text))
        } catch {
            return .failure("t:connect: \(error.problems.joined(separator: "; "))")
        }
    }

    private func callClient(_ function: TestAPI.Function, _ arguments: LuaArguments) -> LuaResult {
        guard case .object(let object) = arguments[0], object.type == self.types?.client,
            self.clients.indices.contains(Int(object.id))
        else { return .failure("a client's methods are called with a colon") }
        let client = self.clients[Int(object.id)]
        switch function {
        case .says:
            guard case .bytes(let text) = arguments[1] else {
                return .failure("client:says takes a string, not \(arguments[1].described)")
            }
            client.sends(Array(text))
            return .value(.nil)
        case .heard: return .table(.list(client.heard.map { .text($0) }))
        case .leaves:
            if case .nil = arguments[1] { client.leaves() } else { client.leaves(arguments[1].text ?? "left") }
            return .value(.nil)
        default: return self.expectHeard(client, arguments)
        }
    }

    private func measure(_ arguments: LuaArguments, _ harness: HookHarness) -> LuaResult {
        let outcome: PingOutcome
        let names: [String: PingOutcome] = [
            "timeout": .timeout, "refused": .refused, "inconclusive": .inconclusive,
        ]
        if let milliseconds = arguments[1].finite, milliseconds >= 0, milliseconds <= 1e9 {
            outcome = .reply(.nanoseconds(Int64(milliseconds * 1e6)))
        } else if let name = arguments[1].text, let named = names[name] {
            outcome = named
        } else {
            return .failure(
                "t:measure takes milliseconds, \"timeout\", \"refused\" or \"inconclusive\", not \(arguments[1].written)"
            )
        }
        let sample =
            arguments[2].text.map { harness.measure(outcome, of: $0) } ?? harness.measure(outcome)
        var fields: [String: LuaData] = [:]
        fields["status"] = sample.status.map { .text($0) }
        fields["level"] = sample.level.map { .integer(Int64($0)) }
        fields["held"] = sample.held.map { .text($0) }
        return .record(name: "what t:measure returns", fields)
    }

    // MARK: Expectations

    /// Notes that an expectation is not met, and ends the test there.
    func fail(_ reason: String, expected: [String] = [], actual: [String] = []) -> LuaResult {
        // The first one counts, also where the test catches its error.
        if self.failure == nil {
            self.failure = Failure(place: self.place, reason: reason, expected: expected, actual: actual)
        }
        return .failure(reason)
    }

    private func expectHeard(_ client: HarnessClient, _ arguments: LuaArguments) -> LuaResult {
        var expected: [String] = []
        for index in 1..<max(1, arguments.count) {
            guard let text = arguments[index].text else {
                return .failure("client:hears takes the texts that were heard, not \(arguments[index].described)")
            }
            expected.append(text)
        }
        let heard = client.hears
        // By their bytes: to Swift, an accent alone behind its letter is the same as both in one.
        guard heard.map({ Array($0.utf8) }) != expected.map({ Array($0.utf8) }) else { return .value(.nil) }
        let lines = { (texts: [String]) in texts.map { LuaData.text($0).line } }
        let reason =
            expected.isEmpty
            ? "\(client.name) heard something" : "\(client.name) heard \(heard.isEmpty ? "nothing" : "something else")"
        return self.fail(reason, expected: lines(expected), actual: lines(heard))
    }

    private func expectEqual(_ arguments: LuaArguments) -> LuaResult {
        let (actual, expected) = (arguments[1].written, arguments[2].written)
        guard !actual.utf8.elementsEqual(expected.utf8) else { return .value(.nil) }
        return self.fail("the values differ", expected: [expected], actual: [actual])
    }

    private func expectFailure(_ arguments: LuaArguments, _ harness: HookHarness) -> LuaResult {
        guard let text = arguments[1].text else {
            return .failure("t:fails_with takes a part of the error's text, not \(arguments[1].described)")
        }
        let failures = harness.failures[self.seen.failures...]
        self.seen.failures = harness.failures.count
        guard !failures.contains(where: { $0.message.contains(text) }) else { return .value(.nil) }
        let actual = failures.map(\.message)
        return self.fail(
            actual.isEmpty ? "no hook failed" : "no hook failed with that",
            expected: [text],
            actual: actual
        )
    }
}

extension LuaData {
    /// A text as one line of a report.
    fileprivate var line: String {
        guard case .text(let text) = self else { return "" }
        return text.replacing("\n", with: "\\n").replacing("\r", with: "\\r")
    }
}

extension LuaValue {
    /// A finite number.
    fileprivate var finite: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .number(let number) where number.isFinite: number
        default: nil
        }
    }
}
