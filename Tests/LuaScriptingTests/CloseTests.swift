// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import Testing

/// To-be-closed variables: `setmetatable` refuses `__close`, but a script can add it to the metatable afterwards.
@Suite(.timeLimit(.minutes(15)))
struct CloseTests {
    /// `closing(f)` makes a value that calls `f` when a variable holding it goes out of scope.
    private static let closing = """
        function closing(f) local m = {} local t = setmetatable({}, m) m.__close = f return t end
        function forever() while true do end end

        """

    static let attacks = [
        Attack("at the end of a block", "do local c <close> = closing(forever) end"),
        Attack("after an error", "pcall(function() local c <close> = closing(forever) error('x') end)"),
        Attack("after a limit", "local c <close> = closing(forever) while true do end"),
        Attack("after a limit in pcall", "pcall(function() local c <close> = closing(forever) while true do end end)"),
        Attack(
            "after a limit in a coroutine",
            "coroutine.wrap(function() local c <close> = closing(forever) while true do end end)()"
        ),
        Attack(
            "after a limit in pcall in a coroutine",
            "coroutine.wrap(function() pcall(function() local c <close> = closing(forever) while true do end end) end)()"
        ),
        Attack(
            "by coroutine.close",
            """
            local co = coroutine.create(function() local c <close> = closing(forever) coroutine.yield() end)
            coroutine.resume(co)
            coroutine.close(co)
            """
        ),
        Attack(
            "by coroutine.close, many of them, in pcall",
            """
            local co = coroutine.create(function()
              local a <close> = closing(forever) local b <close> = closing(forever) local c <close> = closing(forever)
              coroutine.yield()
            end)
            coroutine.resume(co)
            while true do pcall(coroutine.close, co) end
            """
        ),
        Attack("as the fourth value of for", "for _ in next, { 1 }, nil, closing(forever) do end"),
        Attack("as the fourth value of for, left by break", "for _ in next, { 1 }, nil, closing(forever) do break end"),
        Attack(
            "as the fourth value of for, left by an error",
            "pcall(function() for _ in next, { 1 }, nil, closing(forever) do error('x') end end)"
        ),
        Attack("with pcall as __close", "local c <close> = closing(pcall) while true do end"),
        Attack(
            "with a coroutine as __close",
            "local c <close> = closing(coroutine.wrap(forever)) while true do end"
        ),
        Attack(
            "that closes others without end",
            "local function again() local c <close> = closing(again) end local function loop() while true do again() end end loop()",
            [.timeout, .memory, .error]
        ),
    ]

    @Test("A closing function that never ends is stopped", arguments: CloseTests.attacks)
    func stopped(attack: Attack) throws {
        let probe = try Probe()
        try probe.load(Self.closing + "relay.keep('attack', function()\n\(attack.body)\nend)")
        for _ in 1...2 {
            let outcome = probe.run("attack")
            #expect(outcome.errors.count == 1)
            if let kind = outcome.errors.first?.kind { #expect(attack.kinds.contains(kind)) }
            #expect(outcome.used < .seconds(1))
        }
        try probe.expectHealthy()
    }

    /// A coroutine that a limit killed has no hooks any more: nothing there may ever run again.
    @Test(
        "A coroutine that a limit killed stays dead",
        arguments: [
            "coroutine.close(co)", "coroutine.resume(co)", "pcall(coroutine.close, co)",
            "pcall(coroutine.wrap(coroutine.close), co)",
            "co = nil for i = 1, 50000 do local _ = {} end",
            "for i = 1, 100 do coroutine.close(co) coroutine.resume(co, i) end",
        ],
        ["while true do end", "local s = 'x' while true do s = s .. s end", "while true do pcall(forever) end"]
    )
    func dead(later: String, death: String) throws {
        let probe = try Probe()
        try probe.load(
            Self.closing + """
                relay.keep("kill", function()
                  co = coroutine.create(function()
                    local c <close> = closing(function() relay.report("closed") for i = 1, 1e9 do end end)
                    \(death)
                  end)
                  coroutine.resume(co)
                end)
                relay.keep("later", function() \(later) end)
                """
        )
        #expect(probe.run("kill").errors.count == 1)
        let outcome = probe.run("later")
        #expect(outcome.errors.isEmpty)
        #expect(probe.reports.isEmpty)
        #expect(outcome.used < .seconds(1))
        try probe.expectHealthy()
    }

    @Test func `A closing function that yields while a limit ends its coroutine gets no further in that run`() throws {
        let probe = try Probe()
        try probe.load(
            Self.closing + """
                relay.keep("kill", function()
                  co = coroutine.create(function()
                    pcall(function() local c <close> = closing(coroutine.yield) while true do end end)
                    relay.report("went on")
                    while true do end
                  end)
                  pcall(coroutine.resume, co)
                  relay.report("swallowed")
                end)
                relay.keep("later", function() relay.report(coroutine.status(co)) coroutine.resume(co) end)
                """
        )
        #expect(probe.run("kill").errors.map(\.kind) == [.timeout])
        #expect(probe.reports.isEmpty)
        let later = probe.run("later")
        #expect(later.errors.allSatisfy { $0.kind == .timeout })
        #expect(later.used < .seconds(1))
        try probe.expectHealthy()
    }

    @Test func `Once a limit has passed no closing function reaches the host`() throws {
        let probe = try Probe()
        let error = try probe.attempt(
            Self.closing
                + "local a <close>, n = closing(relay.report), 0 local b <close> = closing(print) while true do end"
        )
        #expect(error?.kind == .timeout)
        #expect(probe.reports.isEmpty)
        try probe.expectHealthy()
    }

    @Test func `Closing runs in order and hands errors over, as the manual says`() throws {
        let probe = try Probe()
        let error = try probe.attempt(
            Self.closing + """
                local co = coroutine.create(function()
                  local a <close> = closing(function(_, why) relay.report("a " .. tostring(why)) end)
                  local b <close> = closing(function(_, why) relay.report("b " .. tostring(why)) error("late", 0) end)
                  coroutine.yield(1)
                end)
                coroutine.resume(co)
                local ok, why = coroutine.close(co)
                relay.report(tostring(ok) .. " " .. tostring(why) .. " " .. coroutine.status(co))
                relay.report(tostring(coroutine.close(coroutine.create(print))))
                relay.report(select(2, pcall(coroutine.close, coroutine.running())))
                """
        )
        #expect(error == nil, "\(error?.message ?? "")")
        #expect(probe.texts == ["b nil", "a late", "false late dead", "true", "cannot close a running coroutine"])
    }

    @Test func `A chain of closing coroutines does not exhaust the C stack`() async {
        await #expect(processExitsWith: .success) {
            let probe = try Probe(Probe.limits(memory: 64 << 20, cpuTime: .seconds(3600), instructions: .max))
            let error = try probe.attempt(
                Self.closing + """
                    local last = false
                    for i = 1, 40000 do
                      local previous = last
                      last = coroutine.create(function()
                        local c <close> = closing(function() if previous then coroutine.close(previous) end end)
                        coroutine.yield()
                      end)
                      coroutine.resume(last)
                    end
                    coroutine.close(last)
                    """
            )
            #expect(error == nil || error?.kind != .timeout)
            try probe.expectHealthy()
        }
    }
}
