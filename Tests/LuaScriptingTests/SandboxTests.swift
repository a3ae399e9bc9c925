// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import Testing

/// What scripts see and what they must not.
enum SandboxNames {
    static let present: [String] = [
        "_VERSION", "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "print", "rawequal",
        "rawget", "rawlen", "rawset", "require", "select", "setmetatable", "tonumber", "tostring", "type", "xpcall",
        "coroutine.close", "coroutine.create", "coroutine.isyieldable", "coroutine.resume", "coroutine.running",
        "coroutine.status", "coroutine.wrap", "coroutine.yield", "math.abs", "math.floor", "math.huge", "math.pi",
        "math.maxinteger", "math.random", "string.byte", "string.char", "string.find", "string.format",
        "string.gmatch", "string.gsub", "string.len", "string.lower", "string.match", "string.pack",
        "string.packsize", "string.rep", "string.reverse", "string.sub", "string.unpack", "string.upper",
        "table.concat", "table.insert", "table.move", "table.pack", "table.remove", "table.sort", "table.unpack",
        "utf8.char", "utf8.charpattern", "utf8.codepoint", "utf8.codes", "utf8.len", "utf8.offset", "os.date",
        "os.time", "os.difftime", "collectgarbage", "relay",
    ]
    static let absent: [String] = [
        "io", "debug", "load", "loadfile", "loadstring", "dofile", "package", "module", "warn", "_G", "string.dump",
        "os.execute", "os.exit", "os.getenv", "os.remove", "os.rename", "os.setlocale", "os.tmpname", "os.clock",
        "nonsense",
    ]
    static let tables: [String] = ["string", "table", "math", "coroutine", "utf8", "os", "relay", "relay.deep"]
    /// Expressions whose values have an address inside.
    static let shown: [String] = [
        "{}", "print", "function() end", "coroutine.create(print)", "relay", "string", "relay.thing(1)", "relay.note()",
        "setmetatable({}, { __name = 'mine' })", "setmetatable({}, { __name = 1 })", "relay.thing(1).data",
        "coroutine.running()", "('x'):gmatch('.')", "relay.thing(1).greet", "_ENV", "pairs(relay)",
        "setmetatable({}, { __tostring = function() return 'own' end })",
    ]
}

@Suite(.timeLimit(.minutes(15)))
struct SandboxTests {
    @Test("A name of the allow-list is there", arguments: SandboxNames.present)
    func present(name: String) throws {
        #expect(try Probe().value("\(name) ~= nil") == .boolean(true))
    }

    @Test("A name outside the allow-list is not there", arguments: SandboxNames.absent)
    func absent(name: String) throws {
        #expect(try Probe().value("\(name) == nil") == .boolean(true))
    }

    @Test("A shared table withstands writing", arguments: SandboxNames.tables)
    func readOnly(table: String) throws {
        let probe = try Probe()
        let writes = [
            "\(table).added = 1", "\(table).find = print", "rawset(\(table), 'added', 1)",
            "setmetatable(\(table), {})", "setmetatable(\(table), nil)", "table.insert(\(table), 1)",
            "table.move({ 1 }, 1, 1, 1, \(table))", "getmetatable(\(table)).__index = {}",
            "getmetatable(\(table)).__newindex = nil", "local _ENV = \(table) added = 1",
        ]
        for write in writes {
            let error = try probe.attempt(write)
            #expect(error?.kind == .error, "\(write)")
        }
        #expect(try probe.value("rawget(\(table), 'added')") == .nil)
        #expect(try probe.value("pcall(function() return assert(\(table).added) end)") == .boolean(false))
        #expect(try probe.value("type(getmetatable(\(table)))")?.text == "string")
        #expect(try probe.value("next(\(table))") == .nil)
    }

