// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import LatencyMonitor
import LuaScripting
import LuarTesting
import RelayCore
import RelayHooks
import Testing

/// The harness as the author of a test sees it.
struct HookHarnessTests {
    @Test func `what a client says before it is let in is heard then`() throws {
        let relay = try HookHarness(
            files: [
                "a.lua": """
                relay.on("admit", function(client)
                  if client.port == 8 then return end
                  local pending = relay.pending(5)
                  if client.port ~= 9 then relay.after(1, function() pending:answer() end) end
                  return pending
                end)
                """
            ]
        )
        let (ana, bia) = (relay.connect(), relay.connect(.tcp, "10.0.0.8:8"))
        let caio = relay.connect(.tcp, "10.0.0.9:9")
        ana.says("um")
        ana.says("dois")
        #expect(relay.messages.isEmpty && bia.hears == [])
        relay.advance(by: .seconds(2))
        #expect(bia.hears == ["\(ana.name) disse: um", "\(ana.name) disse: dois"])
        relay.advance(by: .seconds(4))
        #expect(caio.reason == "refused")
    }

    @Test func `the stock chat, text by text`() throws {
        let relay = try HookHarness()
        let ana = relay.connect(.tcp, "10.0.0.1:4000")
        let bia = relay.connect(.tcp, "10.0.0.2:5000")
        ana.says("oi")
        ana.says("tudo bem?")
        #expect(bia.hears == ["('10.0.0.1', 4000) disse: oi", "('10.0.0.1', 4000) disse: tudo bem?"])
        #expect(bia.hears == [])
        #expect(bia.heard.count == 2)
        #expect(ana.hears == [])
        ana.says("/sair")
        #expect(!ana.isHere && ana.reason == "left")
        ana.says("anyone?")
        #expect(bia.hears == [])
        #expect(
            relay.console == [
                "Cliente conectado: ('10.0.0.1', 4000)", "Cliente conectado: ('10.0.0.2', 5000)",
                "('10.0.0.1', 4000) disse: oi", "('10.0.0.1', 4000) disse: tudo bem?",
                "Cliente desconectado: ('10.0.0.1', 4000)",
            ]
        )
        #expect(relay.failures == [])
    }

    @Test func `texts sent in one turn stay apart, line breaks and all`() throws {
        let relay = try HookHarness(files: [
            "t.lua":
                "relay.on('message', function(m) m.sender:send('a') m.sender:send('b\\nc') m.sender:send('') return false end)"
        ])
        let ana = relay.connect()
        ana.says("x")
        #expect(ana.hears == ["a", "b\nc"])
        #expect(relay.messages.map(\.fate) == [.swallowed])
    }

    @Test func `over UDP a text lets in, a ping does not, and leaving is by a word`() throws {
        let relay = try HookHarness()
        let ana = relay.connect(.udp)
        let bia = relay.connect(.udp, "[::1]:7000")
        #expect(!ana.isHere && ana.room == nil)
        ana.says("ping")
        #expect(ana.hears == ["ping"])
        #expect(!ana.isHere)
        ana.says("oi")
        bia.says("aqui")
        #expect(ana.isHere && ana.room == "udp")
        #expect(ana.hears == ["('::1', 7000) disse: aqui"])
        ana.says("/sair")
        #expect(!ana.isHere)
        ana.says("de novo")
        #expect(ana.isHere)
        #expect(bia.hears == ["\(ana.name) disse: de novo"])
    }

    @Test func `a measurement is judged by the scripts, and mailed`() throws {
        let relay = try HookHarness(settings: ["latency.normal_ms": "80"])
        let sample = relay.measure(rtt: .milliseconds(120))
        #expect(sample.status == "Lenta" && sample.level == 1 && sample.held == nil)
        #expect(relay.measure(rtt: .milliseconds(79)).status == "Normal")
        #expect(relay.measure(.timeout).status == "Inativa")
        #expect(relay.measure(.inconclusive).status == "Inativa")
        #expect(relay.mails.map(\.subject).prefix(2) == ["Alerta de latência: Lenta", "Alerta de latência: Normal"])
        #expect(relay.mails.first?.to == [])
    }

    @Test func `a status is held when it has lasted`() throws {
        let relay = try HookHarness(settings: ["alerts.notify": "change"])
        #expect(relay.measure(rtt: .milliseconds(1)).held == "Normal")
        #expect(relay.measure(rtt: .milliseconds(200)).held == nil)
        #expect(relay.measure(rtt: .milliseconds(1)).held == nil)
        // The quick pings after it are lost, too.
        #expect(relay.measure(.timeout).held == "Inativa")
        #expect(relay.mails.map(\.subject) == ["Alerta de latência: Inativa"])
    }

    @Test func `timers run on the harness's clock`() throws {
        let relay = try HookHarness(files: [
            "t.lua": """
            local begin = relay.now()
            local function say(word) print(("%s at %g"):format(word, relay.now() - begin)) end
            relay.every(10, function() say("every") end)
            relay.after(25, function() say("after"); relay.after(0, function() say("at once") end) end)
            """
        ])
        #expect(relay.log.map(\.message) == [])
        relay.advance(by: .seconds(30))
        #expect(
            relay.log.map(\.message) == ["every at 10", "every at 20", "after at 25", "at once at 25", "every at 30"]
        )
    }

    @Test func `timers that make timers without end are a failure, not a hang`() throws {
        let relay = try HookHarness(files: [
            "t.lua": "local function again() relay.after(0, again) end again()"
        ])
        relay.advance(by: .seconds(1))
        #expect(relay.failures.map(\.message) == ["timers make timers for the same moment without end"])
    }

    @Test func `a daily timer runs at its time of day`() throws {
        let start = try #require(
            DateComponents(calendar: .current, year: 2026, month: 3, day: 9, hour: 8, minute: 59).date
        )
        let relay = try HookHarness(
            files: ["t.lua": "relay.daily('9:00', function() print(os.date('%H:%M', relay.now() // 1 | 0)) end)"],
            at: start
        )
        relay.advance(by: .seconds(59))
        #expect(relay.log.isEmpty)
        relay.advance(by: .seconds(1))
        #expect(relay.log.map(\.message) == ["09:00"])
        relay.advance(by: .seconds(3 * 24 * 3_600))
        #expect(relay.log.map(\.message) == Array(repeating: "09:00", count: 4))
        #expect(relay.failures == [])
    }

    @Test func `a cancelled timer is not called, also by one that is due with it`() throws {
        let relay = try HookHarness(files: [
            "t.lua": """
            local b
            relay.after(1, function() print("a", b:cancel(), b:cancel()) end)
            b = relay.after(1, function() print("b") end)
            local n = 0
            local c
            c = relay.every(2, function() n = n + 1; print("c", n); if n == 2 then print(c:cancel()) end end)
            """
        ])
        relay.advance(by: .seconds(60))
        #expect(relay.log.map(\.message) == ["a\ttrue\tfalse", "c\t1", "c\t2", "true"])
    }

    @Test func `centuries may pass, and a measurement after them is one as any other`() throws {
        let relay = try HookHarness()
        for _ in 1...40 { relay.advance(by: .seconds(10 * 366 * 24 * 60 * 60)) }
        #expect(relay.measure(rtt: .milliseconds(5)).level == 0)
    }

    @Test func `mails and states are stored at once, and scripts learn it when time passes`() throws {
        let relay = try HookHarness(files: [
            "t.lua": """
            local kept, other = relay.state("kept", { persist = true }), relay.state("other")
            relay.on("message", function(m)
              kept.text = m.text
              relay.sync(kept, function(stored) print("kept", stored) end)
              relay.sync(other, function(stored) print("other", stored) end)
              print(relay.mail({ subject = "s", text = "t" }, function(stored) print("mail", stored) end))
            end)
            """
        ])
        relay.connect().says("oi")
        #expect(relay.log.map(\.message) == ["true"])
        relay.advance(by: .zero)
        #expect(relay.log.dropFirst().map(\.message) == ["kept\ttrue", "other\tfalse", "mail\ttrue"])
        #expect(relay.failures == [])
    }

    @Test(arguments: [
        ("relay.every(0, print)", "relay.every takes 0.01 to 31622400 seconds, not 0"),
        ("relay.after(-1, print)", "relay.after takes 0 to 31622400 seconds, not -1"),
        ("relay.after(0/0, print)", "nan (a number)"),
        ("relay.after('1', print)", "relay.after takes a number of seconds first, not '1'"),
        ("relay.after(1)", "relay.after takes a function second, not nil"),
        ("relay.daily('24:00', print)", "relay.daily takes a time of day like \"09:00\" first, not '24:00'"),
        ("relay.daily(9, print)", "first, not a number"),
        ("for _ = 1, 1001 do relay.after(1, print) end", "too many timers: the limit is 1000"),
        ("relay.after(1, print).cancle()", "a timer has no field 'cancle'; did you mean 'cancel'?"),
    ]) func `what is no timer is refused`(script: String, reason: String) {
        let error = #expect(throws: ScriptError.self) { try HookHarness(files: ["t.lua": script]) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    }

    @Test func `timers that have run leave room for others, and their functions are let go`() throws {
        // So many megabytes take a slow machine longer than a hook has; what they are about is memory.
        var limits = LuaLimits()
        limits.hooks.cpuTime = .seconds(10)
        let script = """
            relay.every(1, function()
              for _ = 1, 900 do local big = ("x"):rep(10000 + _) relay.after(0.5, function() return big end) end
            end)
            """
        let relay = try HookHarness(files: ["t.lua": script], scriptLimits: limits)
        relay.advance(by: .seconds(60))
        #expect(relay.failures == [])
    }

    @Test func `what fails is told with its place, and the rest goes on`() throws {
        let relay = try HookHarness(files: [
            "t.lua":
                "relay.on('message', function(m)\n  error('oh')\nend)\nrelay.every(1, function()\n  local x = nil + 1\nend)"
        ])
        let ana = relay.connect()
        let bia = relay.connect()
        ana.says("oi")
        #expect(bia.hears.count == 1)
        relay.advance(by: .seconds(2))
        #expect(relay.failures.map(\.event) == ["message", "timer", "timer"])
        let failure = try #require(relay.failures.first)
        #expect(failure.script == "scripts/t.lua" && failure.line == 1 && failure.kind == "error")
        #expect(failure.message == "scripts/t.lua:2: oh")
        #expect(failure.traceback.contains("t.lua:2:"))
    }

    @Test func `a script that keeps a message is found out`() throws {
        let relay = try HookHarness(files: [
            "t.lua": "local kept relay.on('message', function(m) kept = kept or m; print(kept.text) end)"
        ])
        let ana = relay.connect()
        ana.says("one")
        #expect(relay.failures == [])
        ana.says("two")
        #expect(relay.failures.first?.message.contains("this is an earlier one; keep its text or its id") == true)
    }

    @Test func `every text is traced: what it became, and who gets it`() throws {
        let relay = try HookHarness(files: [
            "t.lua": """
            relay.on("message", function(m) if m.text == "psst" then return false end return m.text:upper() end)
            relay.on("route", function(m) if m.text == "ALL" then return relay.everyone end end)
            """
        ])
        let ana = relay.connect()
        let bia = relay.connect()
        for text in ["oi", "all", "psst"] { ana.says(text) }
        #expect(relay.messages.map(\.text) == ["oi", "all", "psst"])
        #expect(relay.messages.map(\.filtered) == ["OI", "ALL", "psst"])
        #expect(relay.messages.map(\.fate) == [.relayed, .relayed, .swallowed])
        #expect(relay.messages.map { $0.recipients.count } == [1, 2, 0])
        #expect(relay.messages[0].recipients[0] === bia && relay.messages[0].sender === ana)
    }

    @Test func `who is asked something at the door, is refused, or finds it full`() throws {
        var limits = Limits()
        limits.clients = 2
        let relay = try HookHarness(
            files: [
                "door.lua": """
                relay.on("admit", function(client, text)
                  if not text then return "password?" end
                  if text ~= "luar" then return false, "no" end
                end)
                relay.on("system_message", function(client, kind) return kind end)
                """
            ],
            limits: limits
        )
        let ana = relay.connect()
        #expect(ana.hears == ["password?"])
        ana.says("luar")
        #expect(ana.isHere && ana.room == "tcp")
        let bia = relay.connect()
        bia.says("moon")
        #expect(bia.hears == ["password?", "no"])
        #expect(!bia.isHere && bia.reason == "refused")
        _ = relay.connect()
        let eva = relay.connect()
        #expect(eva.hears == ["full"] && eva.reason == "full" && !eva.isHere)
        ana.says(String(repeating: "x", count: limits.messageBytes + 1))
        #expect(ana.hears == ["too_long"])
        relay.stop()
        #expect(ana.hears == ["shutdown"] && ana.reason == "shutdown")
    }

    @Test func `a mail that cannot be sent is the script's failure`() throws {
        let relay = try HookHarness(files: [
            "t.lua": "relay.on('alert', function() return {subject = 'a\\nb', text = 'x'} end)"
        ])
        relay.measure(rtt: .milliseconds(1))
        #expect(relay.failures.first?.message.contains("a mail that cannot be sent") == true)
    }

    @Test(arguments: [
        ("{ subject = 'a', text = 'b' }", ""), ("{ subject = 'a', text = 'b', to = { 'a@b.c', 'd@e.f' } }", ""),
        ("{ subject = 'a\\nb', text = 'b' }", "relay.mail was given a mail that cannot be sent"),
        ("{ subject = 'a' }", "relay.mail was given a mail without 'text'"),
        ("{ subject = 'a', text = 'b', too = 'x' }", "relay.mail was given a mail with 'too'; did you mean 'to'?"),
        ("'x'", "relay.mail takes a table with subject and text, not a string"),
    ]) func `a script sends mail of its own`(mail: String, reason: String) throws {
        let relay = try HookHarness(files: ["t.lua": "relay.on('message', function() print(relay.mail(\(mail))) end)"])
        relay.connect().says("x")
        if reason.isEmpty {
            #expect(relay.mails.map(\.subject) == ["a"] && relay.failures == [])
            #expect(relay.log.map(\.message) == ["true"])
        } else {
            #expect(relay.mails == [] && relay.failures.first?.message.contains(reason) == true, "\(relay.failures)")
        }
        #expect(throws: ScriptError.self) {
            try HookHarness(files: ["t.lua": "relay.mail({ subject = 'a', text = 'b' })"])
        }
    }

    @Test func `mistakes in scripts and settings are thrown with their place`() {
        let error = #expect(throws: ScriptError.self) { try HookHarness(files: ["t.lua": "\nrelay.onn()"]) }
        #expect(error?.description == "scripts/t.lua:2: relay has no 'onn'; did you mean 'on'?")
        #expect(throws: ScriptError.self) { try HookHarness(settings: ["latency.normal": "1"]) }
        #expect(throws: (any Error).self) { try HookHarness(scripts: "/nonexistent") }
    }

    @Test func `ten thousand messages are no trouble`() throws {
        let relay = try HookHarness()
        let ana = relay.connect()
        let bia = relay.connect()
        for number in 1...10_000 { ana.says("\(number)") }
        #expect(bia.hears.count == 10_000)
        #expect(relay.messages.count == 10_000)
    }
}
