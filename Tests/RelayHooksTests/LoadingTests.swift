// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Logging
import LuaScripting
import RelayCore
import TestSupport
import Testing

@testable import RelayHooks

@Suite struct LoadingTests {
    private func refusal(_ files: [String: String], limits: Limits = Limits()) -> String {
        do {
            _ = try Chat(files, limits: limits)
            return "(loaded)"
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: [
        ("relay.on('mesage', print)", "scripts/a.lua:1: unknown event 'mesage'; did you mean 'message'?"),
        (
            "relay.on('ping', { transport = 'sctp' }, print)",
            "scripts/a.lua:1: option 'transport' takes \"tcp\" or \"udp\""
        ),
        (
            "relay.on('admit', { transport = 'tcp' }, print)",
            "scripts/a.lua:1: option 'transport' goes with 'ping' only"
        ),
        ("relay.on('xyzzy', print)", "scripts/a.lua:1: unknown event 'xyzzy'; known: admit alert connect"),
        ("relay.on('format', { ordr = 1 }, print)", "scripts/a.lua:1: unknown option 'ordr'; did you mean 'order'?"),
        ("relay.on('format', { order = 'x' }, print)", "option 'order' takes a number"),
        ("relay.on('format', { on_error = 'stop' }, print)", "takes \"skip\" or \"block\", not \"stop\""),
        ("relay.on('route', { dialect = 'x' }, print)", "goes with 'format' only"),
        ("relay.default('route', { order = 1 }, print)", "a default has no order"),
        ("relay.on('format')", "takes a function second, not nil"),
        ("relay.on('format', print, {})", "options go between"),
        ("relay.on(1, print)", "takes an event's name first, not a number"),
        ("relay.default('format', print)", "a second default for 'format'; the first is at"),
        ("error({ code = 1 })", "scripts/a.lua:1: (the error is a table value)"),
        ("error('no', 0)", "scripts/a.lua:1: no"),
        ("local x = = 1", "scripts/a.lua:1: unexpected symbol near '='"),
        ("\n\nerror('no')", "scripts/a.lua:3: no"),
        ("require('comands')", "did you mean 'commands'?"),
        ("require('../secrets')", "is no module name"),
        ("require('a')", "two scripts require each other"),
        ("\u{1B}Lua", "attempt to load a binary chunk"),
        ("while true do end", "took more than 2.0 seconds of CPU time"),
        ("local t = {} while true do t[#t + 1] = {} end", "took more than"),
        ("while true do pcall(error) end", "took more than 2.0 seconds of CPU time"),
    ])
    func `a script that does not load is refused with file and line`(script: String, reason: String) {
        #expect(self.refusal(["a.lua": script]).contains(reason))
    }

    @Test func `files are loaded in name order, each with its own globals, and share modules`() throws {
        let chat = try Chat([
            "20-b.lua": "x = (x or 0) + 1; local s = require('shared'); s.n = s.n + 1; print('b', x, s.n)",
            "10-a.lua": "x = 5; local s = require('shared'); s.n = s.n + 1; print('a', x, s.n)",
            "lib/shared.lua": "print('shared'); return { n = 0 }",
        ])
        #expect(chat.log.entries.map(\.message) == ["shared", "a\t5\t1", "b\t1\t2"])
    }

    @Test func `a file of the same name replaces a stock file and an empty one disables it`() throws {
        let chat = try Chat(["format.lua": "", "console.lua": "relay.on('console', function() return 'x' end)"])
        let ana = chat.connect()
        let bia = chat.connect()
        chat.says(ana, "oi")
        #expect(bia.hears == "oi")
        #expect(chat.console.lines == ["x", "x", "x"])
    }

    @Test func `a module of the user replaces a stock module`() throws {
        let chat = try Chat(["lib/commands.lua": "return { add = function(name) print('mine ' .. name) end }"])
        #expect(chat.log.entries.map(\.message) == ["mine /sair"])
    }

    @Test func `modules in folders are named with dots`() throws {
        let chat = try Chat(["a.lua": "print(require('x.y'))", "lib/x/y.lua": "return 'deep'"])
        #expect(chat.log.entries.map(\.message) == ["deep"])
    }

    @Test func `the hooks limit is an error that names it`() {
        var limits = Limits()
        limits.hooks = 10
        let script = "for i = 1, 11 do relay.on('start', function() end) end"
        #expect(self.refusal(["a.lua": script], limits: limits).contains("too many hooks: the limit is 10"))
    }

    @Test func `relay says its version and the time`() throws {
        let chat = try Chat(["a.lua": "print(relay.api, relay.version, relay.now())"])
        #expect(chat.log.entries.map(\.message) == ["1\t9.9.9\t1000000.0"])
    }

    @Test func `log calls carry script, line, fields and level`() throws {
        let chat = try Chat(["a.lua": "\nrelay.log.warn('careful', { count = 3, why = 'test' })"])
        let entry = try #require(chat.log.entries.first)
        #expect(entry.level == .warning)
        #expect(entry.message == "careful")
        #expect(entry.metadata == ["script": "scripts/a.lua:2", "script.count": "3", "script.why": "test"])
    }

    @Test(arguments: [
        ("mesage", "message", 1), ("foramt", "format", 1), ("", "abc", 3), ("abc", "abc", 0), ("kitten", "sitting", 3),
    ])
    func `names are compared by edits`(left: String, right: String, distance: Int) {
        #expect(Suggestion.distance(left, right) == distance)
    }
}
