// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import Testing

/// Every way to catch an error around every other, around everything that passes a limit.
@Suite(.timeLimit(.minutes(15)))
struct NestingTests {
    /// `$` is what is inside.
    private static let wrappers = [
        "while true do pcall(function() $ end) end",
        "xpcall(function() $ end, function() $ end)",
        "while true do coroutine.resume(coroutine.create(function() $ end)) end",
        "pcall(coroutine.wrap(function() $ end))",
        "local co = coroutine.create(function() coroutine.yield() $ end) coroutine.resume(co) pcall(coroutine.resume, co) $",
        "local co = coroutine.create(function() local c <close> = closing(function() $ end) coroutine.yield() end) "
            + "coroutine.resume(co) pcall(coroutine.close, co) $",
        "do local c <close> = closing(function() $ end) end $",
        "pcall(function() local c <close> = closing(coroutine.yield) $ end)",
        "pcall(table.sort, { 3, 1, 2 }, function() $ end) $",
        "pcall(string.gsub, 'ab', '.', function() $ end) $",
        "pcall(function() return setmetatable({}, { __index = function() $ end }).x end) $",
        "pcall(function() for _ in function() $ end do end end) $",
    ]
    private static let payloads = [
        "while true do end",
        "local s = 'x' while true do s = s .. s end",
        "local t = {} while true do t[#t + 1] = {} end",
        "table.move({}, 1, 1 << 53, 2)",
        "local function f() return 1 + f() end while true do pcall(f) end",
        "while true do coroutine.wrap(function() end)() end",
    ]

    @Test("No nesting of ways to catch an error outlives a limit", arguments: NestingTests.payloads)
    func nested(payload: String) throws {
        let probe = try Probe(Probe.limits(memory: 4 << 20, cpuTime: .milliseconds(5), instructions: 200_000))
        for outer in Self.wrappers {
            for inner in Self.wrappers {
                let body =
                    outer
                    .replacing("$", with: "do \(inner.replacing("$", with: "do \(payload) end")) end")
                let error = try probe.attempt(
                    """
                    local function closing(f) local m = {} local t = setmetatable({}, m) m.__close = f return t end
                    \(body)
                    """
                )
                #expect(error != nil && error?.kind != .error, "\(body): \(error?.message ?? "no error")")
            }
        }
        try probe.expectHealthy()
    }
}
