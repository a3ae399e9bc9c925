// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import LuaScripting
import Testing

@Suite("Hooks are called in order, and stop where the host has to know")
struct HookTests {
    private static let text = LuaAnswerSchema(
        event: "e",
        accepted: [.bytes],
        acceptsFalse: true,
        longest: 1 << 20,
        expected: "a text or false"
    )

    /// Loads functions, and makes hooks of them.
    private func hooks(_ probe: Probe, _ bodies: [String]) throws -> [LuaHook] {
        for body in bodies { try probe.load("relay.keep('hooks', function(x) \(body) end)") }
        return probe.functions("hooks").map { LuaHook($0) }
    }

    private func described(_ outcome: LuaOutcome) -> String {
        switch outcome {
        case .called: "called"
        case .answered(let value): "answered \(value.text ?? value.typeName)"
        case .held: "held"
        case .failed(let error): "failed \(error.kind)"
        }
    }

    @Test func `One call goes through all that answer nil, and stops at an answer and at a failure`() throws {
        let probe = try Probe()
        let bodies = ["", "", "return 'a'", "", "error('b')", "return false", "", "return nil"]
        let hooks = try self.hooks(probe, bodies)
        let state = try #require(probe.state)
        var calls = LuaCalls(LuaHookList(hooks), schema: Self.text)
        state.beginRun()
        var seen: [String] = []
        repeat { seen.append("\(self.described(state.call(&calls))) \(calls.next)") } while calls.next < hooks.count
        state.endRun()
        #expect(seen == ["answered a 3", "failed error 5", "answered boolean 6", "called 8"])
        #expect(hooks.map(\.calls) == Array(repeating: 1, count: 8))
    }

    @Test func `A held hook is called by itself, where the host says so, or left out`() throws {
        let probe = try Probe()
        let hooks = try self.hooks(probe, Array(repeating: "return x", count: 4))
        let state = try #require(probe.state)
        var calls = LuaCalls(LuaHookList(hooks), schema: Self.text)
        hooks[1].isHeld = true
        hooks[2].isHeld = true
        state.beginRun()
        #expect(self.described(state.call(&calls)) == "held")
        #expect(calls.next == 1)
        #expect(self.described(state.call(&calls, includingHeld: true)) == "held", "only the first one is let through")
        #expect(calls.next == 2)
        calls.skip()
        #expect(self.described(state.call(&calls, atMost: 5)) == "called")
        state.endRun()
        #expect(hooks.map(\.calls) == [1, 1, 0, 1])
    }

    @Test func `No more are called than the host wants, and each gets the argument as it is then`() throws {
        let probe = try Probe()
        let hooks = try self.hooks(probe, Array(repeating: "relay.report(x)", count: 4))
        let state = try #require(probe.state)
        let texts = [Array("one".utf8), Array("two".utf8)]
        texts[0]
            .withUnsafeBytes { one in
                texts[1]
                    .withUnsafeBytes { two in
                        var calls = LuaCalls(LuaHookList(hooks), schema: nil, .bytes(one))
                        state.beginRun()
                        #expect(self.described(state.call(&calls, atMost: 3)) == "called")
                        #expect(calls.next == 3)
                        calls.setFirst(.bytes(two))
                        #expect(self.described(state.call(&calls)) == "called")
                        state.endRun()
                    }
            }
        #expect(probe.texts == ["one", "one", "one", "two"])
    }

    @Test func `An answer stays readable until hooks are called again, whatever the host does with the state`() throws {
        let probe = try Probe()
        let hooks = try self.hooks(probe, ["return ('abc'):rep(10000)", "collectgarbage = nil return ('d'):rep(9)"])
        let state = try #require(probe.state)
        let thing = try #require(probe.thing)
        var calls = LuaCalls(LuaHookList(hooks), schema: Self.text)
        state.beginRun()
        guard case .answered(.bytes(let bytes)) = state.call(&calls) else {
            Issue.record("no answer")
            return
        }
        // Each of these is a protected call of its own; the collection takes what nothing holds.
        state.invalidate(thing, 1)
        state.forget(thing, 1)
        state.collect()
        #expect(bytes.elementsEqual(Array(String(repeating: "abc", count: 10_000).utf8)))
        #expect(self.described(state.call(&calls)) == "answered ddddddddd")
        state.endRun()
        let before = state.memory
        state.collect()
        #expect(state.memory < before, "the answers are given back")
    }
}
