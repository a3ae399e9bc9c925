// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import LatencyMonitor
import TestSupport
import Testing

@testable import RelayHooks

/// What scripts decide about measurements.
@Suite struct MonitorHookTests {
    @Test func `the console and the mails say what the original says`() throws {
        let chat = try Chat()
        chat.measure(.reply(.milliseconds(8)))
        chat.measure(.reply(.microseconds(15_640)))
        chat.measure(.reply(.milliseconds(100)))
        chat.measure(.reply(.microseconds(299_990)))
        chat.measure(.reply(.milliseconds(300)))
        chat.measure(.timeout)
        chat.measure(.refused)
        #expect(
            chat.console.lines == [
                "Conexão Normal. Latência: 8.00 ms", "Conexão Normal. Latência: 15.64 ms",
                "Conexão Lenta. Latência: 100.00 ms", "Conexão Lenta. Latência: 299.99 ms",
                "Conexão Muito Lenta. Latência: 300.00 ms", "Conexão Inativa.", "Conexão Inativa.",
            ]
        )
        #expect(chat.outbox.mails.count == 7)
        #expect(
            chat.outbox.mails[1]
                == AlertMail(
                    subject: "Alerta de latência: Normal",
                    text: "A conexão ao 127.0.0.1:12345 está Normal.\nLatência: 15.64 ms"
                )
        )
        #expect(chat.outbox.mails[4].subject == "Alerta de latência: Muito Lenta")
        #expect(chat.outbox.mails[5].text == "A conexão ao 127.0.0.1:12345 está Inativa.\nLatência: Sem Resposta")
        #expect(chat.log.entries.isEmpty)
    }

    @Test func `what happened to mails is told in the original's words`() throws {
        let chat = try Chat()
        chat.hooks.mailSent(subject: "Alerta de latência: Lenta", status: "Lenta", recipient: "ana@example.com")
        chat.hooks.mailFailed(
            subject: "Alerta de latência: Lenta",
            status: "Lenta",
            recipient: "ana@example.com",
            reason: "connection refused"
        )
        #expect(
            chat.console.lines == [
                "E-mail de conexão enviado: Lenta", "Não foi possível enviar o e-mail: connection refused",
            ]
        )
    }

    @Test func `both limits are settings`() throws {
        let chat = try Chat(settings: ["latency.normal_ms": "5", "latency.slow_ms": "7.5"])
        for milliseconds in [4, 6, 8] { chat.measure(.reply(.milliseconds(milliseconds))) }
        #expect(
            chat.console.lines == [
                "Conexão Normal. Latência: 4.00 ms", "Conexão Lenta. Latência: 6.00 ms",
                "Conexão Muito Lenta. Latência: 8.00 ms",
            ]
        )
    }

    @Test func `with notify change a mail goes out when a status has lasted, and another when it is over`() throws {
        let chat = try Chat(settings: ["alerts.notify": "change"])
        chat.measure(.reply(.milliseconds(8)))
        for _ in 0..<2 { chat.measure(.timeout) }
        #expect(chat.outbox.mails.isEmpty)
        chat.measure(.timeout)
        #expect(
            chat.outbox.mails.map(\.text) == [
                "A conexão ao 127.0.0.1:12345 está Inativa.\nLatência: Sem Resposta"
            ]
        )
        for _ in 0..<3 { chat.measure(.reply(.milliseconds(9))) }
        #expect(chat.outbox.mails.count == 2)
        #expect(chat.outbox.mails.last?.subject == "Alerta de latência: Normal")
        #expect(
            chat.outbox.mails.last?.text
                == "A conexão ao 127.0.0.1:12345 está Normal.\nLatência: 9.00 ms\n\n"
                + "Antes: Inativa, por 00:00:30.\nPerda: 100.0 %"
        )
    }

    @Test func `re-probes that are all lost hold a status at once, which is mailed once`() throws {
        let chat = try Chat(settings: ["alerts.notify": "change"])
        chat.measure(.reply(.milliseconds(8)))
        #expect(chat.see(.decided(.timeout)))
        chat.see(.reprobed(isLost: true))
        #expect(chat.outbox.mails.map(\.subject) == ["Alerta de latência: Inativa"])
        #expect(!chat.see(.decided(.timeout)))
        #expect(chat.outbox.mails.count == 1)
        let every = try Chat()
        every.see(.decided(.timeout))
        every.see(.reprobed(isLost: true))
        #expect(every.outbox.mails.count == 1)
    }

    @Test func `mails about one trouble, its end included, have an incident in common`() throws {
        let chat = try Chat()
        let good = PingOutcome.reply(.milliseconds(1))
        for outcome in [good, .timeout, good, .timeout, .timeout, .timeout, good, good, good, good, .timeout] {
            chat.measure(outcome)
        }
        let incidents = chat.outbox.incidents.map { $0?.split(separator: " ").last.map { String($0) } ?? "-" }
        let (first, long, last) = ("1000020000", "1000040000", "1000110000")
        #expect(incidents == ["-", first, first, long, long, long, long, long, long, "-", last])
    }

    @Test func `a script's answers win, and its mails say what it wants`() throws {
        let chat = try Chat(
            """
            relay.on("latency", function(sample)
              return sample.window.m1.n > 1 and "many" or "few", 1
            end)
            relay.on("alert", function(report)
              return { subject = report.status .. " " .. report.level, text = report.sample.target, html = "<b>x</b>",
                to = { "a@example.com", "b@example.com" } }
            end)
            """
        )
        chat.measure(.reply(.milliseconds(1)))
        chat.measure(.reply(.milliseconds(1)))
        #expect(
            chat.outbox.mails
                == ["few 1", "many 1"]
                .map {
                    AlertMail(
                        subject: $0,
                        text: "127.0.0.1:12345",
                        html: "<b>x</b>",
                        to: ["a@example.com", "b@example.com"]
                    )
                }
        )
    }

    @Test(arguments: [
        ("return 7", "latency answered a number; it may answer a status's name and a level from 0 (good) to 3 (down)"),
        ("return 'x', 4", "latency answered the level 4; it may"),
        ("return 'x', -1", "latency answered the level -1; it may"),
        ("return 'x', 1.5", "latency answered the level 1.5; it may"),
        ("return 'x', 'bad'", "latency answered the level bad; it may"),
        ("return false", "latency answered false; it may"), ("return ''", "latency answered an empty name; it may"),
        ("return 'a\\nb', 2", "latency answered a name with control characters; it may"),
        ("return '\\xFF'", "latency answered a name that is not UTF-8; it may"),
        ("return string.rep('x', 1000)", "latency answered 1000 bytes, more than the limit of 128; it may"),
        ("error('no')", "test.lua:1: no"),
        ("return sample.rtt_msec", "a sample has no field 'rtt_msec'; did you mean 'rtt_ms'?"),
        ("return sample.window.m1.p95", "a window has no field 'p95'; did you mean"),
    ]) func `a latency hook that fails is told once, and the built-in answer is used`(body: String, reason: String)
        throws
    {
        let chat = try Chat(
            ["test.lua": "relay.on('latency', function(sample) \(body) end)", "latency.lua": "", "alerts.lua": ""]
        )
        for _ in 0..<5 {
            chat.clock.now += 100
            chat.measure(.reply(.milliseconds(1)))
            chat.measure(.timeout)
        }
        #expect(
            chat.console.lines
                == Array(repeating: ["Conexão up. Latência: 1.00 ms", "Conexão down."], count: 5).joined().map { $0 }
        )
        #expect(chat.log.failures.count == 1)
        #expect(chat.log.failures.first?.contains(reason) == true, "\(chat.log.failures)")
    }

    @Test func `without a latency hook a reply is up and good, and anything else is down`() throws {
        let chat = try Chat([
            "latency.lua": "", "alerts.lua": "",
            "test.lua": "relay.on('alert', function(r) print(r.sample.status .. ' ' .. r.sample.level) end)",
        ])
        for outcome in [PingOutcome.reply(.seconds(9)), .timeout, .refused, .inconclusive] { chat.measure(outcome) }
        #expect(chat.log.entries.map(\.message) == ["up 0", "down 3", "down 3"])
    }

    @Test func `a hook that works again says so, and is told when it fails again`() throws {
        let chat = try Chat(
            "relay.on('latency', function(sample) if sample.outcome ~= 'reply' then error('lost') end end)"
        )
        for outcome in [PingOutcome.timeout, .timeout, .reply(.milliseconds(1)), .timeout] {
            chat.clock.now += 100
            chat.measure(outcome)
        }
        #expect(chat.log.failures.count == 2)
        #expect(chat.log.entries.count { $0.message == "hook works again" } == 1)
    }

    @Test(arguments: [
        ("{ subject = 'x' }", "alert answered a mail without 'text'; it may answer"),
        ("{ text = 'x' }", "alert answered a mail without 'subject'; it may answer"),
        ("{ subject = 'x', text = 'y', sujbect = 'z' }", "a mail with 'sujbect'; did you mean 'subject'?"),
        ("{ subject = 1, text = 'y' }", "a mail whose 'subject' is a number"),
        ("{ subject = 'x', text = 'y', to = { 1 } }", "a mail whose 'to' is no list of at most 20 addresses"),
        ("{ subject = 'x', text = 'y', to = { [2] = 'a' } }", "a mail whose 'to' is no list"),
        ("{ subject = 'x', text = 'y', to = { z = 'a' } }", "a mail whose 'to' is no list"),
        ("{ subject = 'x', text = 'y', to = { { 'a' } } }", "a mail whose 'to' is no list of at most 20 addresses"),
        ("{ subject = ('x'):rep(501), text = 'y' }", "a mail whose 'subject' has 501 bytes, more than 500"),
        ("'mail'", "alert answered a string; it may answer"), ("{ 'x' }", "a mail with '[number]'"),
    ]) func `a mail that is none is an error of the script, and the next hook is asked`(
        answer: String,
        reason: String
    ) throws {
        let chat = try Chat("relay.on('alert', function() return \(answer) end)")
        chat.measure(.reply(.milliseconds(8)))
        #expect(chat.log.failures.contains { $0.contains(reason) && $0.contains("test.lua:1") }, "\(chat.log.failures)")
        #expect(chat.outbox.mails.map(\.subject) == ["Alerta de latência: Normal"])
    }

    @Test func `what the host says against a mail is an error of the script, too`() throws {
        let chat = try Chat("relay.on('alert', function() return { subject = 'x', text = 'y' } end)")
        chat.outbox.problem = "a mail to nobody"
        chat.measure(.reply(.milliseconds(8)))
        #expect(chat.log.failures.contains { $0.contains("alert answered a mail to nobody; it may answer") })
        #expect(chat.outbox.mails.isEmpty)
    }

    @Test func `what nobody knows is what it was before, is no alert, and says so on the console`() throws {
        let chat = try Chat()
        chat.measure(.inconclusive)
        chat.measure(.reply(.milliseconds(150)))
        chat.measure(.inconclusive)
        #expect(
            chat.console.lines == [
                "Medição inconclusiva.", "Conexão Lenta. Latência: 150.00 ms", "Medição inconclusiva.",
            ]
        )
        #expect(chat.outbox.mails.count == 1)
    }

    @Test func `samples, reports and windows say everything there is`() throws {
        let chat = try Chat(
            [
                "test.lua": """
                local function list(...) print(table.concat({ ... }, " ")) end
                relay.on("status", function(r)
                  list("status", r.target, r.status, r.level, r.since, tostring(r.previous), tostring(r.previous_level),
                    tostring(r.previous_since), tostring(r.held), tostring(r.reprobed), tostring(r.last_mail))
                  local w = r.previous_window
                  if w then list("window", w.n, w.lost, w.late, w.min, w.max, w.loss) end
                end)
                relay.on("latency", function(s)
                  local w = s.window.h24
                  list("sample", s.target, s.sequence, s.time, s.outcome, tostring(s.rtt_ms), s.sent, s.lost,
                    tostring(s.previous), tostring(s.previous_level), w.n, w.loss)
                end)
                """
            ]
        )
        for outcome in [PingOutcome.reply(.milliseconds(16)), .refused, .refused, .refused] { chat.measure(outcome) }
        #expect(
            chat.log.entries.map(\.message) == [
                "sample 127.0.0.1:12345 1 1000010.0 reply 16.0 1 0 nil nil 1 0.0",
                "status 127.0.0.1:12345 Normal 0 1000010.0 nil nil nil true false nil",
                "sample 127.0.0.1:12345 2 1000020.0 refused nil 1 1 Normal 0 2 0.5",
                "sample 127.0.0.1:12345 3 1000030.0 refused nil 1 1 Inativa 3 3 0.66666666666667",
                "sample 127.0.0.1:12345 4 1000040.0 refused nil 1 1 Inativa 3 4 0.75",
                "status 127.0.0.1:12345 Inativa 3 1000020.0 Normal 0 1000010.0 true false 1000030.0",
                "window 1 0 0 16.0 16.0 0.0",
            ]
        )
    }

    @Test func `the example mails by day, at night only what is down, and its end to the same`() throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("examples/on-call").path
        let text = try String(contentsOfFile: "\(script)/on-call.lua", encoding: .utf8)
        let hour = Calendar.current.component(.hour, from: Date(timeIntervalSince1970: 1_000_060))
        /// What is mailed when it gets slow, then down, then better; with the night from one hour until another.
        func mails(_ from: Int, _ until: Int) throws -> [String] {
            let settings = [
                "on-call.night_from": "\((hour + from) % 24)", "on-call.night_until": "\((hour + until) % 24)",
            ]
            let chat = try Chat(["on-call.lua": text], settings: settings)
            let slow = PingOutcome.reply(.milliseconds(200))
            let good = PingOutcome.reply(.milliseconds(1))
            for outcome in [good, slow, slow, slow, .timeout, .timeout, .timeout, good, good, good] {
                chat.measure(outcome)
            }
            #expect(chat.log.failures == [])
            return chat.outbox.mails.map { "\($0.subject) > \($0.to.joined(separator: " "))" }
        }
        let name = "127.0.0.1:12345"
        let day = "team@example.org"
        #expect(
            try mails(3, 5) == ["\(name): Lenta > \(day)", "\(name): Inativa > \(day)", "\(name): Normal > \(day)"]
        )
        let night = "on-call@example.org"
        #expect(try mails(23, 3) == ["\(name): Inativa > \(night)", "\(name): Normal > \(night)"])
        #expect(try mails(0, 1) == ["\(name): Inativa > \(night)", "\(name): Normal > \(night)"])
    }

    @Test func `the example tells the end to those of the day and those of the night`() throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("examples/on-call/on-call.lua").path
        let text = try String(contentsOfFile: script, encoding: .utf8)
        // The night begins once the relay is slow.
        let chat = try Chat([
            "on-call.lua": text.replacingOccurrences(of: "is_night(report.sample.time)", with: "report.level == 3")
        ])
        let slow = PingOutcome.reply(.milliseconds(200))
        let good = PingOutcome.reply(.milliseconds(1))
        for outcome in [good, good, good, slow, slow, slow, .timeout, .timeout, .timeout, good, good, good] {
            chat.measure(outcome)
        }
        let (day, night) = ("team@example.org", "on-call@example.org")
        #expect(chat.outbox.mails.map(\.to) == [[day], [night], [day, night]])
    }

    @Test func `a sample that a script kept is not the next one`() throws {
        let chat = try Chat(
            """
            local kept, window
            relay.on("latency", function(sample)
              if kept then print(pcall(function() return kept.rtt_ms end)) print(pcall(function() return window.n end)) end
              kept, window = sample, sample.window.m1
              return "up", 0
            end)
            """
        )
        chat.measure(.reply(.milliseconds(8)))
        chat.measure(.reply(.milliseconds(9)))
        let told = chat.log.entries.filter { $0.message.contains("readable only in the hook") }
        #expect(told.count == 2, "\(chat.log.entries)")
    }

    @Test func `a sample is readable only inside a hook`() throws {
        let chat = try Chat(
            """
            local kept
            relay.on("latency", function(sample) kept = kept or sample end)
            relay.on("message", function() return tostring(kept.rtt_ms) end)
            """
        )
        let ana = chat.connect()
        chat.measure(.reply(.milliseconds(8)))
        chat.says(ana, "oi")
        #expect(chat.log.failures.contains { $0.contains("a sample is readable only in the hook") })
    }
}