    @Test("Stepping through a shared table shows its names and never the table itself", arguments: SandboxNames.tables)
    func pairs(table: String) throws {
        let probe = try Probe()
        let error = try probe.attempt(
            """
            local step, shown = pairs(\(table))
            relay.report(type(shown), rawequal(shown, \(table)))
            local count = 0
            for name, value in pairs(\(table)) do
              count = count + 1
              if value ~= \(table)[name] then error(name) end
              if type(value) == "table" then pcall(rawset, value, "added", 1) end
            end
            relay.report(count)
            relay.report(pcall(step, {}, "no such name"))
            """
        )
        #expect(error == nil)
        #expect(probe.reports[0] == .bytes(Array("nil".utf8)))
        guard case .integer(let count) = probe.reports[2] else { throw LuaError(kind: .error, message: "no count") }
        #expect(count > 0)
        #expect(probe.reports[3] == .boolean(false))
        if table == "relay" { #expect(try probe.value("rawget(relay.deep, 'added')") == .nil) }
    }

    @Test func `The metatable of strings is out of reach`() throws {
        let probe = try Probe()
        #expect(try probe.value("type(getmetatable(''))")?.text == "string")
        for attack in [
            "('').x = 1", "('').len = print", "setmetatable('', {})", "rawset('', 'x', 1)",
            "getmetatable('').__index.x = 1", "string.len = print",
        ] {
            #expect(try probe.attempt(attack)?.kind == .error, "\(attack)")
        }
        #expect(try probe.value("('abc'):len()") == .integer(3))
        #expect(try probe.value("('abc').dump") == .nil)
        #expect(try probe.value("('abc').x") == .nil)
    }

    @Test func `Globals stay in the file that made them`() throws {
        let probe = try Probe()
        try probe.load(
            "secret = 'mine' tostring = 1 print = 2 string = 3 relay.keep('a', function() relay.report(secret) end)"
        )
        try probe.load(
            "relay.keep('b', function() relay.report(type(secret)) relay.report(type(tostring) .. type(string)) end)"
        )
        #expect(probe.run("a").errors.isEmpty)
        #expect(probe.run("b").errors.isEmpty)
        #expect(probe.texts == ["mine", "nil", "functiontable"])
    }

    @Test(
        "A file's environment cannot be bent",
        arguments: [
            "setmetatable(_ENV, nil)", "setmetatable(_ENV, {})", "getmetatable(_ENV).__index = {}",
            "getmetatable(_ENV).__index.print = nil",
        ]
    )
    func environment(attack: String) throws {
        let probe = try Probe()
        #expect(try probe.attempt(attack)?.kind == .error)
        try probe.expectHealthy()
    }

    @Test func `A file may replace its own names without changing those of another`() throws {
        let probe = try Probe()
        #expect(try probe.attempt("rawset(_ENV, 'tostring', print) tostring = error") == nil)
        #expect(try probe.value("tostring(1)")?.text == "1")
    }

    @Test func `A required file runs once and all share its answer`() throws {
        let probe = try Probe()
        probe.scripts["shared"] = Array("relay.report('loaded') local t = { n = 0 } return t".utf8)
        try probe.load("local shared = require 'shared' shared.n = shared.n + 1")
        try probe.load("local shared = require('shared') shared.n = shared.n + 1 relay.report(shared.n)")
        #expect(probe.reports == [.bytes(Array("loaded".utf8)), .integer(2)])
        try probe.require("shared")
        #expect(probe.reports.count == 2)
    }

    @Test func `A required file that answers nothing is true, and one that answers false is false`() throws {
        let probe = try Probe()
        probe.scripts["nothing"] = []
        probe.scripts["no"] = Array("return false".utf8)
        #expect(try probe.value("require 'nothing'") == .boolean(true))
        #expect(try probe.value("require 'nothing'") == .boolean(true))
        #expect(try probe.value("require 'no'") == .boolean(false))
        #expect(try probe.value("require 'no'") == .boolean(false))
    }

    @Test func `Files that require each other, and a missing one, are explained`() throws {
        let probe = try Probe()
        probe.scripts["one"] = Array("require 'two'".utf8)
        probe.scripts["two"] = Array("require 'one'".utf8)
        let circle = #expect(throws: LuaError.self) { try probe.require("one") }
        #expect(circle?.message.contains("two scripts require each other") == true)
        let missing = try probe.attempt("require 'ghost'")
        #expect(missing?.message.contains("there is no 'ghost'") == true)
        #expect(try probe.attempt("require(12)")?.kind == .error)
        #expect(try probe.attempt("require()")?.kind == .error)
    }

    @Test func `A required file that failed is not called a circle afterwards`() throws {
        let probe = try Probe()
        probe.scripts["broken"] = Array("error('out of order')".utf8)
        for _ in 1...2 {
            let error = try probe.attempt("require 'broken'")
            #expect(error?.message.contains("each other") == false, "\(error?.message ?? "")")
        }
    }

    @Test func `Bytecode is refused`() throws {
        let probe = try Probe()
        // What string.dump of an empty chunk begins with.
        probe.scripts["binary"] = [0x1B, 0x4C, 0x75, 0x61, 0x54, 0x00, 0x19, 0x93, 0x0D, 0x0A, 0x1A, 0x0A, 4, 8, 8]
        let error = #expect(throws: LuaError.self) { try probe.require("binary") }
        #expect(error?.message.contains("binary chunk") == true)
    }

    @Test("No text shows an address", arguments: SandboxNames.shown)
    func addresses(expression: String) throws {
        let probe = try Probe()
        let body = """
            local value = \(expression)
            relay.report((tostring(value)))
            relay.report((string.format("%s|%10s|%-3.2s", value, value, value)))
            relay.report((string.format("%s", value)))
            print(value, value)
            for _, attack in ipairs {
              function() return value + 1 end, function() return value .. "x" end, function() return value < 1 end,
              function() return value < {} end, function() return #value end, function() return value.x.y end,
              function() value() end, function() return ("x"):rep(value) end, function() error(value) end,
              function() return string.format("%d", value) end, function() return string.format("%q", value) end,
              function() return table.concat({ value }) end, function() return ipairs(value)(value, value) end,
              function() value[value] = value end, function() return relay.thing(1)[value] end,
              function() relay.thing(1).name = value end, function() relay.thing(1)[value] = 1 end,
              function() return relay[value] end, function() require(value) end, function() relay.fail(value) end,
              function() return setmetatable(value, value) end, function() return tonumber(value, value) end,
              function() return next(value, value) end, function() return utf8.char(value) end,
              function() return os.date(value) end, function() return os.time(value) end,
              function() return coroutine.resume(value) end, function() return coroutine.close(value) end,
              function() return coroutine.status(value) end, function() return math.floor(value) end,
              function() return string.pack("z", value) end, function() return select(value) end,
              function() return rawset(value, nil, 1) end, function() for i = 1, value do end end,
            } do
              local _, why = pcall(attack)
              if type(why) == "string" then relay.report(why) end
            end
            """
        let error = try probe.attempt(body)
        #expect(error == nil, "\(error?.message ?? "")")
        #expect(probe.texts.count > 10)
        for text in probe.texts { #expect(!text.contains("0x"), "\(text)") }
        let thrown = try probe.attempt("local function inner(v) error(v) end inner(\(expression))")
        #expect(thrown?.kind == .error)
        #expect("\(thrown?.message ?? "0x") \(thrown?.traceback ?? "0x")".contains("0x") == false)
    }

    @Test func `No address is had by asking for one`() throws {
        let probe = try Probe()
        for pattern in ["%p", "%10p", "%-5p", "%%%p", "a%sb%p"] {
            #expect(try probe.attempt("return string.format('\(pattern)', {}, {})")?.kind == .error, "\(pattern)")
        }
        #expect(try probe.value("select('#', math.randomseed())") == .integer(0), "time and address of the state")
    }

    @Test func `A percent sign before a p is only a percent sign`() throws {
        #expect(try Probe().value("string.format('100%%pure')")?.text == "100%pure")
    }

    @Test("Finalizers are refused", arguments: ["__gc", "__close"])
    func finalizers(name: String) throws {
        let probe = try Probe()
        for value in ["function() end", "false", "1", "setmetatable({}, { __call = print })"] {
            let error = try probe.attempt("setmetatable({}, { \(name) = \(value) })")
            #expect(error?.message.contains("\(name) is not available") == true)
        }
        #expect(
            try probe.attempt("local m = {} local t = setmetatable({}, m) m.\(name) = print setmetatable(t, m)") != nil
        )
    }

    @Test func `A finalizer added afterwards never runs`() throws {
        let probe = try Probe()
        let error = try probe.attempt(
            """
            local m = {}
            do local t = setmetatable({}, m) end
            m.__gc = function() relay.report("collected") end
            for i = 1, 50000 do local _ = { i } end
            """
        )
        #expect(error == nil)
        #expect(probe.reports.isEmpty)
    }

    @Test func `Of collectgarbage only the count is there`() throws {
        let probe = try Probe()
        guard case .number(let count) = try probe.value("collectgarbage('count')") else {
            throw LuaError(kind: .error, message: "no number")
        }
        #expect(count > 10 && count < 8192)
        for option in ["'collect'", "'stop'", "'incremental'", "'step', 10", ""] {
            #expect(try probe.attempt("collectgarbage(\(option))")?.kind == .error, "\(option)")
        }
    }
}
