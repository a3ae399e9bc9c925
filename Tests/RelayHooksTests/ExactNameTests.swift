// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayCore
import Testing

/// Names that Unicode takes for equal are different names, as they are for Lua.
@Suite struct ExactNameTests {
    private let composed = "caf\u{e9}"
    private let decomposed = "cafe\u{301}"

    @Test func `a guarded room is not entered by another spelling`() throws {
        let chat = try Chat(
            """
            relay.on("message", function(m)
              local room = m.text:match("^/entrar (.+)$")
              if not room then return end
              if room == "\(self.composed)" and m.sender.id ~= 1 then return false end
              m.sender.room = room
              return false
            end)
            """
        )
        let (ana, mau) = (chat.connect(), chat.connect())
        chat.says(ana, "/entrar \(self.composed)")
        chat.says(mau, "/entrar \(self.composed)")
        chat.says(mau, "/entrar \(self.decomposed)")
        chat.says(ana, "segredo")
        #expect(mau.hears == "")
        #expect(chat.hub.clients(in: self.composed).map(\.id) == [1])
        #expect(chat.hub.clients(in: self.decomposed).map(\.id) == [2])
        #expect(chat.hub.roomSizes.count == 2)
        // From one of them to the other is a move.
        chat.says(ana, "/entrar \(self.decomposed)")
        chat.says(ana, "oi")
        #expect(mau.hears == "('10.0.0.1', 4001) disse: oi")
    }

    @Test func `a dialect has its own hooks, whatever looks like it`() throws {
        let chat = try Chat(
            """
            relay.on("format", { dialect = "\(self.composed)" }, function() return "composed" end)
            relay.on("format", { dialect = "\(self.decomposed)" }, function() return "decomposed" end)
            relay.on("connect", function(c) if c.id == 2 then c.dialect = "\(self.decomposed)" end end)
            """
        )
        let (ana, bia) = (chat.connect(), chat.connect())
        chat.says(ana, "oi")
        #expect(bia.hears == "decomposed")
    }

    @Test func `a choice is taken as the script wrote it, and not in another spelling`() throws {
        let script =
            #"local set = relay.settings({ cor = { "choice", default = "azul", choices = { "azul", "caf\#u{e9}" } } })"#
        _ = try Chat(["a.lua": script], settings: ["a.cor": self.composed])
        #expect(throws: (any Error).self) { _ = try Chat(["a.lua": script], settings: ["a.cor": self.decomposed]) }
    }

    @Test func `names are equal where their bytes are`() {
        #expect(self.composed == self.decomposed)
        #expect(ExactString(self.composed) != ExactString(self.decomposed))
        #expect(ExactString(self.composed) == ExactString(String(decoding: Array(self.composed.utf8), as: UTF8.self)))
        #expect(Set([ExactString(self.composed), ExactString(self.decomposed)]).count == 2)
    }
}
