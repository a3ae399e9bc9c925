// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import HostSettings
import Logging
import RelayHooks
import TestSupport
import Testing

@testable import LuarTesting

/// What editors and the README say of the API, held against the API.
struct LuaLSAnnotationsTests {
    private static let readme = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("README.md").path

    /// Everything of `relay` that the annotations declare.
    private var declared: Set<String> {
        let text = LuaLSAnnotations.annotations
        let functions = text.matches(of: #/(?m)^function (relay\.[\w.]+)\(/#).map { String($0.1) }
        let constants = text.matches(of: #/(?m)^(relay\.[\w.]+) = nil$/#).map { String($0.1) }
        return Set(functions + constants)
    }

    /// A script that fails if `relay` has other names than these.
    private func walk(_ names: Set<String>) -> String {
        """
        local expected = {\(names.sorted().map { "['\($0)']=true" }.joined(separator: ","))}
        local function walk(table, path)
          for name, value in pairs(table) do
            if type(value) == "table" then
              walk(value, path .. "." .. name)
            else
              if not expected[path .. "." .. name] then error("not declared: " .. path .. "." .. name) end
              expected[path .. "." .. name] = nil
            end
          end
        end
        walk(relay, "relay")
        if next(expected) then error("not there: " .. next(expected)) end
        """
    }

    @Test func `what is declared is what there is, in both programs`() {
        let quit: Set = ["relay.quit"]
        let chats: Set = [
            "relay.on", "relay.default", "relay.settings", "relay.utf8", "relay.line", "relay.now", "relay.log.debug",
            "relay.log.info",
            "relay.log.warn", "relay.log.error", "relay.json.encode", "relay.json.decode", "relay.json.null",
            "relay.json.empty_array", "relay.api", "relay.version", "relay.quit",
        ]
        #expect(self.declared.isSuperset(of: chats))
        let own = ["a.lua": self.walk(self.declared.subtracting(quit)), "chat.lua": self.walk(chats)]
        let scripts = ScriptSet(stock: [:], own: own.mapValues { Array($0.utf8) })
        let report = ScriptReport(of: scripts, folder: nil, logger: Logger(label: "test"), version: "1")
        #expect(report.problems.map(\.description) == [])
    }

    @Test func `every field that is declared can be read`() throws {
        let text = LuaLSAnnotations.annotations
        func fields(of type: String) throws -> String {
            let start = try #require(text.range(of: "---@class \(type)\n"))
            let lines = text[start.upperBound...].prefix { $0 != "\0" }
                .split(separator: "\n", omittingEmptySubsequences: false)
            let names = lines.prefix { $0.hasPrefix("---@field ") }.map { $0.split(separator: " ")[1] }
            #expect(!names.isEmpty)
            return names.map { "local _ = o.\($0)" }.joined(separator: " ")
        }
        let folder = try TemporaryFolder([
            "a.lua": """
            local seen = {}
            local function message(o) seen.message = true \(try fields(of: "relay.Message")) end
            local function client(o) seen.client = true \(try fields(of: "relay.Client")) end
            local function address(o) seen.address = true \(try fields(of: "relay.Address")) end
            local function console(o) seen[o.kind] = true \(try fields(of: "relay.ConsoleEvent")) end
            local function window(o) seen.window = true \(try fields(of: "relay.Window")) end
            local function windows(o) window(o.m1) \(try fields(of: "relay.Windows")) end
            local function sample(o) windows(o.window) \(try fields(of: "relay.Sample")) end
            local function report(o) seen.report = true sample(o.sample) \(try fields(of: "relay.Report")) end
            local function timer(o) seen.timer = true \(try fields(of: "relay.Timer")) end
            local function file(o) seen.file = true \(try fields(of: "relay.File")) end
            file(relay.file("f"))
            timer(relay.after(1, function() end))
            relay.on("message", function(m) message(m) client(m.sender) end)
            relay.on("ping", function(t, from) address(from) end)
            relay.on("console", function(e) console(e) end)
            relay.on("alert", function(r) report(r) end)
            relay.on("stop", function()
              for _, name in ipairs({ "message", "client", "address", "window", "report", "timer", "file", "sample" }) do
                if not seen[name] then error(name .. " not seen") end
              end
            end)
            """
        ])
        defer { folder.remove() }
        let relay = try HookHarness(scripts: folder.path)
        relay.connect().says("x")
        relay.measure(rtt: .milliseconds(1))
        relay.stop()
        #expect(relay.failures.map(\.message) == [])
    }

    @Test func `every event is declared with what its hook gets`() {
        let text = LuaLSAnnotations.annotations
        #expect(
            text.contains(#"---@overload fun(event: "route", fn: fun(message: relay.Message): relay.Route|false|nil)"#)
        )
        #expect(
            text.contains(#"---@overload fun(event: "ping", options: relay.PingOptions, fn: fun(text: string, from: "#)
        )
        #expect(text.contains(#"---@overload fun(event: "stop", fn: fun())"#))
        let events = text.matches(of: #/(?m)^---@overload fun\(event: "(\w+)", fn: /#).map { String($0.1) }
        let names = text.matches(of: #/(?m)^---\| "(\w+)" # ./#).map { String($0.1) }
        // Once for relay.on, once for relay.default.
        #expect(Set(events).count == 21 && events.count == 42)
        #expect(Set(events) == Set(names))
    }

    @Test func `the annotations are Lua, and know every type they name`() throws {
        let text = LuaLSAnnotations.annotations
        let scripts = ScriptSet(stock: [:], own: ["a.lua": Array(text.utf8)])
        let report = ScriptReport(of: scripts, folder: nil, logger: Logger(label: "test"), version: "1")
        #expect(report.problems.map(\.description) == [])
        let defined = Set(text.matches(of: #/(?m)^---@(?:class|alias) (relay\.\w+)/#).map { String($0.1) })
        let used = Set(text.matches(of: #/\brelay\.[A-Z]\w+/#).map { String($0.0) })
        #expect(used == defined)
        #expect(used.count > 15)
        // Nothing is said twice, and every line of annotations is one that there is.
        let tags = Set(text.matches(of: #/(?m)^---@(\w+)/#).map { String($0.1) })
        #expect(tags == ["meta", "class", "field", "alias", "type", "param", "return", "overload"])
        let functions = text.matches(of: #/(?m)^function ([\w.]+)\(/#).map { String($0.1) }
        #expect(Set(functions).count == functions.count)
    }

    @Test func `the configuration is JSON that names the folder of annotations`() throws {
        let files = LuaLSAnnotations.files
        #expect(Set(files.keys) == [".luarc.json", "library/relay.lua"])
        let object = try JSONSerialization.jsonObject(with: Data(try #require(files[".luarc.json"])))
        let settings = try #require(object as? [String: Any])
        #expect(settings["runtime.version"] as? String == "Lua 5.4")
        #expect(settings["workspace.library"] as? [String] == ["library"])
    }

    @Test func `the README's tables are the API's`() throws {
        let text = try String(contentsOfFile: Self.readme, encoding: .utf8)
        let (updated, parts) = LuaLSAnnotations.updated(readme: text)
        #expect(parts == Set(LuaLSAnnotations.readmeParts.keys))
        if updated != text, ProcessInfo.processInfo.environment["UPDATE_README"] != nil {
            try updated.write(toFile: Self.readme, atomically: true, encoding: .utf8)
        } else {
            #expect(updated == text, "UPDATE_README=1 swift test --filter LuaLSAnnotationsTests writes them anew")
        }
    }
}
