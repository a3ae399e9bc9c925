// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import Testing

/// The functions that take patterns do what the manual of Lua 5.4 says, on the script's budget.
///
/// Beside these, half a million random calls were compared with Lua's own functions, by hand.
@Suite(.timeLimit(.minutes(15))) struct PatternTests {
    private let probe: Probe

    init() throws { self.probe = try Probe() }

    /// What an expression answers, values joined by spaces.
    private func answer(_ expression: String) throws -> String? {
        let error = try self.probe.attempt(
            """
            local t = table.pack(\(expression))
            for i = 1, t.n do t[i] = tostring(t[i]) end
            relay.report(table.concat(t, " "))
            """
        )
        return try error.map { $0.message } ?? #require(self.probe.last).text
    }

    @Test(arguments: [
        // Classes and sets.
        ("('a1 B_'):gsub('%a', 'x')", "x1 x_ 2"), ("('a1 B_'):gsub('%W', '')", "a1B 2"),
        (#"('\0a\255'):gsub('[%z\255]', '.')"#, ".a. 2"), ("('a-z]'):gsub('[]z-]', '.')", "a... 3"),
        ("('abc^'):gsub('[^a-b]', '.')", "ab.. 2"), ("('a^b'):find('[a^]', 2)", "2 2"), ("('%'):match('[%%]')", "%"),
        // Repetitions.
        ("('aaa'):match('a-'), ('aaab'):match('a-b'), ('aaa'):match('a*'), ('baa'):match('ba?a?a?')", " aaab aaa baa"),
        ("('hello world'):gsub('o*', 'x')", "xhxexlxlx xwxrxlxdx 10"), ("('abc'):gsub('', '-')", "-a-b-c- 4"),
        ("('x = 1, y = 2'):gsub('(%w+) = (%w+)', '%2 = %1')", "1 = x, 2 = y 2"),
        // Captures, places, again, balanced, frontiers.
        ("('key=val'):match('()(%w+)=(%w+)()')", "1 key val 8"), (#"('"it" x'):match('(["\'])(.-)%1')"#, "\" it"),
        ("('f(a(b)c)d'):match('%b()')", "(a(b)c)"), ("('THE (quick) fox'):find('%f[%a]%a+%f[%A]', 5)", "6 10"),
        ("('THE (quick) fox'):gsub('%f[%a]%a+', '%0%0')", "THETHE (quickquick) foxfox 3"),
        // Anchors and places.
        ("('abab'):gsub('^ab', 'x')", "xab 1"), ("('a$b'):find('$', 1, true)", "2 2"), ("('ab'):find('b$')", "2 2"),
        ("('abc'):find('b', -2)", "2 2"), ("('abc'):find('', 10)", "nil"), ("('abc'):find('', 4)", "4 3"),
        ("('abc'):match('^b', 2)", "b"), (#"('a\0b'):find('\0b')"#, "2 3"), ("('a.b'):find('.', 2, true)", "2 2"),
        // What replaces.
        ("('$x $y'):gsub('%$(%w+)', { x = 'X', y = false })", "X $y 2"),
        ("('abc'):gsub('%w', function(c) return c == 'b' and c:upper() or nil end)", "aBc 3"),
        ("('abc'):gsub('%w', '%%%0', 2)", "%a%bc 2"), ("('abc'):gsub('b', 5)", "a5c 1"),
        ("('x'):gsub('x', '%1')", "x 1"), ("('abc'):gsub('(b)()', '%2%1')", "a3bc 1"),
        // Going through.
        (
            "(function() local l = {} for k, v in ('a=1, b=2'):gmatch('(%w)=(%w)') do l[#l+1] = k .. v end return #l, l[1], l[2] end)()",
            "2 a1 b2"
        ),
        ("(function() local n = 0 for w in ('one two'):gmatch('%a*') do n = n + 1 end return n end)()", "2"),
        ("(function() for w in ('one two'):gmatch('%a+', -3) do return w end end)()", "two"),
        // What is wrong.
        ("('a'):find('[a')", "malformed pattern (missing ']')"),
        ("('a'):find('%')", "malformed pattern (ends with '%')"),
        ("('a'):find('(a')", "unfinished capture"), ("('a'):find('(a))')", "invalid pattern capture"),
        ("('a'):find('%1')", "invalid capture index %1"),
        ("('a'):find('%bx')", "malformed pattern (missing arguments to '%b')"),
        ("('a'):find('%f')", "missing '[' after '%f' in pattern"),
        ("('a'):gsub('a', '%2')", "invalid capture index %2"),
        ("('a'):gsub('a', '%x')", "invalid use of '%' in replacement string"),
        ("('a'):gsub('a', function() return {} end)", "invalid replacement value (a table)"),
        ("string.format('%d', 'x')", "bad argument #2 to 'format' (number expected, got string)"),
        ("string.format('%s %5.1f|%q', {}, 2.25, 'a')", "table   2.2|\"a\""), ("('ab'):rep(2, '-')", "ab-ab"),
        ("('a'):gsub('a')", "bad argument #2 to 'gsub' (string/function/table expected, got no value)"),
        ("('a'):find(('()'):rep(33))", "too many captures"),
        ("('a'):rep(300):find(('a?'):rep(300) .. 'b')", "pattern too complex"),
    ]) func `patterns mean what the manual says`(expression: String, answer: String) throws {
        let found = try #require(try self.answer(expression))
        #expect(found == answer || found.hasSuffix(": \(answer)"), "\(found)")
    }

    @Test(arguments: [
        "text:match('^%s*(.-)%s*$')", "text:find('.-.-.-.-x')", "text:gsub('%s+$', '')", "text:gsub('(.-)%s*$x', '')",
        "text:find('[%s]*[%s]*[%s]*x')", "(('('):rep(60000)):find('%b()')", "for _ in text:gmatch('%s*x') do end",
        "text:match('(%s*)%1%1x')", "text:find('%s*' .. ('[' .. ('x'):rep(5000) .. ']'))",
    ]) func `a pattern that takes for ever is stopped`(call: String) throws {
        let body =
            "local text = 'a' .. (' '):rep(60000) .. 'b'\n" + (call.hasPrefix("for") ? call : "local _ = \(call)")
        let error = try self.probe.attempt(body)
        #expect(error?.kind == .timeout, "\(error?.message ?? "it ended")")
        try self.probe.expectHealthy()
    }

    @Test func `a script cannot catch it`() throws {
        let error = try self.probe.attempt(
            "pcall(string.find, (' '):rep(60000), '.-.-.-x') relay.report('caught')"
        )
        #expect(error?.kind == .timeout && self.probe.reports.isEmpty)
    }

    @Test func `everyday work on a longest message stays far below the limits`() throws {
        let body = """
            local text = ("some words, 12 of them; "):rep(2700)
            local words = 0
            for _ in text:gmatch("%a+") do words = words + 1 end
            local clean = text:gsub("%d+", "#"):gsub("^%s*(.-)%s*$", "%1")
            relay.report(words .. " " .. #clean)
            """
        #expect(try self.probe.attempt(body) == nil)
        #expect(self.probe.last?.text == "10800 62099")
    }
}
