// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import Testing

/// A hook's body that must be stopped, and how it may end.
struct Attack: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var body: String
    var kinds: Set<LuaError.Kind>

    init(_ name: String, _ body: String, _ kinds: Set<LuaError.Kind> = [.timeout]) {
        self.testDescription = name
        self.body = body
        self.kinds = kinds
    }
}

extension Attack {
    static let endless = [
        Attack("plain", "while true do end"),
        Attack("a jump", "::again:: goto again"),
        Attack("inside pcall", "pcall(function() while true do end end)"),
        Attack("inside pcall, again and again", "while true do pcall(function() while true do end end) end"),
        Attack("inside xpcall", "xpcall(function() while true do end end, print)"),
        Attack("in a message hook", "xpcall(error, function() while true do end end, 1)"),
        Attack("in both parts of xpcall", "local function f() while true do end end while true do xpcall(f, f) end"),
        Attack(
            "a message hook that fails",
            "local function f() return f() + 1 end while true do xpcall(f, error) end",
            [.timeout, .memory]
        ),
        Attack("inside coroutine.wrap", "coroutine.wrap(function() while true do end end)()"),
        Attack(
            "resume three deep",
            """
            local function run(f) return coroutine.resume(coroutine.create(f)) end
            run(function() run(function() run(function() while true do end end) while true do end end) while true do end end)
            while true do end
            """
        ),
        Attack(
            "pcall inside a coroutine",
            """
            local co = coroutine.create(function()
              while true do pcall(function() while true do end end) end
            end)
            while true do coroutine.resume(co) end
            """
        ),
        Attack(
            "a yield inside pcall inside a coroutine",
            """
            local co = coroutine.wrap(function() while true do pcall(function() coroutine.yield() error() end) end end)
            while true do co() end
            """
        ),
        Attack("swallowed errors", "while true do pcall(error) end"),
        Attack("swallowed errors as objects", "while true do pcall(error, { 'x' }) end"),
        Attack(
            "__index",
            "return setmetatable({}, { __index = function(t, k) return t[k .. 1] end }).x",
            [.timeout, .error]
        ),
        Attack("__index loops", "return setmetatable({}, { __index = function() while true do end end }).x"),
        Attack("__newindex", "setmetatable({}, { __newindex = function() while true do end end }).x = 1"),
        Attack("__add", "return setmetatable({}, { __add = function() while true do end end }) + 1"),
        Attack("__concat", "return setmetatable({}, { __concat = function() while true do end end }) .. 'x'"),
        Attack(
            "__eq",
            "local m = { __eq = function() while true do end end } return setmetatable({}, m) == setmetatable({}, m)"
        ),
        Attack("__lt", "return setmetatable({}, { __lt = function() while true do end end }) < 1"),
        Attack("__call", "setmetatable({}, { __call = function() while true do end end })()"),
        Attack("__len", "return #setmetatable({}, { __len = function() while true do end end })"),
        Attack("__tostring", "tostring(setmetatable({}, { __tostring = function() while true do end end }))"),
        Attack("__tostring of an error", "error(setmetatable({}, { __tostring = function() while true do end end }))"),
        Attack("__pairs", "for _ in pairs(setmetatable({}, { __pairs = function() while true do end end })) do end"),
        Attack("a sort comparison", "table.sort({ 3, 2, 1 }, function() while true do end end)"),
        Attack("a gsub callback", "return (string.gsub('aaa', 'a', function() while true do end end))"),
        Attack("an iterator", "for _ in function() return 1 end do end"),
        Attack(
            "coroutines without end",
            "local all = {} while true do all[#all + 1] = coroutine.create(print) end",
            [.timeout, .memory]
        ),
        Attack("short coroutines without end", "while true do coroutine.wrap(function() end)() end"),
        Attack(
            "short turns of a pool of coroutines",
            """
            local pool = {}
            for i = 1, 50 do pool[i] = coroutine.wrap(function() while true do coroutine.yield() end end) end
            while true do for i = 1, 50 do pool[i]() end end
            """
        ),
    ]

    static let library = [
        Attack("string.rep without bounds", "return ('x'):rep(1 << 60)", [.timeout, .memory]),
        Attack("string.rep with a separator", "return (''):rep(1 << 60, 'x')", [.timeout, .memory]),
        Attack("table.move", "table.move({}, 1, 1 << 53, 2)"),
        Attack("table.move in pcall", "while true do pcall(table.move, {}, 1, 1 << 53, 2) end"),
        Attack("table.insert", "table.insert(setmetatable({}, { __len = function() return 1 << 60 end }), 1, 1)"),
        Attack("table.remove", "table.remove(setmetatable({}, { __len = function() return 1 << 60 end }), 1)"),
        Attack(
            "table.concat",
            "table.concat(setmetatable({}, { __len = function() return 1 << 60 end, __index = function() return '' end }))"
        ),
        Attack(
            "table.concat of one text",
            "local m = { __len = function() return 1 << 60 end, __index = string } m.__index = setmetatable({}, m) "
                + "table.concat({}, 'x', 1, 1 << 60)",
            [.error]
        ),
        Attack("table.unpack", "table.unpack({}, 1, 1 << 60)", [.error]),
        Attack("table.unpack again and again", "while true do pcall(table.unpack, {}, 1, 100000) end"),
        Attack(
            "table.sort with a lying __len",
            "table.sort(setmetatable({}, { __len = function() return 1 << 30 end }))",
            [.error]
        ),
        Attack("table.sort of much", "local t = {} for i = 1, 200000 do t[i] = -i end table.sort(t)"),
        Attack("utf8.char again and again", "while true do utf8.char(1, 2, 3) end"),
    ]

    static let greedy = [
        Attack("a text doubled", "local s = 'x' while true do s = s .. s end", [.memory, .timeout]),
        Attack(
            "a text doubled in pcall",
            "local s = 'x' pcall(function() while true do s = s .. s end end)",
            [.memory, .timeout]
        ),
        Attack(
            "a text doubled in pcall, again and again",
            "while true do pcall(function() local s = 'x' while true do s = s .. s end end) end",
            [.memory, .timeout]
        ),
        Attack(
            "a text doubled in a coroutine",
            "while true do coroutine.resume(coroutine.create(function() local s = 'x' while true do s = s .. s end end)) end",
            [.memory, .timeout]
        ),
        Attack("one large text", "return ('x'):rep(256):rep(1 << 15)", [.memory]),
        Attack(
            "one large text in pcall",
            "pcall(string.rep, ('x'):rep(256), 1 << 15) relay.report('went on')",
            [.memory]
        ),
        Attack("a table without end", "local t = {} while true do t[#t + 1] = t end", [.memory, .timeout]),
        Attack("tables in a chain", "local t while true do t = { t, {}, {}, {} } end", [.memory, .timeout]),
        Attack(
            "closures in a chain",
            "local f while true do local g = f f = function() return g end end",
            [.memory, .timeout]
        ),
        Attack(
            "comparisons of large texts",
            "local a = ('x'):rep(2 << 20) local b = a .. 'y' while true do local _ = a < b end",
            [.timeout, .memory]
        ),
        Attack("joins of large texts", "local a = ('x'):rep(1 << 20) while true do local _ = a .. 'y' end", [.timeout]),
        Attack("deep recursion", "local function f() return 1 + f() end f()", [.error, .memory, .timeout]),
        Attack(
            "deep recursion, again and again",
            "local function f() return 1 + f() end while true do pcall(f) end",
            [.memory, .timeout]
        ),
        Attack(
            "resume inside resume",
            "local function f() coroutine.wrap(f)() end f()",
            [.error, .memory, .timeout]
        ),
        Attack("pcall inside pcall", "local function f() pcall(f) end while true do f() end", [.memory, .timeout]),
        Attack(
            "tostring inside tostring",
            "local m = {} m.__tostring = function(t) return tostring(t) end tostring(setmetatable({}, m))",
            [.error]
        ),
        Attack(
            "an error whose __tostring fails with itself",
            "local m = {} local e = setmetatable({}, m) m.__tostring = function() error(e) end error(e)",
            [.error]
        ),
        Attack("gsub inside gsub", "local function f() return (('a'):gsub('a', f)) end f()", [.error]),
    ]
}
